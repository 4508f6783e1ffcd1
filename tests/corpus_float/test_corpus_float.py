"""Numeric C, vectorized by clang for two processors, gives on every engine what the host's own compilation gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus import FLOAT_TYPES, INTEGER_TYPES, OPTIMIZATION_LEVELS
from corpus.checks import ENGINES, check, check_defined, check_under_qemu
from corpus_float import FLOAT_CORPUS, PROCESSORS
from samples import one_of

FILES = FLOAT_CORPUS.files

#: How many cases of each function the default run makes.
SAMPLE = {"native": 4, "translated": 3, "reference": 1}

files = pytest.mark.parametrize("stem", one_of(6, FILES))
levels = pytest.mark.parametrize("opt", OPTIMIZATION_LEVELS)
processors = pytest.mark.parametrize("cpu", PROCESSORS)
engines = pytest.mark.parametrize("engine", ENGINES)


@engines
@files
def test_engine_gives_what_the_host_gives(stem: str, engine: str) -> None:
    check(FLOAT_CORPUS, stem, ["-mcpu=apple-m1"], "-O3", engine, SAMPLE[engine])


@pytest.mark.long
@engines
@levels
@processors
@files
def test_engine_gives_what_the_host_gives_in_all_cases(stem: str, cpu: str, opt: str, engine: str) -> None:
    check(FLOAT_CORPUS, stem, [f"-mcpu={cpu}"], opt, engine, None)


@pytest.mark.long
@levels
@processors
@files
def test_qemu_agrees_with_the_host(tmp_path: Path, stem: str, cpu: str, opt: str) -> None:
    check_under_qemu(FLOAT_CORPUS, stem, [f"-mcpu={cpu}"], opt, tmp_path)


@pytest.mark.long
@files
def test_no_undefined_behaviour(tmp_path: Path, stem: str) -> None:
    check_defined(FLOAT_CORPUS, stem, tmp_path)


def test_corpus_is_large_and_varied() -> None:
    functions = FLOAT_CORPUS.functions
    assert len(functions) >= 80
    used = {p.type for function in functions for p in function.parameters if p.pointer}
    assert used >= set(FLOAT_TYPES)
    assert {INTEGER_TYPES[name] for name in used - set(FLOAT_TYPES)} >= {
        (bits, signed) for bits in (8, 16, 32, 64) for signed in (True, False)
    }
    for file in FILES.values():
        names = [function.name for function in file.functions]
        assert len(names) == len(set(names)), file.path
