"""armexec run, and how the program ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.program import armexec
from engines import AVAILABLE
from samples import one_of

EXAMPLES = Path(__file__).parents[2] / "examples"
SOURCE = """
int fn(int num) { return num; }
long sum(const int *values, long count) { long s = 0; for (long i = 0; i < count; i++) s += values[i]; return s; }
void reverse(unsigned char *bytes, int count) {
    for (int i = 0; i < count / 2; i++) {
        unsigned char b = bytes[i]; bytes[i] = bytes[count - 1 - i]; bytes[count - 1 - i] = b;
    }
}
void shout(char *text) { for (; *text; text++) if (*text >= 'a' && *text <= 'z') *text -= 32; }
const char *skip(const char *text, int count) { return text + count; }
_Bool odd(unsigned long n) { return n & 1; }
int zero(void) { return 0; }
int *nowhere(void) { return 0; }
double scale(double value, int count) { return value * count; }
void halve(float *values, int count) { for (int i = 0; i < count; i++) values[i] /= 2; }
"""


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "source.c"
    path.write_text(SOURCE)
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (("fn", "3"), "3\n"),
        (("fn", "-3"), "-3\n"),
        (("fn", "0x2a"), "42\n"),
        (("fn", "-0x10"), "-16\n"),
        (("fn", "0b11"), "3\n"),
        (("fn", "007"), "7\n"),
        (("sum", "[1, 2, 0x10]", "3"), "19\n"),
        (("sum", "[]", "0"), "0\n"),
        (("reverse", "[1,2,3]", "3"), "bytes = [3, 2, 1]\n"),
        (("shout", "hello, world"), "text = 'HELLO, WORLD'\n"),
        (("skip", "hello", "1"), "ello\n"),
        (("odd", "18446744073709551615"), "true\n"),
        (("odd", "2"), "false\n"),
        (("zero",), "0\n"),
        (("nowhere",), "0\n"),
        (("scale", "1.5", "3"), "4.5\n"),
        (("scale", "-0x1.8p1", "2"), "-6.0\n"),
        (("scale", "inf", "1"), "inf\n"),
        (("halve", "[1, 2.5, -1e3]", "3"), "values = [0.5, 1.25, -500.0]\n"),
    ],
)
@pytest.mark.parametrize("engine", AVAILABLE)
def test_results_are_printed(source: str, engine: str, arguments: tuple[str, ...], printed: str) -> None:
    name, *values = arguments
    done = armexec("run", source, "--function", name, "--engine", engine, *values)
    assert (done.status, done.out, done.err) == (0, printed, "")


def test_json_says_what_was_called(source: str) -> None:
    done = armexec("run", source, "--function", "reverse", "[1, 2]", "2", "--json", "--engine", "reference")
    assert json.loads(done.out) == {
        "result": None,
        "function": "reverse",
        "signature": "void reverse(unsigned char *bytes, int count)",
        "engine": "reference",
        "written": {"bytes": [2, 1]},
    }


WORK = """unsigned inner(unsigned n) {
    for (int i = 0; i < 1000; i++)
        n = (n * 1664525u + 1013904223u) ^ (n >> 7);
    return n;
}
unsigned work(int count) {
    unsigned n = 1;
    while (count--) n = inner(n);
    return n;
}
"""


@pytest.mark.parametrize("engine", one_of(2, AVAILABLE))
def test_a_profile_goes_to_standard_error(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "work.c"
    path.write_text(WORK)
    count = "10" if engine == "reference" else "400000"
    done = armexec("run", str(path), count, "--function", "work", "--profile", "--engine", engine)
    assert done.status == 0
    first, functions, lines = done.err.strip().split("\n\n")
    assert first.endswith("instructions of guest code" if engine == "reference" else "samples of guest code")
    assert functions.splitlines()[0].split()[-1] == "function"
    share, _, name = functions.splitlines()[1].split()
    assert name == "inner"
    assert float(share.removesuffix("%")) > 50
    assert lines.splitlines()[1].split()[2] in (f"{path}:2", f"{path}:3")
    assert "(n >> 7);" in lines
    again = armexec("run", str(path), count, "--function", "work", "--profile", "--engine", engine, "--json")
    shown = json.loads(again.out)
    assert shown["result"] == int(done.out)
    assert shown["profile"]["functions"][0]["name"] == "inner"
    assert shown["profile"]["samples"] == sum(f["samples"] for f in shown["profile"]["functions"])


def test_too_few_samples_are_said_to_be_too_few(source: str) -> None:
    done = armexec("run", source, "--function", "fn", "3", "--profile")
    assert (done.status, done.out) == (0, "3\n")
    assert "more to do" in done.err


@pytest.mark.parametrize("target", ["host", "linux", "apple", "bare"])
@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2", "-O3", "-Os"])
def test_every_target_and_level_runs(target: str, level: str) -> None:
    done = armexec("run", str(EXAMPLES / "fn.cpp"), "3", "--target", target, level)
    assert (done.status, done.out) == (0, "3\n"), done.err


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("c", "int fn(int num) { return num; }"),
        ("c++", "int fn(int num) { return num; }"),
        ("assembly", "ret"),
        ("hex", "0xD65F03C0"),
        ("bin", b"\xc0\x03\x5f\xd6"),
    ],
)
def test_standard_input_is_a_file_too(language: str, text: str | bytes) -> None:
    done = armexec("run", "-", "--language", language, "3", "--engine", "reference", stdin=text)
    assert (done.status, done.out) == (0, "3\n"), done.err


def test_objects_run(tmp_path: Path) -> None:
    path = str(tmp_path / "fn.o")
    assert armexec("compile", str(EXAMPLES / "fn.cpp"), "-c", "-o", path).status == 0
    assert armexec("run", path, "3").out == "3\n"


def test_code_without_a_signature_takes_longs_and_says_so(tmp_path: Path) -> None:
    done = armexec("run", str(EXAMPLES / "fn.hex"), "3", "--engine", "reference")
    assert (done.status, done.out) == (0, "3\n")
    assert "long fn(long)" in done.err
    factorial = "mov x1, #1\n1: cbz x0, 2f\nmul x1, x1, x0\nsub x0, x0, #1\nb 1b\n2: mov x0, x1\nret\n"
    for name in ("fact.s", "fact.S"):
        (tmp_path / name).write_text("fact: " + factorial if name.endswith("s") else ".globl fact\nfact: " + factorial)
        done = armexec("run", str(tmp_path / name), "20", "--engine", "reference")
        assert (done.status, done.out) == (0, "2432902008176640000\n"), done.err
    done = armexec("run", "-", "18446744073709551615", "--language", "hex", "--engine", "reference", stdin="d65f03c0")
    assert (done.out, "unsigned long stdin(unsigned long)" in done.err) == ("18446744073709551615\n", True)
    # Compilers leave anything in the upper half of an int's register.
    text = "int negative(int x) { return x - 1; }"
    path = str(tmp_path / "negative.o")
    assert armexec("compile", "-", "--language", "c", "-c", "--flag=-g0", "-o", path, stdin=text).status == 0
    done = armexec("run", path, "0", "--engine", "reference")
    assert (done.out, "int negative(int)" in done.err) == ("-1\n", True)
    refused = armexec("run", str(EXAMPLES / "fn.hex"), "[1, 2, 3]", "--engine", "reference")
    assert (refused.status, "--signature" in refused.err) == (1, True)
    given = armexec("run", str(EXAMPLES / "fn.hex"), "-1", "--signature", "unsigned(int)", "--engine", "reference")
    assert (given.out, given.err) == ("4294967295\n", "")


def test_several_functions_need_a_choice(source: str) -> None:
    done = armexec("run", source, "3")
    assert done.status == 1
    assert "--function" in done.err
    assert "reverse" in done.err
    with_main = armexec("run", "-", "--language", "c", stdin="int one() { return 1; } int main() { return 5; }")
    assert (with_main.status, with_main.out) == (5, "")


BAD_FILES = {
    "empty.c": ("", "empty"),
    "empty.s": ("", "no code"),
    "empty.hex": ("# nothing", "no words"),
    "empty.bin": ("", "no code"),
    "empty.o": ("", "empty"),
    "wrong.c": ("int f( {", "wrong.c:1:"),
    "undeclared.cpp": ("int f() { return x; }", "undeclared.cpp:1:18"),
    "undefined.c": ("int g(int); int f(int x) { return g(x); }", "undefined symbol g"),
    "mnemonic.s": ("ret\n  frobnicate x0\n", "mnemonic.s:2:3"),
    "range.s": ("add x0, x0, #5000\n", "range.s:1:"),
    "label.s": ("b nowhere\n", "nowhere"),
    "odd.bin": ("123", "3 bytes"),
    "wide.hex": ("0x1D65F03C0", "wide.hex:1:1: above 32 bits"),
    "word.hex": ("0xD65F03C0\n  xyz", "word.hex:2:3"),
    "text.o": ("int f", "no ELF or Mach-O"),
    "null.c": ("int f() { return 1; }\0", "null character"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_one_clear_error(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    text, message = BAD_FILES[name]
    path = tmp_path / name
    path.write_text(text)
    done = armexec("run", str(path), "1")
    assert (done.status, done.out) == (1, "")
    assert message in done.err
    assert done.err.startswith("armexec: ")
    assert os.listdir(folder) == []
    assert sorted(os.listdir(tmp_path)) == sorted([name, "temporary"])


def test_truncated_objects_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "fn.o"
    armexec("compile", str(EXAMPLES / "fn.cpp"), "-c", "-o", str(path))
    data = path.read_bytes()
    for size in (4, 20, 64, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:size])
        done = armexec("run", str(path), "3")
        assert done.status == 1, size
        assert "fn.o" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.c",), "No such file"),
        (("nothing.o",), "No such file"),
        ((str(EXAMPLES),), "a directory"),
        (("/dev/null",), "not a regular file"),
        ((str(EXAMPLES / "fn.cpp"),), "takes 1 argument, not 0"),
        ((str(EXAMPLES / "fn.cpp"), "1", "2"), "takes 1 argument, not 2"),
        ((str(EXAMPLES / "fn.cpp"), "x"), "'x' is no integer"),
        ((str(EXAMPLES / "fn.cpp"), "3000000000"), "out of range"),
        ((str(EXAMPLES / "fn.hex"), "x", "--signature", "double(double)"), "'x' is no number"),
        ((str(EXAMPLES / "fn.hex"), "[1, x]", "--signature", "int(float *)"), "'x' is no number"),
        ((str(EXAMPLES / "fn.cpp"), "3", "--function", "fm"), "fn(int)"),
        ((str(EXAMPLES / "fn.cpp"), "3", "--signature", "int("), "write a C prototype"),
        ((str(EXAMPLES / "fn.hex"), "x"), "--signature"),
        ((str(EXAMPLES / "fn.cpp"), "3", "--compiler", "no-such-compiler"), "no-such-compiler"),
        ((str(EXAMPLES / "fn.cpp"), "3", "--flag=-no-such-flag"), "-no-such-flag"),
        (("-",), "--language"),
    ],
)
def test_what_cannot_be_run_is_status_1(arguments: tuple[str, ...], message: str) -> None:
    done = armexec("run", *arguments)
    assert (done.status, done.out) == (1, "")
    assert message in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("run",),
        ("run", "x.c", "--engine", "magic"),
        ("run", "x.c", "--target", "mars"),
        ("run", "x.c", "-O9"),
        ("run", "x.c", "--no-such-option"),
        ("run", "x.c", "-q"),
        ("asm", "--format", "cobol"),
        ("asm", "--address", "3", "x.s"),
        ("compile", "x.c", "-S", "-c"),
        ("--nonsense",),
    ],
)
def test_a_wrong_command_line_is_status_2(arguments: tuple[str, ...]) -> None:
    done = armexec(*arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err


@pytest.mark.skipif(not {"translated", "native"} & set(AVAILABLE), reason="only the reference engine runs here")
def test_what_the_guest_does_wrong_is_status_1() -> None:
    text = "void stop(void) { __builtin_trap(); }"
    for engine in set(AVAILABLE) - {"native"}:
        done = armexec("run", "-", "--language", "c", "--engine", engine, stdin=text)
        assert done.status == 1
        assert "brk" in done.err


def test_help_and_version() -> None:
    assert armexec("--version").out.startswith("armexec 0.")
    overview = armexec("--help").out
    for command in ("run", "show", "compile", "asm", "disasm", "isa", "info", "bench"):
        assert command in overview
        assert "Usage" in armexec(command, "--help").out


def test_a_reader_that_leaves_early_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "armexec", "isa", "--missing"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


@pytest.mark.parametrize("engine", AVAILABLE)
def test_ctrl_c_ends_a_function_that_does_not(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "endless.c"
    path.write_text("int f(int n) { volatile int x = n; while (x) x = 1; return x; }")
    with subprocess.Popen(
        [sys.executable, "-m", "armexec", "run", str(path), "1", "--engine", engine], stderr=subprocess.PIPE
    ) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) in (130, -signal.SIGINT)
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize("engine", sorted(set(AVAILABLE) - {"native"}))
def test_a_time_limit_ends_what_runs_too_long(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "spin.c"
    path.write_text('int fn(int n) { while (n > 0) __asm__ volatile(""); return n; }')
    start = time.monotonic()
    done = armexec("run", str(path), "1", "--engine", engine, "--time-limit", "0.2")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("armexec: the time limit is over at ")
    assert "(fn" in done.err
    assert time.monotonic() - start < 20
    done = armexec("run", str(path), "0", "--engine", engine, "--time-limit", "10")
    assert (done.status, done.out) == (0, "0\n")


@pytest.mark.parametrize("engine", sorted(set(AVAILABLE) - {"native"}))
def test_other_limits(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "deep.c"
    path.write_text("int fn(int n) { return n ? fn(n - 1) + 1 : 0; }")
    done = armexec("run", str(path), "500", "--engine", engine, "--instruction-limit", "1000")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("armexec: the limit of 1000 instructions is reached at ")
    done = armexec("run", str(path), "500", "--engine", engine, "--stack-size", "4K")
    assert (done.status, done.out) == (1, "")
    assert "stack of 4K has run out" in done.err
    done = armexec("run", str(path), "5", "--engine", engine, "--stack-size", "64K", "--instruction-limit", "1000")
    assert (done.status, done.out) == (0, "5\n")
    program = tmp_path / "main.c"
    program.write_text("int main(void) { for (;;); }")
    done = armexec("run", str(program), "--engine", engine, "--instruction-limit", "100", "--memory-limit", "1M")
    assert done.status == 1
    assert "the limit of 100 instructions is reached" in done.err


@pytest.mark.parametrize(
    ("option", "wrong"), [("--memory-limit", "big"), ("--stack-size", "-1"), ("--instruction-limit", "1.5")]
)
def test_limits_that_are_none(option: str, wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "f.c"
    path.write_text("int fn(void) { return 1; }")
    done = armexec("run", str(path), option, wrong)
    assert done.status == 2
    assert option in done.err


def test_running_does_not_load_what_it_does_not_need() -> None:
    script = (
        "import sys; sys.argv = ['armexec', 'run', sys.argv[1], '3', '--engine', 'reference']\n"
        "from armexec.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*(set(sys.modules) & {'lief', 'llvmlite', 'numpy', 'rich', 'pycparser'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(EXAMPLES / "fn.cpp")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "3\n\n"


@pytest.mark.parametrize("tier", ["O0", "O1", "O2", "O3", "auto"])
def test_the_tier_can_be_chosen(tier: str) -> None:
    done = armexec("run", str(EXAMPLES / "fn.cpp"), "3", "--engine", "translated", "--tier", tier)
    assert (done.status, done.out, done.err) == (0, "3\n", "")


def test_only_translations_have_tiers() -> None:
    done = armexec("run", str(EXAMPLES / "fn.cpp"), "3", "--engine", "reference", "--tier", "O2")
    assert (done.status, done.out) == (1, "")
    assert "no tiers" in done.err
    assert armexec("run", str(EXAMPLES / "fn.cpp"), "3", "--tier", "O9").status == 2


def test_a_sandbox(source: str, tmp_path: Path) -> None:
    assert armexec("run", source, "text", "2", "--function", "skip", "--sandbox").out == "xt\n"
    assert "[3, 2, 1]" in armexec("run", source, "[1, 2, 3]", "3", "--function", "reverse", "--sandbox").out
    program = tmp_path / "program.c"
    program.write_text("int main(void) { return (long)&main < 1L << 32 ? 4 : 5; }")
    assert armexec("run", str(program), "--sandbox").status == 4
    refused = armexec("run", source, "1", "--function", "fn", "--sandbox", "--engine", "reference")
    assert refused.status == 1
    assert "has no sandboxes" in refused.err
