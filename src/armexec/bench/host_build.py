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
from typing import Any

from armexec.bench.contenders import Run
from armexec.bench.kernels import FLAGS, Kernel
from armexec.errors import CompileError
from armexec.toolchain import wheel_compiler

__all__ = ["HostBuild", "host_library"]

_SECONDS = 120.0


@contextmanager
def host_library(source: str, flags: Sequence[str] = ()) -> Iterator[ctypes.CDLL]:
    """C compiled by the host's compiler and loaded; its functions must not be called after.

    The compiler is the clang of the ziglang package, so that both sides have the same, else the system's `cc`.

    Raises:
        CompileError: there is no compiler, or it refuses the source.
    """
    with tempfile.TemporaryDirectory(prefix="armexec-bench-") as folder:
        c, o, library = (os.path.join(folder, name) for name in ("source.c", "source.o", "source.so"))
        with open(c, "w", encoding="utf-8") as file:
            file.write(source)
        _run((*_compiler(), "-fPIC", *flags, "-c", c, "-o", o))
        _run((*_linker(folder), o, "-o", library))
        # A library that stays mapped does no harm; one that is unmapped while a profiler looks at it does.
        yield ctypes.CDLL(library)


def _compiler() -> tuple[str, ...]:
    """Raises CompileError."""
    wheel = wheel_compiler()
    if wheel is not None:
        return (*wheel.command, "-resource-dir", wheel.headers)
    cc = shutil.which("cc")
    if cc is None:
        raise CompileError("no compiler for this host: install the ziglang package, or have a `cc` on PATH")
    return (cc,)


def _linker(folder: str) -> tuple[str, ...]:
    wheel = wheel_compiler()
    if wheel is None:
        return (*_compiler(), "-shared")
    if sys.platform != "darwin":
        return (wheel.path, "ld.lld", "-shared")
    # For Mach-O the package has a linker of its own behind `zig cc`; the code is compiled already.
    return ("env", f"ZIG_GLOBAL_CACHE_DIR={folder}", wheel.path, "cc", "-shared", "-nostdlib")


def _run(command: tuple[str, ...]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompileError(f"the host's compiler doesn't run: {error}") from None
    if done.returncode:
        raise CompileError(f"the host's compiler fails:\n{done.stderr.strip()}", text=done.stderr)


@cache
def _version() -> str:
    wheel = wheel_compiler()
    if wheel is not None:
        return f"clang {wheel.version}"
    done = subprocess.run((*_compiler(), "--version"), capture_output=True, text=True, check=False)
    return done.stdout.partition("\n")[0]


class _Library:
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
            _compiler()
        except CompileError as error:
            return str(error)
        return None

    @contextmanager
    def start(self, kernel: Kernel) -> Iterator[_Library]:
        # PLAIN: loops for the compiler to vectorize, instead of intrinsics, on an Arm host too.
        with host_library(kernel.source, (*self.flags, *FLAGS, "-DPLAIN")) as library:
            yield _Library(library)

    def describe(self) -> str:
        return f"{_version()} {' '.join(self.flags)}"
