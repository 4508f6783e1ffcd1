"""The frames of `enter` and `call_host`, and what a handler of signals keeps there: the registers as the system saves
them, and the signal.

Layouts: Linux on AArch64, the kernel's siginfo_t, ucontext_t and fpsimd_context (the first record, as the kernel writes
them); macOS, sys/signal.h and mach/arm/_structs.h (not run there).
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from typing import NamedTuple

from armexec.cpu.call_frame import CallFrame
from armexec.cpu.state import CpuState

__all__ = ["DONE", "Entered", "HostCall", "Layout", "Left", "Registers", "SavedVectors", "layout"]


class Layout(NamedTuple):
    """Where a handler finds things, in bytes; the names are those of signal_handler.py."""

    machine_at: int
    """In ucontext_t: the machine context, or a pointer to it."""
    is_pointer: int
    general_at: int
    """In the machine context: X0 to X30, SP, PC, PSTATE."""
    vectors_from: int
    """From there to V0 to V31, FPSR and FPCR, as `SavedVectors` has them."""
    address_at: int
    """In siginfo_t: the address."""
    stack_at: int
    """In ucontext_t: the address of the stack for handlers, and its size."""
    stack_size_at: int
    sent: int
    """The least si_code of what a process sends, above those that the system finds; below 1 is sent, too."""


LINUX = Layout(176, 0, 8, 288, 16, 16, 32, 1 << 30)
DARWIN = Layout(48, 1, 16, 272, 24, 8, 16, 0x10000)


def layout(system: str = sys.platform) -> Layout:
    """That of a host, by `sys.platform`."""
    return DARWIN if system == "darwin" else LINUX


class _LinuxVectors(ctypes.Structure):
    _fields_ = (("fpsr", ctypes.c_uint32), ("fpcr", ctypes.c_uint32), ("v", ctypes.c_uint8 * 512))


class _DarwinVectors(ctypes.Structure):
    _fields_ = (("v", ctypes.c_uint8 * 512), ("fpsr", ctypes.c_uint32), ("fpcr", ctypes.c_uint32))


SavedVectors = _DarwinVectors if sys.platform == "darwin" else _LinuxVectors


class Registers(ctypes.Structure):
    """The record that the handler keeps, and `begin` loads: all registers, and the signal."""

    x: ctypes.Array[ctypes.c_uint64]
    sp: int
    pc: int
    pstate: int
    signal: int
    code: int
    address: int

    _fields_ = (
        ("x", ctypes.c_uint64 * 31),
        ("sp", ctypes.c_uint64),
        ("pc", ctypes.c_uint64),
        ("pstate", ctypes.c_uint64),
        ("vectors", SavedVectors),
        ("signal", ctypes.c_uint64),
        ("code", ctypes.c_uint64),
        ("address", ctypes.c_uint64),
    )

    def load(self, state: CpuState) -> None:
        """Take the registers of a Cpu."""
        ctypes.memmove(self.x, state.x, 31 * 8)
        self.sp, self.pc = state.sp, state.pc
        self.pstate = state.n << 31 | state.z << 30 | state.c << 29 | state.v << 28
        vectors = self.vectors
        ctypes.memmove(vectors.v, state.v_registers, 512)
        vectors.fpcr, vectors.fpsr = state.fpcr, state.fpsr

    def store(self, state: CpuState) -> None:
        """Give the registers to a Cpu."""
        ctypes.memmove(state.x, self.x, 31 * 8)
        state.sp, state.pc = self.sp, self.pc
        flags = self.pstate >> 28
        state.n, state.z, state.c, state.v = flags >> 3 & 1, flags >> 2 & 1, flags >> 1 & 1, flags & 1
        vectors = self.vectors
        ctypes.memmove(state.v_registers, vectors.v, 512)
        state.fpcr, state.fpsr = vectors.fpcr, vectors.fpsr

    def named(self) -> Iterator[tuple[str, int]]:
        """Each register: its name and content."""
        for n in range(31):
            yield f"x{n}", int(self.x[n])
        yield "sp", int(self.sp)
        yield "pc", int(self.pc)
        yield "nzcv", int(self.pstate >> 28 & 15)
        vectors = bytes(self.vectors.v)
        for n in range(32):
            yield f"v{n}", int.from_bytes(vectors[16 * n : 16 * n + 16], "little")
        yield "fpcr", int(self.vectors.fpcr)
        yield "fpsr", int(self.vectors.fpsr)


class Left(ctypes.Structure):
    """What `enter` has in its frame of a guest that a signal has left: the function that was called, and the stack
    pointer of the guest's own stack, 0 if it runs on the thread's."""

    entry: int
    stack: int
    registers: Registers

    _fields_ = (("entry", ctypes.c_uint64), ("stack", ctypes.c_uint64), ("registers", Registers))


DONE = 1
"""In the place of a stack: Python has made the call."""


class Entered(ctypes.Structure):
    """The frame of `enter` before the guest runs: the thread's word, the registers of the call, and the function."""

    word: int
    x: ctypes.Array[ctypes.c_uint64]
    v: ctypes.Array[ctypes.c_uint8]
    entry: int
    stack: int

    _fields_ = (
        ("_", ctypes.c_uint64 * 21),
        ("word", ctypes.c_uint64),
        ("__", ctypes.c_uint64 * 2),
        ("x", ctypes.c_uint64 * 8),
        ("v", ctypes.c_uint8 * 128),
        ("entry", ctypes.c_uint64),
        ("stack", ctypes.c_uint64),
    )


class HostCall(CallFrame):
    """The frame that `call_host` makes: also where the call returns to (X30), and the address that was called."""

    _fields_ = (("link", ctypes.c_uint64), ("address", ctypes.c_uint64))  # type: ignore[assignment]
