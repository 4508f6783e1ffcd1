"""Files as people write them, each word held against both other assemblers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from armexec import function
from armexec.toolchain import compile_assembly

from .tree import Outcome, check, files_below

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


def test_a_tree_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "good.s").write_text(".global f\nf: add x0, x0, #1\n b f\n")
    (tmp_path / "mine" / "nonsense.s").write_text("f: frobnicate x0\n")
    (tmp_path / "pre.S").write_text("#define ONE 1\nf: add x0, x0, #ONE\n")
    script = HERE.parent.parent / "scripts" / "assemble-tree"
    done = subprocess.run([sys.executable, script, tmp_path, "--all"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[-3:]}
    assert rows["mine"] == ["2", "1", "0", "0", "0", "1", "0"]
    assert rows["all"] == ["3", "2", "0", "0", "0", "1", "0"]


def test_outcomes() -> None:
    assert Outcome(found={"clang": [], "gas": ["a word"]}).good
    assert not Outcome(found={"clang": ["a word"], "gas": ["a word"]}).good
    assert not Outcome(refusal="unknown", found={"clang": []}, refused={"gas": "unknown"}).good
    assert not Outcome(refusal="KeyError", crashed=True).good
    assert Outcome(refusal="unknown", refused={"clang": "", "gas": ""}).word == "refused by all"
