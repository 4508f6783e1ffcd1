"""The floating-point environment of the guest, and that of the process.

Guest code computes with rounding to nearest, subnormal numbers and no exceptions, whatever the process has set for
itself: libraries linked with `-ffast-math` make subnormal numbers zero in whatever process loads them, and new threads
inherit that. A call looks at the host's control register, and only if it isn't what it is at first sets it; the
process's own is back while Python runs on the guest's behalf, and when the call is over.

Intel SDM volume 1, 10.2.3, MXCSR; Arm ARM C5.2, FPCR. Translated code uses no x87 instructions.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from armexec.translate.guest_state import OFFSETS

__all__ = ["environment_text", "initial_environment", "pinned"]

_MXCSR = 0x1F80
"""All exceptions masked, to nearest, no flush-to-zero and no denormals-are-zero."""
_FLAGS = 0x3F
"""The flags of MXCSR, which say what has come up."""


def environment_text() -> str:
    """IR of three functions of the state structure.

    `@own_environment` keeps the process's environment and gives the guest its own; `@others_environment` puts the
    process's back, if it was another; `@put_back_environment` does so with its flags in any case.
    """
    machine = platform.machine()
    field = f"getelementptr i8, ptr %state, i64 {OFFSETS['environment']}"
    if machine in ("x86_64", "AMD64"):
        return f"""
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)
@own_mxcsr = internal constant i32 {_MXCSR}, align 4

define internal i1 @is_own(ptr %kept) alwaysinline nounwind {{
  %word = load i32, ptr %kept
  %control = and i32 %word, {-1 - _FLAGS}
  %same = icmp eq i32 %control, {_MXCSR}
  ret i1 %same
}}

define internal void @own_environment(ptr %state) alwaysinline nounwind {{
  %kept = {field}
  call void @llvm.x86.sse.stmxcsr(ptr %kept)
  %same = call i1 @is_own(ptr %kept)
  br i1 %same, label %out, label %set
set:
  call void @llvm.x86.sse.ldmxcsr(ptr @own_mxcsr)
  br label %out
out:
  ret void
}}

define internal void @others_environment(ptr %state) alwaysinline nounwind {{
  %kept = {field}
  %same = call i1 @is_own(ptr %kept)
  br i1 %same, label %out, label %set
set:
  call void @llvm.x86.sse.ldmxcsr(ptr %kept)
  br label %out
out:
  ret void
}}

define internal void @put_back_environment(ptr %state) alwaysinline nounwind {{
  %kept = {field}
  call void @llvm.x86.sse.ldmxcsr(ptr %kept)
  ret void
}}
"""
    if machine in ("aarch64", "arm64"):
        return f"""
declare i64 @llvm.aarch64.get.fpcr()
declare void @llvm.aarch64.set.fpcr(i64)

define internal void @own_environment(ptr %state) alwaysinline nounwind {{
  %kept = {field}
  %word = call i64 @llvm.aarch64.get.fpcr()
  store i64 %word, ptr %kept
  %same = icmp eq i64 %word, 0
  br i1 %same, label %out, label %set
set:
  call void @llvm.aarch64.set.fpcr(i64 0)
  br label %out
out:
  ret void
}}

define internal void @others_environment(ptr %state) alwaysinline nounwind {{
  %kept = {field}
  %word = load i64, ptr %kept
  %same = icmp eq i64 %word, 0
  br i1 %same, label %out, label %set
set:
  call void @llvm.aarch64.set.fpcr(i64 %word)
  br label %out
out:
  ret void
}}

define internal void @put_back_environment(ptr %state) alwaysinline nounwind {{
  %kept = {field}
  %word = load i64, ptr %kept
  call void @llvm.aarch64.set.fpcr(i64 %word)
  ret void
}}
"""
    return "".join(
        f"\ndefine internal void @{name}(ptr %state) alwaysinline nounwind {{\n  ret void\n}}\n"
        for name in ("own_environment", "others_environment", "put_back_environment")
    )


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
