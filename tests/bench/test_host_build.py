"""The host's own build: by the package's clang, else by the system's compiler."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from armexec.bench.contenders import host_build
from armexec.bench.contenders.host_build import HostBuild, host_library
from armexec.bench.kernels import KERNELS
from armexec.errors import CompileError


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    host_build._tools.cache_clear()
    yield
    host_build._tools.cache_clear()


def test_the_package_s_clang_comes_first() -> None:
    assert HostBuild("host").unavailable() is None
    assert HostBuild("host").describe().startswith("clang ")
    with host_library("int fn(int x) { return x + 1; }") as library:
        assert library.fn(3) == 4


@pytest.mark.skipif(shutil.which("cc") is None, reason="no cc on PATH")
def test_cc_is_the_fall_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_build, "wheel_compiler", lambda: None)
    build = HostBuild("host", tuned=True)
    assert build.unavailable() is None
    assert build.describe().endswith("native")
    with build.start(KERNELS["sad"]) as runner:
        one = runner.run(3).result
    host_build._tools.cache_clear()
    monkeypatch.undo()
    with build.start(KERNELS["sad"]) as runner:
        assert runner.run(3).result == one


def test_without_a_compiler_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_build, "wheel_compiler", lambda: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert HostBuild("host").unavailable() == "no compiler for this host: the ziglang package, or a `cc` on PATH"


def test_what_the_compiler_refuses_is_an_error() -> None:
    with pytest.raises(CompileError, match=r"the host's compiler fails:\n.*error"), host_library("int fn( {"):
        pass
