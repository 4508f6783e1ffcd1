"""What the state has of the host's registers and stack, copied before the state is another call's."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Mapping
from typing import NamedTuple

from armexec.translate.codegen.llvm import host_machine
from armexec.translate.guest_state import OFFSETS, GuestState

__all__ = ["Kept", "keep", "link_register", "preserved", "preserved_by_guest", "read_kept", "stack_pointer"]

_X86_64 = host_machine() in ("x86_64", "AMD64")
# By DWARF's numbers (System V ABI for AMD64, figure 3.36; DWARF for the Arm 64-bit Architecture), where the state has
# them.
_PLACES: Mapping[int, int] = (
    {0: 13, 1: 12, 2: 14, 3: 11, 4: 9, 5: 8, 6: 10, 7: 15, **{n: n - 8 for n in range(8, 16)}, 16: 16}
    if _X86_64
    else {n: n for n in range(33)}
)
stack_pointer = 7 if _X86_64 else 31
"""The number of the stack pointer."""
link_register = 16 if _X86_64 else 30
"""The number of the register with the address to return to."""
_PC = 16 if _X86_64 else 32
preserved = (3, 6, 12, 13, 14, 15) if _X86_64 else tuple(range(19, 30))
"""Those that calls don't change."""
preserved_by_guest = (3, 6) if _X86_64 else preserved
"""Those that calls of the register convention don't change: of x86-64's, which is LLVM's x86_regcallcc, others may be
arguments and results."""
_AT_TRAPS = (*preserved, 0, 8, 9, 10, 11) if _X86_64 else (29,)
"""Those that `@trap` keeps (support/host_frame)."""

_GENERAL = 32 * 8
"""Bytes of X0 to X30 and SP at the begin of the state."""


class Kept(NamedTuple):
    """The host's registers, by DWARF's numbers, and its stack from `begin` on, where the guest was left at `pc`.

    `is_call`: it was left by a call, and `pc` is where that returns to. `guest_top`: where the guest's stack pointer
    was at first, but for arguments that are passed on the stack. `general`: X0 to X30 and SP in the state.
    `is_astray`: there may be calls of the guest that aren't calls of the host any more.
    """

    pc: int
    registers: Mapping[int, int]
    begin: int
    stack: bytes
    is_call: bool
    guest_top: int
    general: bytes
    is_astray: bool

    def word(self, address: int) -> int | None:
        """The 64-bit word at an address of the stack, None where it hasn't been kept."""
        at = address - self.begin
        if at < 0 or at + 8 > len(self.stack):
            return None
        (value,) = struct.unpack_from("<Q", self.stack, at)
        return int(value)


def keep(address: int) -> bytes:
    """The bytes of a state at an address that have what is kept of the host, with as much of the stack as there is."""
    return ctypes.string_at(address, _STACK + ctypes.c_uint64.from_address(address + _STACK_SIZE).value)


def read_kept(data: bytes) -> Kept:
    """What `keep` has copied."""
    state = GuestState.from_buffer_copy(data.ljust(ctypes.sizeof(GuestState), b"\0"))
    found = state.host_registers
    is_all = bool(state.host_all)
    numbers = _PLACES if is_all else (*_AT_TRAPS, stack_pointer)
    return Kept(
        int(found[_PLACES[_PC]]),
        {n: int(found[_PLACES[n]]) for n in numbers},
        int(state.host_stack_begin),
        data[_STACK:],
        not is_all,
        int(state.stack_top),
        data[:_GENERAL],
        bool(state.astray),
    )


_STACK, _STACK_SIZE = OFFSETS["host_stack"], OFFSETS["host_stack_size"]
