"""The C corpus gives on every engine what the host's own compilation of it gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

import corpus
from corpus import INTEGER_CORPUS, INTEGER_TYPES, OPTIMIZATION_LEVELS
from corpus.checks import ENGINES, SAMPLE, aarch64_object, check, check_defined, check_under_qemu
from samples import one_of

FILES = INTEGER_CORPUS.files
BUILDS = INTEGER_CORPUS.builds

builds = pytest.mark.parametrize(("stem", "variant"), one_of(3, BUILDS), ids=[f"{s}-{v}" for s, v in BUILDS])
levels = pytest.mark.parametrize("opt", OPTIMIZATION_LEVELS)
engines = pytest.mark.parametrize("engine", ENGINES)


@engines
@levels
@builds
def test_engine_gives_what_the_host_gives(stem: str, variant: str, opt: str, engine: str) -> None:
    check(INTEGER_CORPUS, stem, FILES[stem].variants[variant], opt, engine, SAMPLE[engine])


@pytest.mark.long
@engines
@levels
@builds
def test_engine_gives_what_the_host_gives_in_all_cases(stem: str, variant: str, opt: str, engine: str) -> None:
    check(INTEGER_CORPUS, stem, FILES[stem].variants[variant], opt, engine, None)


def test_corpus_is_large_and_varied() -> None:
    functions = INTEGER_CORPUS.functions
    assert len(functions) >= 220
    assert sum(any(p.pointer for p in function.parameters) for function in functions) >= 20
    assert {len(function.parameters) for function in functions} >= set(range(9))
    used = {p.type for function in functions for p in function.parameters} | {f.result for f in functions}
    assert {INTEGER_TYPES[name] for name in used - {"void"}} == set(INTEGER_TYPES.values())
    for file in FILES.values():
        names = [function.name for function in file.functions]
        assert len(names) == len(set(names)), file.path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("//@ cases: (1)\nint f(int a, int b) {\n}\n", r":2: 1 values for 2 parameters"),
        ("//@ cases: (256)\nint f(uint8_t a) {\n}\n", r":2: a: 256 doesn't fit uint8_t"),
        ("//@ cases: (1)\nstatic int f(int a) {\n}\n", r":2: a function definition on one line must follow"),
        ("//@ cases: (1)\nint f(char8 a) {\n}\n", r":2: not a parameter: 'char8 a'"),
        ("//@ cases: (1)\nint f(_Float16 a) {\n}\n", r":2: _Float16 is only passed by pointer"),
        ("//@ cases: (1e39)\nint f(float a) {\n}\n", r":2: a: 1e39 doesn't fit float"),
        ("//@ case: (1)\n", r":1: not a directive"),
        ("//@ cases: (1) twice\nint f(int a) {\n}\n", r":2: not cases"),
        ("int f(int a) {\n}\n", r":1: f has no //@ cases or //@ heavy"),
        ("//@ cases: ()\nint f(int *a) {\n}\n", r":2: each pointer parameter needs one //@ buffer"),
        (
            "//@ where: b=0..1\n//@ cases: (1)\nint f(int a) {\n}\n",
            r":3: //@ where: no such parameter, or a pointer: 'b'",
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


def uses_simd_or_fp(word: int) -> bool:
    """Whether a word is in a SIMD and FP class (Arm ARM C4.1: op0, and V of loads and stores)."""
    op0 = word >> 25 & 15
    return op0 & 7 == 7 or (op0 & 5 == 4 and word >> 26 & 1 == 1)


@pytest.mark.long
@levels
@builds
def test_objects_are_complete_and_use_integer_registers_only(tmp_path: Path, stem: str, variant: str, opt: str) -> None:
    flags = FILES[stem].variants[variant]
    with aarch64_object(tmp_path / "corpus.o", INTEGER_CORPUS, stem, flags, opt).open("rb") as stream:
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


@pytest.mark.long
@pytest.mark.parametrize("stem", FILES)
def test_no_undefined_behaviour(tmp_path: Path, stem: str) -> None:
    check_defined(INTEGER_CORPUS, stem, tmp_path)


@pytest.mark.long
@levels
@builds
def test_qemu_agrees_with_the_host(tmp_path: Path, stem: str, variant: str, opt: str) -> None:
    check_under_qemu(INTEGER_CORPUS, stem, FILES[stem].variants[variant], opt, tmp_path)
