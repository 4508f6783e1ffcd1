"""Libraries that can't be loaded together: the error says which one, why, and who needs it."""

from __future__ import annotations

from pathlib import Path

import pytest

import armexec
from engines import AVAILABLE

from .libraries import shared


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """outer.so needs middle.so, which needs inner.so."""
    shared(tmp_path, "inner.so", "int inner(int x) { return x + 1; }")
    shared(tmp_path, "middle.so", "extern int inner(int); int middle(int x) { return inner(x) * 2; }", "inner.so")
    shared(
        tmp_path, "outer.so", "extern int middle(int); int outer(int x) { return middle(x) - 3; }", "middle.so", "-g"
    )
    return tmp_path


@pytest.mark.parametrize("engine", AVAILABLE)
def test_a_chain(chain: Path, engine: str) -> None:
    with armexec.load("outer.so", search=[chain], engine=engine) as m:
        assert m.outer(4) == 7


def test_a_missing_dependency_tells_who_needs_it(chain: Path) -> None:
    (chain / "inner.so").unlink()
    with pytest.raises(armexec.LoadError, match=r"middle\.so needs inner\.so, which isn't in .*search=\[\.\.\.\]"):
        armexec.load("outer.so", search=[chain])


def test_a_dependency_of_another_architecture(chain: Path) -> None:
    data = bytearray((chain / "inner.so").read_bytes())
    data[18:20] = (62).to_bytes(2, "little")
    (chain / "inner.so").write_bytes(data)
    with pytest.raises(armexec.LoadError, match=r"inner\.so: .*x86-64, not AArch64.*\(needed by .*middle\.so\)"):
        armexec.load("outer.so", search=[chain])


@pytest.mark.parametrize("size", [0, 10, 64, 500])
def test_a_truncated_dependency(chain: Path, size: int) -> None:
    data = (chain / "inner.so").read_bytes()
    (chain / "inner.so").write_bytes(data[:size])
    with pytest.raises(armexec.LoadError, match=r"inner\.so: .*\(needed by .*middle\.so\)"):
        armexec.load("outer.so", search=[chain])


def test_a_dependency_that_is_no_library(chain: Path) -> None:
    (chain / "inner.so").write_text("/* GNU ld script */\nGROUP ( /lib/inner.so.6 )\n")
    with pytest.raises(armexec.LoadError, match=r"inner\.so: .*\(needed by .*middle\.so\)"):
        armexec.load("outer.so", search=[chain])


def test_a_library_that_needs_itself(tmp_path: Path) -> None:
    shared(tmp_path, "self.so", "int f(int x) { return x; }")
    shared(tmp_path, "self.so", "int f(int x) { return x + 5; }", "./self.so", "-g", "-Wl,--no-as-needed")
    with armexec.load(tmp_path / "self.so") as m:
        assert m.f(1) == 6


@pytest.mark.parametrize("engine", AVAILABLE)
def test_a_circle_of_three(tmp_path: Path, engine: str) -> None:
    for name in "abc":
        shared(tmp_path, f"{name}.so", f"int {name}(int x) {{ return x; }}")
    for name, other in ("ab", "bc", "ca"):
        source = f"extern int {other}(int); int {name}(int x) {{ return x < 1 ? 0 : {other}(x - 1) * 2 + 1; }}"
        shared(tmp_path, f"{name}.so", source, f"{other}.so", "-g")
    with armexec.load("a.so", search=[tmp_path], engine=engine) as m:
        assert m.a(7) == 127
        assert [library.soname for library in m.image.libraries] == ["a.so", "b.so", "c.so"]  # type: ignore[attr-defined]


def test_too_many_thread_local_variables(tmp_path: Path) -> None:
    """Each fits, and both together don't."""
    source = "__thread char {0}[600 << 20]; char {0}_last(void) {{ return {0}[(600 << 20) - 1]; }}"
    shared(tmp_path, "first.so", source.format("first"))
    uses = "extern char first_last(void); char both(void) { return first_last(); }"
    shared(tmp_path, "second.so", source.format("second") + uses, "first.so")
    with pytest.raises(armexec.LoadError, match=r"first\.so: thread-local variables take \d+ bytes"):
        armexec.load("second.so", search=[tmp_path])


def test_glibc_needs_its_dynamic_linkers_library(tmp_path: Path) -> None:
    shared(tmp_path, "ld-linux-aarch64.so.1", "int _rtld_global_ro[100];")
    source = "extern int _rtld_global_ro[]; int f(void) { return _rtld_global_ro[1]; }"
    made = shared(tmp_path, "libc.so.6", source, "ld-linux-aarch64.so.1")
    (tmp_path / "ld-linux-aarch64.so.1").unlink()
    with pytest.raises(armexec.LoadError, match=r"libc\.so\.6 needs ld-linux-aarch64\.so\.1"):
        armexec.load(made)
