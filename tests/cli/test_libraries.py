"""Shared libraries on the command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import ziglang

from cli.program import armexec

ZIG = str(Path(ziglang.__file__).parent / "zig")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """libone.so, which has a thread-local variable and needs libtwo.so."""
    made = tmp_path_factory.mktemp("libraries")
    (made / "two.c").write_text("int two(int x) { return x + 2; }")
    (made / "one.c").write_text("extern int two(int); __thread int n = 5; int one(int x) { return n += two(x); }")
    for arguments in (["two.c", "-o", "libtwo.so"], ["one.c", "libtwo.so", "-o", "libone.so"]):
        command = [ZIG, "cc", "-target", "aarch64-linux-musl", "-shared", "-fPIC", "-nostdlib", "-O1", "-g", *arguments]
        subprocess.run(command, cwd=made, check=True, capture_output=True, timeout=120)
    return made


def test_run_and_show(folder: Path) -> None:
    options = "--search", str(folder), "--engine", "translated"
    done = armexec("run", "libone.so", "3", "--function", "one", *options)
    assert (done.status, done.out, done.err) == (0, "10\n", "")
    done = armexec("run", str(folder / "libone.so"), "3", "--function", "two", *options)
    assert (done.status, done.out) == (0, "5\n")
    done = armexec("show", str(folder / "libone.so"), "3", "--function", "one", *options)
    assert done.status == 0
    assert done.out.endswith("   10\n")


def test_a_missing_library(folder: Path) -> None:
    done = armexec("run", str(folder / "libone.so"), "--function", "one", "3", "--engine", "translated")
    assert done.status == 1
    assert "libone.so needs libtwo.so, and no folder was given to look for it" in done.err


def test_disasm_needs_no_other_libraries(folder: Path) -> None:
    done = armexec("disasm", str(folder / "libone.so"))
    assert (done.status, done.err) == (0, "")
    assert ".text:\none:\n" in done.out
    assert "TPIDR_EL0" in done.out
    assert "tlsdesc" not in done.out


def test_show_half_precision(tmp_path: Path) -> None:
    (tmp_path / "h.c").write_text("_Float16 f(_Float16 x) { return x; }")
    done = armexec("show", str(tmp_path / "h.c"), "1.5")
    assert (done.status, done.err) == (0, "")
    assert done.out.endswith("   1.5\n")
