"""The host's own build of a C source: a shared library, loaded with ctypes."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from armexec.bench.contenders.runner import Run, Runner
from armexec.bench.kernels import FLAGS, Kernel
from armexec.errors import CompileError
from armexec.toolchain import wheel_compiler

__all__ = ["HostBuild", "host_library"]

_SECONDS = 120.0


class _Tools(NamedTuple):
    """The commands that make an object and a shared library, without arguments, and their version."""

    compile: tuple[str, ...]
    link: tuple[str, ...]
    version: str


@contextmanager
def host_library(source: str, flags: Sequence[str] = ()) -> Iterator[ctypes.CDLL]:
    """C compiled by the host's compiler and loaded. Its functions must not be called after the context.

    The compiler is the clang of the ziglang package, the same as for the guest's code, else the system's `cc`.

    Raises:
        CompileError: there is no compiler, or it refuses the source.
    """
    tools = _tools()
    with tempfile.TemporaryDirectory(prefix="armexec-bench-") as folder:
        # It stays mapped: Python has no safe way to unload a library. Each has a name of its own.
        yield ctypes.CDLL(_build(tools, source, flags, folder))


def _build(tools: _Tools, source: str, flags: Sequence[str], folder: str) -> str:
    """The path of the library. Raises CompileError."""
    c, o, library = (os.path.join(folder, name) for name in ("source.c", "source.o", "source.so"))
    with open(c, "w", encoding="utf-8") as file:
        file.write(source)
    _run((*tools.compile, "-fPIC", *flags, "-c", c, "-o", o), folder)
    _run((*tools.link, o, "-o", library), folder)
    return library


@cache
def _tools() -> _Tools:
    """The first tools that can make a library. Raises CompileError."""
    reasons = []
    for tools in (_wheel_tools(), _system_tools()):
        if tools is not None:
            try:
                with tempfile.TemporaryDirectory(prefix="armexec-bench-") as folder:
                    _build(tools, "int fn(int num) { return num; }", (), folder)
            except CompileError as error:
                reasons.append(str(error))
            else:
                return tools
    raise CompileError("\n".join(reasons) or "no compiler for this host: the ziglang package, or a `cc` on PATH")


def _wheel_tools() -> _Tools | None:
    wheel = wheel_compiler()
    if wheel is None:
        return None
    # The package's only linker for Mach-O is the one of `zig cc`.
    link = ("cc", "-shared", "-nostdlib") if sys.platform == "darwin" else ("ld.lld", "-shared")
    compile = (*wheel.command, "-resource-dir", wheel.headers)
    return _Tools(compile, (wheel.path, *link), f"clang {wheel.version}")


def _system_tools() -> _Tools | None:
    cc = shutil.which("cc")
    if cc is None:
        return None
    done = subprocess.run((cc, "--version"), capture_output=True, text=True, errors="replace", check=False)
    return _Tools((cc,), (cc, "-shared"), done.stdout.partition("\n")[0])


def _run(command: tuple[str, ...], folder: str) -> None:
    """Run a command. Raises CompileError."""
    environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompileError(f"the host's compiler doesn't run: {error}") from None
    if done.returncode:
        raise CompileError(f"the host's compiler fails:\n{done.stderr.strip()}", text=done.stderr)


class _Library(Runner):
    """A kernel in a loaded library."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._call: Any = library.kernel
        self._call.argtypes = (ctypes.c_uint64,)
        self._call.restype = ctypes.c_uint64

    def run(self, count: int) -> Run:
        start = time.thread_time()
        result = self._call(count)
        return Run(result, time.thread_time() - start)


class HostBuild:
    """A kernel as this host's own code: for any processor of its kind, or `tuned` for the very one."""

    def __init__(self, name: str, *, tuned: bool = False) -> None:
        self.name = name
        arm = platform.machine() in ("arm64", "aarch64")
        self.flags = ("-O2", *(("-mcpu=native" if arm else "-march=native",) if tuned else ()))

    def unavailable(self) -> str | None:
        try:
            _tools()
        except CompileError as error:
            return str(error)
        return None

    @contextmanager
    def start(self, kernel: Kernel) -> Iterator[_Library]:
        # PLAIN: loops instead of intrinsics, on an Arm host too.
        with host_library(kernel.source, (*self.flags, *FLAGS, "-DPLAIN")) as library:
            yield _Library(library)

    def describe(self) -> str:
        return f"{_tools().version} {' '.join(self.flags)}"
