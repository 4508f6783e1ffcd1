"""The floating-point environment of the guest, and that of the process.

Guest code computes with rounding to nearest, subnormal numbers and no exceptions, whatever the process has set for
itself: libraries linked with `-ffast-math` make subnormal numbers zero in whatever process loads them, and new threads
inherit that. A call looks at the host's control register, and only if it isn't what it is at first sets it; the
process's own is back while Python runs on the guest's behalf, and when the call is over (`environment/*.ll`).

Intel SDM volume 1, 10.2.3, MXCSR; Arm ARM C5.2, FPCR. Translated code uses no x87 instructions.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from armexec.translate.support.load import load

__all__ = ["environment_text", "flags_text", "initial_environment", "pinned"]

_FILES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


def environment_text(machine: str | None = None) -> str:
    """IR of `@own_environment`, `@others_environment` and `@put_back_environment`, for this host or another.

    `machine` is as `platform.machine` names it.
    """
    return load(f"environment/{_FILES.get(machine or platform.machine(), 'other')}")


def flags_text(machine: str | None = None) -> str:
    """IR of `@exception_flags` and `@put_back_flags`; `machine` as for `environment_text`."""
    return load(f"environment/flags_{_FILES.get(machine or platform.machine(), 'other')}")


def pinned(kind: str, value: str) -> str:
    """The operation that is `value` and that LLVM moves past no call: it knows nothing of environments.

    What is computed from it is computed after it, and what it is computed from before.
    """
    constraint = "r"
    if kind in ("float", "double"):
        constraint = "x" if platform.machine() in ("x86_64", "AMD64") else "w"
    return f'call {kind} asm sideeffect "", "={constraint},0"({kind} {value})'


@cache
def _functions() -> tuple[Callable[..., int], Callable[..., int], ctypes.c_void_p]:
    """`fegetenv`, `fesetenv` and FE_DFL_ENV of C's fenv.h."""
    library = ctypes.CDLL(None)
    try:
        if sys.platform == "darwin":
            initial = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.in_dll(library, "_FE_DFL_ENV")))
        else:
            initial = ctypes.c_void_p(-1)
        return library.fegetenv, library.fesetenv, initial
    except (AttributeError, ValueError):
        # glibc has them in a library of their own.
        library = ctypes.CDLL("libm.so.6")
        return library.fegetenv, library.fesetenv, ctypes.c_void_p(-1)


@contextmanager
def initial_environment() -> Iterator[None]:
    """While this is entered, the thread has the environment that a process begins with: LLVM computes too."""
    get, set_, initial = _functions()
    # Larger than any fenv_t: 32 bytes on x86-64 Linux.
    kept = ctypes.create_string_buffer(64)
    get(kept)
    set_(initial)
    try:
        yield
    finally:
        set_(kept)
