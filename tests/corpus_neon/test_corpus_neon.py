"""NEON's intrinsics give on every engine what plain C gives on the host."""

from __future__ import annotations

from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from armexec.isa.decode import form_of
from corpus import OPTIMIZATION_LEVELS
from corpus.checks import ENGINES, aarch64_object, check, check_defined, check_under_qemu
from corpus_neon import NEON_CORPUS
from samples import one_of

FILES = NEON_CORPUS.files

#: How many cases of each function the default run makes.
SAMPLE = {"native": 4, "translated": 3, "reference": 1}

files = pytest.mark.parametrize("stem", one_of(3, FILES))
levels = pytest.mark.parametrize("opt", OPTIMIZATION_LEVELS)
engines = pytest.mark.parametrize("engine", ENGINES)


@engines
@files
def test_intrinsics_give_what_plain_c_gives(stem: str, engine: str) -> None:
    check(NEON_CORPUS, stem, FILES[stem].variants["base"], "-O2", engine, SAMPLE[engine])


@pytest.mark.long
@engines
@levels
@files
def test_intrinsics_give_what_plain_c_gives_in_all_cases(stem: str, opt: str, engine: str) -> None:
    check(NEON_CORPUS, stem, FILES[stem].variants["base"], opt, engine, None)


@pytest.mark.long
@levels
@files
def test_qemu_agrees_with_the_host(tmp_path: Path, stem: str, opt: str) -> None:
    check_under_qemu(NEON_CORPUS, stem, FILES[stem].variants["base"], opt, tmp_path)


@pytest.mark.long
@files
def test_no_undefined_behaviour(tmp_path: Path, stem: str) -> None:
    check_defined(NEON_CORPUS, stem, tmp_path)


def test_corpus_is_large() -> None:
    assert len(NEON_CORPUS.functions) >= 150
    for file in FILES.values():
        names = [function.name for function in file.functions]
        assert len(names) == len(set(names)), file.path


@pytest.mark.long
def test_corpus_is_spread_over_the_instruction_set(tmp_path: Path) -> None:
    used = set()
    for stem, file in FILES.items():
        built = aarch64_object(tmp_path / f"{stem}.o", NEON_CORPUS, stem, file.variants["base"], "-O2")
        with built.open("rb") as stream:
            code = ELFFile(stream).get_section_by_name(".text")
            assert code is not None
            used |= {form_of(word) for word in memoryview(code.data()).cast("I")}
    assert None not in used
    # The vector instructions, and scalar ones of the same classes: "asimd", "asisd" and "crypto" in their names.
    of_vectors = {form.name for form in used if form and any(part in form.name for part in ("_asi", "_crypto"))}
    assert len(of_vectors) >= 300
