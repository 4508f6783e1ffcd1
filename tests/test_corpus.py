"""The C corpus gives on every engine what the host's own compilation of it gives."""

from __future__ import annotations

import ctypes
import functools
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

import armexec
import corpus
from armexec.errors import Error
from corpus import FLAGS, OPTIMIZATION_LEVELS, Case, CorpusFunction, NoHostCompiler, Outcome
from corpus.harness import harness, lines

FILES = {file.path.stem: file for file in corpus.files()}
BUILDS = [(stem, variant) for stem, file in FILES.items() for variant in file.variants]

#: How many cases of each function the default run makes. An interpreter of single instructions gets fewer.
SAMPLE = {"native": 12, "translated": 8, "reference": 3}

ENGINES = [
    "translated",
    "reference",
    pytest.param(
        "native",
        marks=pytest.mark.skipif(
            platform.machine() not in ("aarch64", "arm64"),
            reason="this machine's processor isn't an AArch64 one",
        ),
    ),
]

needs_compile = pytest.mark.skipif(not hasattr(armexec, "compile"), reason="armexec has no compile yet")
builds = pytest.mark.parametrize(("stem", "variant"), BUILDS, ids=[f"{s}-{v}" for s, v in BUILDS])
levels = pytest.mark.parametrize("opt", OPTIMIZATION_LEVELS)
engines = pytest.mark.parametrize("engine", ENGINES)


def selected(function: CorpusFunction, count: int | None, heavy: bool) -> list[Case]:
    """The function's first cases and some later ones, about `count` in all, in order; all of them if None."""
    cases = [case for case in function.cases if heavy or not case.heavy]
    if count is None or len(cases) <= count:
        return cases
    return [*cases[: count // 2], *cases[count // 2 :: -(-(len(cases) - count // 2) // (count - count // 2))]]


@functools.cache
def expected(stem: str, count: int | None, heavy: bool, opt: str = "-O1") -> tuple[tuple[Outcome, ...], ...]:
    """What the host's own compilation gives, for each function of the file."""
    try:
        library = corpus.host_library(FILES[stem], opt)
    except NoHostCompiler as error:
        pytest.skip(str(error))
    return tuple(
        tuple(function.run(functools.partial(getattr, library), selected(function, count, heavy)))
        for function in FILES[stem].functions
    )


def as_passed(array: ctypes.Array[Any]) -> Any:
    """The array itself or a NumPy view of it: both are ways to give a pointer."""
    return array if len(array) % 2 else np.ctypeslib.as_array(array)


def check(stem: str, variant: str, opt: str, engine: str, count: int | None) -> None:
    file = FILES[stem]
    heavy = engine != "reference"
    wanted = expected(stem, count, heavy)
    flags = [*FLAGS, *file.variants[variant]]
    module = armexec.compile(file.source, language="c", opt=opt, target="linux", flags=flags, engine=engine)
    wrong = []
    for function, outcomes in zip(file.functions, wanted, strict=True):
        cases = selected(function, count, heavy)
        try:
            got: Sequence[Outcome] = list(function.run(module.__getitem__, cases, as_passed))
        except Error as error:
            wrong.append(f"{function.prototype}: {type(error).__name__}: {error}")
            continue
        wrong += [
            f"{function.prototype}{case.arguments}: {outcome} instead of {right}"
            for case, outcome, right in zip(cases, got, outcomes, strict=True)
            if outcome != right
        ][:3]
    assert not wrong, "\n".join(wrong)


@needs_compile
@engines
@levels
@builds
def test_engine_gives_what_the_host_gives(stem: str, variant: str, opt: str, engine: str) -> None:
    check(stem, variant, opt, engine, SAMPLE[engine])


@pytest.mark.long
@needs_compile
@engines
@levels
@builds
def test_engine_gives_what_the_host_gives_in_all_cases(
    stem: str, variant: str, opt: str, engine: str
) -> None:
    check(stem, variant, opt, engine, None)


def test_corpus_is_large_and_varied() -> None:
    functions = [function for file in FILES.values() for function in file.functions]
    assert len(functions) >= 220
    assert sum(any(p.pointer for p in function.parameters) for function in functions) >= 20
    assert {len(function.parameters) for function in functions} >= set(range(9))
    used = {p.type for function in functions for p in function.parameters} | {f.result for f in functions}
    assert {corpus.INTEGER_TYPES[name] for name in used - {"void"}} == set(corpus.INTEGER_TYPES.values())
    for file in FILES.values():
        names = [function.name for function in file.functions]
        assert len(names) == len(set(names)), file.path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("//@ cases: (1)\nint f(int a, int b) {\n}\n", r":2: 1 values for 2 integer parameters"),
        ("//@ cases: (256)\nint f(uint8_t a) {\n}\n", r":2: a=256 doesn't fit uint8_t"),
        ("//@ cases: (1)\nstatic int f(int a) {\n}\n", r":2: a function definition on one line must follow"),
        ("//@ cases: (1)\nint f(float a) {\n}\n", r":2: not a parameter: 'float a'"),
        ("//@ case: (1)\n", r":1: not a directive"),
        ("//@ cases: (1) twice\nint f(int a) {\n}\n", r":2: not cases"),
        ("int f(int a) {\n}\n", r":1: f has no //@ cases or //@ heavy"),
        ("//@ cases: ()\nint f(int *a) {\n}\n", r":2: each pointer parameter needs one //@ buffer"),
        (
            "//@ where: b=0..1\n//@ cases: (1)\nint f(int a) {\n}\n",
            r":3: //@ where: no integer parameter 'b'",
        ),
        (
            "//@ before: g\n//@ cases: (1)\nint f(int a) {\n}\n",
            r"f: //@ before or //@ after names no function",
        ),
    ],
)
def test_wrong_notation_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "wrong.c"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        corpus.read(path)


