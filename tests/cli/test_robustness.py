"""Command lines that nobody would write on purpose: each ends with a message."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cli.program import armexec

SOURCE = """
long f(long x) { return x; }
int length(const char *s) { int n = 0; while (*s++) n++; return n; }
int first(int *v) { return v[0]; }
double half(double x) { return x / 2; }
"""
F = ("--engine", "reference", "--function", "f")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo.c")
    os.symlink("loop.c", "loop.c")
    os.mkdir("folder.c")
    Path("f.c").write_text(SOURCE)
    return "f.c"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "fifo.c", "3"), "fifo.c: not a regular file"),
        (("run", "folder.c", "3"), "folder.c: a directory"),
        (("run", "loop.c", "3"), "loop.c: "),
        (("run", "x" * 5000, "3"), "name too long"),
        (("run", "f.c", *F, "9" * 30), "out of range"),
        (("run", "f.c", *F, "9" * 5000), "(5000 characters) is no integer"),
        (("run", "f.c", *F, "0x" + "f" * 5000), "is no integer"),
        (("run", "f.c", *F, "--", "-" + "9" * 900), "out of range"),
        (("run", "f.c", "--function", "half", "z" * 100_000), "(100000 characters) is no number"),
        (("run", "f.c", "--function", "first", "[" + "1," * 50 + "x" * 200 + "]"), "(200 characters) is no integer"),
        (("run", "f.c", *F, "\udcff"), "is no integer"),
        (("run", "f.c", *F, ""), "'' is no integer"),
        (("run", "f.c", "3", "--function", "\udcff"), "no symbol"),
        (("run", "f.c", "3", "--function", ""), "no symbol ''"),
        (("run", "f.c", "3", "--function", "f", "--signature", ""), "signature is empty"),
        (("run", "f.c", "3", "--flag=\udcff"), "refuses f.c"),
        (("compile", "f.c", "-o", "folder.c"), "folder.c: is a directory"),
        (("compile", "-c", "f.c", "-o", "no/such/folder"), "no such file or directory"),
        (("asm", "f.c"), "f.c:2:13: "),
        (("disasm", "\udcff"), "is not a word"),
        (("isa", "\udcff"), "no instruction"),
        (("bench", ""), "there is no kernel ''"),
    ],
)
def test_errors_are_status_1(file: str, arguments: tuple[str, ...], message: str) -> None:
    done = armexec(*arguments)
    assert (done.status, done.out) == (1, "")
    assert message.lower() in done.err.lower()
    assert len(done.err) < 7000


@pytest.mark.parametrize(
    "arguments",
    [
        ("",),
        ("\udcff",),
        ("run", ""),
        ("disasm", ""),
        ("run", "f.c", "3", "-O", ""),
        ("run", "f.c", "3", "--engine", ""),
        ("run", "f.c", "--fnction", "f"),
        ("compile", "f.c", "-o", ""),
        ("asm", "--address", ""),
        ("asm", "--address", "-4"),
        ("asm", "--address", "9" * 5000),
        ("cache", ""),
        ("completion", ""),
    ],
)
def test_wrong_command_lines_are_status_2(file: str, arguments: tuple[str, ...]) -> None:
    done = armexec(*arguments)
    assert (done.status, done.out) == (2, "")
    assert "Error: " in done.err


@pytest.mark.skipif(sys.platform == "darwin", reason="names of files are Unicode there")
def test_names_of_files_need_not_be_text(file: str) -> None:
    name = "name\udcff\udcfe"
    Path(f"{name}.c").write_text(SOURCE)
    Path(f"{name}.hex").write_text("d65f03c0")
    assert armexec("run", f"{name}.c", *F, "3").out == "3\n"
    assert armexec("run", f"{name}.hex", "3", "--engine", "reference").out == "3\n"
    assert "ret" in armexec("disasm", f"{name}.hex", f"{name}.hex").out
    assert "fn(3)" in armexec("show", f"{name}.c", *F, "3").out.replace("f(3)", "fn(3)")
    assert armexec("compile", "-c", f"{name}.c").status == 0
    assert Path(f"{name}.o").exists()


def test_text_of_any_bytes_is_an_argument(file: str) -> None:
    run = "run", "f.c", "--function", "length", "--engine", "reference"
    assert armexec(*run, "\udcff\udcfe").out == "2\n"
    assert armexec(*run, "").out == "0\n"
    assert armexec(*run, "--", "--function").out == "10\n"


def test_numbers_that_begin_with_a_sign(file: str) -> None:
    run = "run", "f.c", "--engine", "reference", "--function", "half"
    for text, printed in (("-inf", "-inf"), ("-1e3", "-500.0"), ("-.5", "-0.25"), ("-0x1p1", "-1.0"), ("-nan", "nan")):
        assert armexec(*run, text).out == f"{printed}\n", text
    assert armexec(*run, "1" + "0" * 500).out == "inf\n"


def test_a_wrong_option_names_the_right_one(file: str) -> None:
    assert "did you mean --function?" in armexec("run", "f.c", "--fnction", "f").err
    assert "--format" in armexec("asm", "--fomat", "c").err
    assert "did you mean disasm?" in armexec("dissasm").err
