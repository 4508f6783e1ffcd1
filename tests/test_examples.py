"""The examples run, say what they should, and refuse what they should."""

from __future__ import annotations

import functools
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import armexec
from armexec.engines import ENGINES, get_engine
from armexec.libraries.archives import is_built

EXAMPLES = Path(__file__).parent.parent / "examples"
PROGRAMS = EXAMPLES / "programs"
CLUSTERS = {"dask_map": "distributed", "ray_map": "ray"}
"""The examples that need an extra, and its package."""


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


brainfuck = _import(EXAMPLES / "brainfuck.py")
cpu_and_space = _import(EXAMPLES / "cpu_and_space.py")
fibonacci = _import(EXAMPLES / "fibonacci.py")
geometry = _import(EXAMPLES / "geometry.py")
jit_constant = _import(EXAMPLES / "jit_constant.py")
jni = _import(EXAMPLES / "jni.py")
make_mandelbrot = _import(PROGRAMS / "make_mandelbrot.py")
numpy_sum = _import(EXAMPLES / "numpy_sum.py")
sqlite = _import(EXAMPLES / "sqlite.py")
sort_by_key = _import(EXAMPLES / "sort_by_key.py")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    try:
        get_engine(name)
    except armexec.HostError as error:
        pytest.skip(str(error))
    return name


def _script(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


# -- seed --------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not is_built("c"), reason="the C library isn't built: pytest -m long builds it")
@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_the_program_that_writes_a_function(engine: str) -> None:
    done = _script("-m", "armexec", "run", "--engine", engine, EXAMPLES / "seed.c")
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")


@pytest.mark.skipif(not is_built("c++"), reason="the C++ library isn't built: pytest -m long builds it")
def test_threads() -> None:
    done = _script("-m", "armexec", "run", "-O2", EXAMPLES / "threads.cpp")
    assert (done.returncode, done.stdout, done.stderr) == (0, "78498\n", "")


# -- cpu_and_space ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_cpu_and_space(engine: str) -> None:
    assert cpu_and_space.in_armexec(engine) == cpu_and_space.in_unicorn() == (5050, 1)


def test_cpu_and_space_as_a_script() -> None:
    done = _script(EXAMPLES / "cpu_and_space.py")
    assert done.returncode == 0, done.stderr
    assert "armexec: sum 5050, 1 write\nunicorn: sum 5050, 1 write\n" in done.stdout


# -- sqlite -----------------------------------------------------------------------------------------------------------


def test_sqlite_compares_numbers_in_texts() -> None:
    names = ["file10", "file9", "file", "10", "9", "a1b2", "a1b10"]
    assert sorted(names, key=functools.cmp_to_key(sqlite.natural)) == [
        "9",
        "10",
        "a1b2",
        "a1b10",
        "file",
        "file9",
        "file10",
    ]


def test_sqlite_says_what_to_do_without_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sqlite, "FOLDERS", (str(tmp_path),))
    with pytest.raises(SystemExit, match=r"there is no libsqlite3\.so\.0 for AArch64 in .*: give the path of one"):
        sqlite.main([])
    (tmp_path / "libsqlite3.so.0").write_bytes(b"x")
    assert sqlite.find_library() == tmp_path / "libsqlite3.so.0"
    with pytest.raises(SystemExit, match=r"libsqlite3\.so\.0: "):
        sqlite.main([])


# -- sort_by_key, geometry, jni --------------------------------------------------------------------------------------


