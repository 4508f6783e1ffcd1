"""The floating-point control register of this process, read and set."""

from __future__ import annotations

import ctypes
import gc
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

# fenv_t of Linux's C libraries: where MXCSR is, or FPCR.
_AT = {"x86_64": 28, "aarch64": 0}.get(platform.machine(), -1)
layout_known = pytest.mark.skipif(_AT < 0 or sys.platform != "linux", reason="the layout of fenv_t isn't known")
if platform.machine() == "aarch64":
    CONTROLS = {"flush to zero": 1 << 24, "up": 1 << 22, "down": 2 << 22, "to zero": 3 << 22}
else:
    masked = 0x1F80
    CONTROLS = {
        "flush to zero": masked | 0x8000,
        "denormals are zero": masked | 0x40,
        "as -ffast-math sets it": masked | 0x8040,
        "down": masked | 0x2000,
        "up": masked | 0x4000,
        "to zero": masked | 0x6000,
        # But for inexact results and subnormal operands, which Python's own computations and comparisons have.
        "unmasked": 0x1100,
        "all at once": 0x1100 | 0x8040 | 0x6000,
    }
_libm = ctypes.CDLL(None)


def control_register() -> int:
    environment = ctypes.create_string_buffer(64)
    _libm.fegetenv(environment)
    return int.from_bytes(environment.raw[_AT : _AT + 4], "little")


@contextmanager
def environment(control: int) -> Iterator[None]:
    """The control register of this thread set, without its flags."""
    kept = ctypes.create_string_buffer(64)
    _libm.fegetenv(kept)
    changed = ctypes.create_string_buffer(kept.raw, 64)
    ctypes.c_uint32.from_buffer(changed, _AT).value = control
    # Python's own garbage may have finalizers that compute.
    gc.disable()
    _libm.fesetenv(changed)
    try:
        yield
    finally:
        _libm.fesetenv(kept)
        gc.enable()
