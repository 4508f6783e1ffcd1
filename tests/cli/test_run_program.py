"""`armexec run` of a file with a main."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from armexec.libraries.archives import is_built

from .program import armexec

needs_c = pytest.mark.skipif(not is_built("c"), reason="the C library isn't built: pytest -m long builds it")
SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    int c; FILE *file = argc > 2 ? fopen(argv[2], "r") : stdin;
    if (!file) abort();
    while ((c = getc(file)) != EOF) putchar(c + 1);
    fputs(argv[1], stderr);
    return argc + 250;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("programs") / "program.c"
    path.write_text(SOURCE)
    return str(path)


@needs_c
@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_the_streams_and_the_status_are_the_programs(program: str, engine: str) -> None:
    done = armexec("run", program, "--engine", engine, "--", "-x", stdin="HAL")
    assert (done.status, done.out, done.err) == (252, "IBM", "-x")


@needs_c
def test_json_has_what_it_wrote(program: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("HAL")
    done = armexec("run", program, "x", "/d/in", "--files", f"/d={tmp_path}", "--json")
    assert (done.status, done.err) == (253, "")
    assert json.loads(done.out) == {"status": 253, "output": "IBM", "error": "x"}


@needs_c
def test_a_signal_is_told(program: str, tmp_path: Path) -> None:
    done = armexec("run", program, "x", "/d/in", "--files", f"/d={tmp_path}")
    assert (done.status, done.out) == (134, "")
    assert "ended by signal 6 (SIGABRT)" in done.err
    done = armexec("run", program, "x", "/d/in", "--files", f"/d={tmp_path}", "--json")
    assert (done.status, json.loads(done.out)["signal"]) == (134, 6)


def test_warnings_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int main(void) { int unused; return 3; }")
    done = armexec("run", str(tmp_path / "a.c"), "--flag=-Wall")
    assert (done.status, done.err.count("unused variable")) == (3, 1)


def test_errors_are_messages(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int main(int n, char **v) { return *(int *)8; }")
    done = armexec("run", str(tmp_path / "a.c"))
    assert (done.status, done.out) == (1, "")
    assert "can't read memory at 0x8" in done.err
    assert "a.c:1" in done.err
    (tmp_path / "f.c").write_text("int f(void) { return 1; }")
    assert armexec("run", str(tmp_path / "a.c"), "--files", "x").status == 2
    assert armexec("run", str(tmp_path / "f.c"), "--files", "x").status == 2
    done = armexec("run", str(tmp_path / "f.c"), "--files", "/x=y")
    assert (done.status, "y is no folder" in done.err) == (1, True)


@needs_c
def test_a_function_has_files(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("21")
    source = r"""
    #include <stdio.h>
    int twice(const char *name) { int n = 0; FILE *in = fopen(name, "r"); fscanf(in, "%d", &n); return 2 * n; }
    """
    (tmp_path / "twice.c").write_text(source)
    done = armexec("run", str(tmp_path / "twice.c"), "/d/in", "--files", f"/d={tmp_path}")
    assert (done.status, done.out) == (0, "42\n")
    done = armexec("run", str(tmp_path / "twice.c"), "/d/in")
    assert (done.status, "no folder was given for it" in done.err) == (1, True)


def test_main_is_called_as_a_function_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int main(int n, char **v) { return n + 1; }")
    for options in (("--function", "main"), ("--signature", "int(int, char **)")):
        done = armexec("run", str(tmp_path / "a.c"), "3", "0", *options)
        assert (done.status, done.out) == (0, "4\n")