def test_sort_by_key(engine: str) -> None:
    words = ["an", "Arm", "function", "calls", "a", "Python", "function"]
    assert sort_by_key.sort_by_key(words, len, engine) == (sorted(words, key=len), 11)
    with pytest.raises(ZeroDivisionError):
        sort_by_key.sort_by_key(words, lambda word: 1 // (len(word) - 5), engine)


def test_geometry(engine: str) -> None:
    assert geometry.tour(engine) == [
        "around: box(low=point(x=0.0, y=1.0), high=point(x=3.0, y=5.0))",
        "area: 12.0",
        "holds (1, 1): True, (9, 9): False",
        "a quarter turn of (2, 1), and 10 to the right: point(x=9.0, y=2.0)",
        "center of a NumPy array: point(x=2.0, y=2.0)",
        "raised: layer 5, color 0xff0000ff",
        "a box has 32 bytes, and NumPy sees ('low', 'high')",
    ]


def test_jni(engine: str) -> None:
    expected = 5381
    for character in "Arm":
        expected = expected * 33 + ord(character)
    expected ^= 7 ^ 8 << 8
    called = ["GetStringUTFChars", "GetArrayLength", "GetIntArrayElements"]
    assert jni.check("Arm", [7, 8], engine) == (
        expected,
        [*called, "ReleaseIntArrayElements", "ReleaseStringUTFChars"],
    )
    machine = jni.Machine(engine)
    machine._table[14] = machine._callbacks[15].address
    with pytest.raises(jni.Missing, match="entry 15 of JNINativeInterface"):
        machine.module.Java_com_example_Checker_report(machine.environment, None)


@pytest.mark.parametrize("name", ["sort_by_key", "geometry", "jni"])
def test_examples_of_calls_as_scripts(name: str) -> None:
    done = _script(EXAMPLES / f"{name}.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert not done.stderr


# -- jit_constant, numpy_sum, fibonacci --------------------------------------------------------------------------------


def test_jit_constant_as_a_script() -> None:
    done = _script(EXAMPLES / "jit_constant.py", "0x123456789abc", "--engine", "reference")
    assert done.returncode == 0, done.stderr
    assert "0xD10043FF 0xB9000FE0 0xB9400FE0 0x910043FF 0xD65F03C0" in done.stdout
    assert "fn(3) = 3, fn(-7) = -7" in done.stdout
    assert f"fn() = {0x123456789ABC}" in done.stdout


@pytest.mark.parametrize(
    "value",
    [0, 1, -1, 65535, 65536, -65536, 0xFFFF_0000_FFFF, 0x5555_5555_5555_5555, 2**63 - 1, -(2**63), 2**64 - 1],
)
def test_jit_constant_returns_what_was_typed(value: int, engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    # "--": a negative number isn't an option.
    assert jit_constant.main(["--engine", engine, "--", str(value)]) == 0
    assert f"fn() = {value} ({engine})" in capsys.readouterr().out


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1])
def test_jit_constant_refuses_more_than_64_bits(value: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert jit_constant.main(["--engine", "reference", "--", str(value)]) == 1
    assert "does not fit the 64 bits" in capsys.readouterr().err


def test_jit_constant_refuses_what_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        jit_constant.main(["three"])
    assert exit_.value.code == 2
    assert "'three' is not a whole number" in capsys.readouterr().err


@pytest.mark.parametrize("count", [0, 1, 100])
def test_numpy_sum(count: int, engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert numpy_sum.main([str(count), "--engine", engine]) == 0
    out = capsys.readouterr().out
    assert f"sum of {count} elements" in out
    assert "elements are of float32" in out


@pytest.mark.parametrize(("n", "result"), [(0, 0), (1, 1), (10, 55), (93, 12200160415121876738)])
def test_fibonacci(n: int, result: int, engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert fibonacci.main([str(n), "--engine", engine]) == 0
    assert capsys.readouterr().out.count(f"fibonacci({n}) = {result}\n") == 2


@pytest.mark.parametrize("n", ["-1", "94"])
def test_fibonacci_refuses_what_does_not_fit(n: str) -> None:
    with pytest.raises(SystemExit) as exit_:
        fibonacci.main(["--engine", "reference", "--", n])
    assert exit_.value.code == 2


# -- brainfuck ---------------------------------------------------------------------------------------------------------


class Overrun(Exception):
    """The naive interpreter's pointer left the tape."""

    def __init__(self, position: int, output: bytes) -> None:
        self.position, self.output = position, output


def naive(source: str, data: bytes = b"", limit: int = 20_000) -> bytes | None:
    """One character at a time, with none of the example's code; None after `limit` steps."""
    tape, pointer, position, output = [0] * 30_000, 0, 0, bytearray()
    reader = iter(data)
    for _ in range(limit):
        if position == len(source):
            return bytes(output)
        match source[position]:
            case "+":
                tape[pointer] = (tape[pointer] + 1) % 256
            case "-":
                tape[pointer] = (tape[pointer] - 1) % 256
            case ">" | "<" as direction:
                pointer += 1 if direction == ">" else -1
                if pointer in (-1, 30_000):
                    raise Overrun(position, bytes(output))
            case ".":
                output.append(tape[pointer])
            case ",":
                tape[pointer] = next(reader, 0)
            case "[" | "]" as bracket if (tape[pointer] == 0) == (bracket == "["):
                step = 1 if bracket == "[" else -1
                depth = step
                while depth:
                    position += step
                    depth += (source[position] == "[") - (source[position] == "]")
        position += 1
    return None


def compiled(source: str, data: bytes = b"", engine: str = "reference") -> bytes:
    program = brainfuck.parse(source)
    function = armexec.function(brainfuck.compile_program(program), brainfuck.PROTOTYPE, engine=engine)
    output: bytes = brainfuck.run(function, program, data)
    return output


def interpreted(source: str, data: bytes = b"") -> bytes:
    output: bytes = brainfuck.interpret(brainfuck.parse(source), data)
    return output


def test_hello(engine: str) -> None:
    source = (PROGRAMS / "hello.b").read_text()
    assert compiled(source, engine=engine) == interpreted(source) == naive(source) == b"Hello World!\n"


def test_reverse(engine: str) -> None:
    source = (PROGRAMS / "reverse.b").read_text()
    assert compiled(source, b"stressed", engine) == interpreted(source, b"stressed") == b"desserts"


def test_the_mandelbrot_program_is_what_its_script_writes() -> None:
    written = make_mandelbrot.mandelbrot()
    stored = (PROGRAMS / "mandelbrot.b").read_text()
    assert "".join(c for c in stored if c in "+-<>[].,") == written


def test_mandelbrot() -> None:
    source = make_mandelbrot.mandelbrot(columns=4, rows=3, iterations=2)
    picture = interpreted(source)
    assert compiled(source, engine="translated") == picture
    lines = picture.decode().splitlines()
    assert [len(line) for line in lines] == [4, 4, 4]
    assert lines[0] == lines[2]  # the set is symmetrical
    assert lines[1][3] == "@"
    assert lines[0][0] != "@"


@pytest.mark.parametrize(
    "source", ["", "a comment", "[-]", "+[-]", "-[+]", "[[[]]]", "+[>+<-[-]]>.", ">[-<+>]<.", "-."]
)
def test_small_programs(source: str, engine: str) -> None:
    assert compiled(source, engine=engine) == interpreted(source) == naive(source)


# Programs that use each optimization, at both ends of the tape.
_ENDS = ["", ">>", ">" * 29_996, "+[>+]" + "<" * 3]
_pieces = st.recursive(
    st.sampled_from(
        [*"+-<>.,", "++", "[-]", "[+]", "[->+<]", "[-<+>>++<]", "[+>>-<<]", "[->>><<<]", "[>]", "[<]", "[>>]", "[<<]"]
    ),
    lambda inner: st.lists(inner, max_size=6).map(lambda p: f"[{''.join(p)}]") | st.lists(inner).map("".join),
    max_leaves=25,
)


def _outcome(function: object, source: str, data: bytes) -> tuple[object, ...]:
    assert callable(function)
    try:
        return ("done", function(source, data))
    except brainfuck.TapeOverrun as error:
        lines = source.split("\n")
        position = sum(len(line) + 1 for line in lines[: error.line - 1]) + error.column - 1
        return ("overrun", position, error.output)
    except Overrun as error:
        return ("overrun", error.position, error.output)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(_ENDS), st.lists(_pieces, max_size=12).map("".join), st.binary(max_size=4))
def test_both_ways_do_what_the_naive_interpreter_does(start: str, source: str, data: bytes) -> None:
    source = start + "\n" + source
    expected = _outcome(lambda s, d: naive(s, d, 70_000), source, data)
    if expected == ("done", None):
        return  # it may never end
    assert _outcome(interpreted, source, data) == expected
    if "[>+]" not in start:  # 30,000 rounds: too many for the reference engine here
        assert _outcome(compiled, source, data) == expected


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ("]", 1, 1, "there is no [ for this ]"),
        ("+[-]\n ]", 2, 2, "there is no [ for this ]"),
        ("[", 1, 1, "there is no ] for this ["),
        ("+\n+[[-]", 2, 2, "there is no ] for this ["),
        ("][", 1, 1, "there is no [ for this ]"),
    ],
)
def test_unmatched_brackets(source: str, line: int, column: int, message: str) -> None:
    with pytest.raises(brainfuck.UnmatchedBracket) as caught:
        brainfuck.parse(source)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value) == f"line {line}, column {column}: {message}"


