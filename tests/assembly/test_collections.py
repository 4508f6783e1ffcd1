"""Files as people write them, each word held against both other assemblers."""

from __future__ import annotations

from pathlib import Path

import pytest

from armexec import function
from armexec.toolchain import compile_assembly

from .tree import check, files_below

HERE = Path(__file__).parent
FILES = [path.relative_to(HERE) for path in files_below(HERE)]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_word_is_that_of_both_assemblers(file: Path) -> None:
    outcome = check(HERE / file)
    assert outcome.refusal == ""
    assert outcome.refused == {}
    assert {who: differences for who, differences in outcome.found.items() if differences} == {}


def routine(file: str) -> str:
    """Preprocessed text of a file of routines."""
    path = HERE / "routines" / file
    return compile_assembly(path.read_text(), language="assembler", target="linux", filename=str(path))


def test_the_files_run() -> None:
    length = function(routine("strlen.S"), "long own_strlen(const char *)")
    assert [length("x" * n) for n in (0, 1, 15, 16, 17, 100)] == [0, 1, 15, 16, 17, 100]
    copy = function(routine("memcpy.S"), "void *own_memcpy(void *, const void *, long)")
    for count in (0, 1, 3, 7, 8, 15, 16, 31, 32, 33, 64, 65, 128):
        to = bytearray(b"-" * 200)
        copy(to, bytes(range(200)), count)
        assert to == bytes(range(count)) + b"-" * (200 - count)
    factorial = function((HERE / "students" / "factorial.s").read_text(), "long factorial(long)")
    assert factorial(10) == 3628800