# -- the corpus itself, checked without armexec


def zig() -> Path:
    found = corpus.zig_clang()
    if found is None:
        pytest.skip("the ziglang wheel isn't installed")
    return found


def uses_simd_or_fp(word: int) -> bool:
    """Whether a word is in a SIMD and FP class (Arm ARM C4.1: op0, and V of loads and stores)."""
    op0 = word >> 25 & 15
    return op0 & 7 == 7 or (op0 & 5 == 4 and word >> 26 & 1 == 1)


def aarch64_object(out: Path, stem: str, variant: str, opt: str) -> Path:
    """The file's object for AArch64 Linux, made by the wheel's clang with all warnings."""
    file = FILES[stem]
    command = [
        str(zig()),
        "clang",
        "--target=aarch64-linux-musl",
        "-std=gnu11",
        opt,
        "-Wall",
        "-Wextra",
        "-Werror",
    ]
    command += [
        "-nostdinc",
        "-isystem",
        str(zig().parent / "lib" / "include"),
        *FLAGS,
        *file.variants[variant],
    ]
    done = subprocess.run(
        [*command, "-c", str(file.path), "-o", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.long
@levels
@builds
def test_objects_are_complete_and_use_integer_registers_only(
    tmp_path: Path, stem: str, variant: str, opt: str
) -> None:
    with aarch64_object(tmp_path / "corpus.o", stem, variant, opt).open("rb") as stream:
        elf = ELFFile(stream)
        symbol_table, code = elf.get_section_by_name(".symtab"), elf.get_section_by_name(".text")
        assert isinstance(symbol_table, SymbolTableSection)
        assert code is not None
        symbols = list(symbol_table.iter_symbols())
        assert [s.name for s in symbols if s["st_shndx"] == "SHN_UNDEF" and s.name] == []
        exported = {s.name for s in symbols if s["st_info"]["bind"] == "STB_GLOBAL"}
        assert {function.name for function in FILES[stem].functions} <= exported
        words = memoryview(code.data()).cast("I")
    assert len(words) > 0
    assert [hex(word) for word in words if uses_simd_or_fp(word)] == []


def printed(stem: str, tmp_path: Path, build: Sequence[str], run: Sequence[str] = ()) -> list[str]:
    """The lines the file's harness prints when built by the command `build` and run by `run`."""
    main, program = tmp_path / "main.c", tmp_path / "program"
    main.write_text(harness(FILES[stem]))
    done = subprocess.run(
        [*build, "-w", "-o", str(program), str(main)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    done = subprocess.run([*run, str(program)], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.long
@pytest.mark.parametrize("stem", FILES)
def test_no_undefined_behaviour(tmp_path: Path, stem: str) -> None:
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("gcc isn't installed")
    sanitize = ["-fsanitize=undefined,address", "-fno-sanitize-recover=all"]
    found = printed(stem, tmp_path, [gcc, "-std=gnu11", "-O0", *sanitize, str(FILES[stem].path)])
    for opt in OPTIMIZATION_LEVELS:
        assert found == list(lines(FILES[stem], expected(stem, None, True, opt))), opt


@pytest.mark.long
@levels
@builds
def test_qemu_agrees_with_the_host(tmp_path: Path, stem: str, variant: str, opt: str) -> None:
    qemu = shutil.which("qemu-aarch64")
    if qemu is None:
        pytest.skip("qemu-aarch64 isn't installed")
    built = aarch64_object(tmp_path / "corpus.o", stem, variant, opt)
    build = [str(zig()), "cc", "-target", "aarch64-linux-musl", "-static", "-fno-sanitize=all", str(built)]
    assert printed(stem, tmp_path, build, [qemu]) == list(lines(FILES[stem], expected(stem, None, True)))