@pytest.mark.parametrize(
    ("source", "line", "column", "end"),
    [
        ("<", 1, 1, "left"),
        ("+.\n>><<<", 2, 5, "left"),
        ("+[-<+>]", 1, 4, "left"),
        (">+>+[<]<<", 1, 8, "left"),
        (">+<+[>]" + "\n" + "+[<]", 2, 3, "left"),
        (">" * 30_000, 1, 30_000, "right"),
        (">" * 29_999 + "+[>+]", 1, 30_002, "right"),
        (">" * 29_999 + "+[>>]", 1, 30_002, "right"),
        (">" * 29_999 + "+.\n[->+<]", 2, 3, "right"),
        (">" * 29_999 + "[-]\n[->+<]>", 2, 7, "right"),
    ],
)
def test_tape_overruns(source: str, line: int, column: int, end: str, engine: str) -> None:
    with pytest.raises(brainfuck.TapeOverrun) as caught:
        compiled(source, engine=engine)
    assert str(caught.value) == f"line {line}, column {column}: the pointer moves off the {end} end of the tape"
    with pytest.raises(brainfuck.TapeOverrun) as again:
        interpreted(source)
    assert str(again.value) == str(caught.value)
    assert again.value.output == caught.value.output


def test_loops_that_do_not_run_do_not_overrun(engine: str) -> None:
    assert compiled("[-<+>][<]" + ">" * 29_999 + "[->+<][>>]+.", engine=engine) == b"\1"


def test_output_larger_than_the_buffer(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "++++[->++++[->++++[->+.<]<]<]"
    everything = bytes(range(1, 65))
    for size in (0, 1, 63, 64, 65):
        monkeypatch.setattr(brainfuck, "FIRST_OUTPUT_SIZE", size)
        assert compiled(source, engine=engine) == interpreted(source) == everything
        with pytest.raises(brainfuck.TapeOverrun) as caught:
            compiled(source + "<", engine=engine)
        assert caught.value.output == everything


def test_input(engine: str) -> None:
    assert compiled(",.,.,.", b"\xff\x00", engine) == b"\xff\x00\x00"
    assert compiled("+,.", b"", engine) == b"\x00"


def test_deep_nesting() -> None:
    depth = 3000
    source = "+" + "[" * depth + "-." + "]" * depth
    assert compiled(source) == interpreted(source) == b"\x00"


def test_brainfuck_as_a_script() -> None:
    done = _script(EXAMPLES / "brainfuck.py", PROGRAMS / "reverse.b", "--engine", "reference", "--time", stdin="abc")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("cba\n")
    assert "Both wrote the same." in done.stdout


def test_brainfuck_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert brainfuck.main([str(PROGRAMS / "reverse.b"), "--engine", "reference", "--input", "abc"]) == 0
    assert capsys.readouterr().out == "cba"
    assert brainfuck.main([str(PROGRAMS / "reverse.b"), "--listing"]) == 0
    assert "ldrb w9, [x7" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "out", "message"),
    [("+[", "", "line 1, column 2: there is no ] for this ["), ("+++++++[->+++++++<]>.<<", "1", "line 1, column 23: ")],
)
def test_brainfuck_reports_errors(
    source: str, out: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.b"
    file.write_text(source)
    assert brainfuck.main([str(file), "--engine", "reference"]) == 1
    captured = capsys.readouterr()
    assert captured.out == out
    assert captured.err.startswith(f"{file}: {message}")


def test_brainfuck_without_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert brainfuck.main([str(tmp_path / "none.b")]) == 1
    assert "No such file" in capsys.readouterr().err
    assert brainfuck.main([str(tmp_path)]) == 1
    assert "Is a directory" in capsys.readouterr().err


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_explains_itself(script: Path) -> None:
    if script.stem in CLUSTERS:
        pytest.importorskip(CLUSTERS[script.stem])
    done = _script(script, "--help")
    assert done.returncode == 0, done.stderr
    assert _import(script).__doc__
