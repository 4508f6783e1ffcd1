"""The guest's registers in memory, as translated code and Python both see them."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from armexec.cpu.registers import COUNTER_FIELD, STATE_FIELDS, StateField

__all__ = ["HOST_STACK_SIZE", "IDLE", "OFFSETS", "GuestState"]

IDLE = 1
"""The word of a thread that has run guest code and runs none now; else it is the address of its `GuestState`."""

HOST_STACK_SIZE = 1 << 14
"""Bytes of the host's stack that are kept when the guest is left."""

_TYPES: Mapping[int, Any] = {1: ctypes.c_uint8, 8: ctypes.c_uint64}


def _array(field: StateField) -> Any:
    element = _TYPES[field.size]
    return element * field.length if field.length > 1 else element


class GuestState(ctypes.Structure):
    """One guest thread's registers, its exclusive monitor, and what translated code reports about a trap.

    `n`, `z`, `c`, `v` are one byte each, 0 or 1; `v_registers` is V0-V31, 16 bytes each.
    """

    _fields_ = (
        *((field.name, _array(field)) for field in STATE_FIELDS),
        (COUNTER_FIELD.name, ctypes.c_uint64),
        # Not 0: the rest of the call from Python runs in strict code.
        ("strict", ctypes.c_uint64),
        ("exclusive_address", ctypes.c_uint64),
        ("exclusive_bits", ctypes.c_uint64),
        ("exclusive_value", ctypes.c_uint8 * 16),
        ("trap_kind", ctypes.c_uint64),
        ("trap_pc", ctypes.c_uint64),
        ("trap_detail", ctypes.c_uint64),
        ("stack_top", ctypes.c_uint64),
        ("slot", ctypes.c_uint64),
        ("entry", ctypes.c_uint64),
        ("previous", ctypes.c_uint64),
        ("thread", ctypes.c_uint64),
        # Python's state of the thread, which had the GIL when the call began.
        ("python_thread", ctypes.c_uint64),
        # Not 0: calls within this one ask Python for their limits.
        ("limited", ctypes.c_uint64),
        # Of a call whose instructions are counted: where to put how many are left, while Python runs and afterwards.
        ("limit_cell", ctypes.c_uint64),
        ("host_pc", ctypes.c_uint64),
        ("host_sp", ctypes.c_uint64),
        # Of a signal: its si_code.
        ("host_code", ctypes.c_uint64),
        # Where the guest is left: the host's registers, as `gregset_t` of x86-64 has them, or X0 to X30, SP and PC;
        # whether they are all there, else only those that calls don't change.
        ("host_registers", ctypes.c_uint64 * 33),
        ("host_all", ctypes.c_uint64),
        # Not 0: the guest has gone on by the dispatcher, without the host's calls that its own had been.
        ("astray", ctypes.c_uint64),
        # Where the host's stack was when the guest was entered, and what has been kept of the stack below.
        ("host_top", ctypes.c_uint64),
        ("host_stack_begin", ctypes.c_uint64),
        ("host_stack_size", ctypes.c_uint64),
        # Of an instruction that is executed by itself (`top_byte_ignore`): where ucontext_t has the register that it
        # borrows, 0 without one; what is to be there afterwards; and how far it is from its copy.
        ("step_place", ctypes.c_uint64),
        ("step_old", ctypes.c_uint64),
        ("step_distance", ctypes.c_uint64),
        # The floating-point control register of the process, while the guest runs with its own.
        ("environment", ctypes.c_uint64),
        # Larger than any jmp_buf: 200 bytes on x86-64 Linux, 312 on AArch64 Linux, 192 on Apple silicon.
        ("jump_buffer", ctypes.c_uint64 * 64),
        ("host_stack", ctypes.c_uint8 * HOST_STACK_SIZE),
    )

    @property
    def nzcv(self) -> int:
        """N, Z, C and V as four bits, N highest."""
        return int(self.n << 3 | self.z << 2 | self.c << 1 | self.v)

    @nzcv.setter
    def nzcv(self, value: int) -> None:
        self.n, self.z, self.c, self.v = value >> 3 & 1, value >> 2 & 1, value >> 1 & 1, value & 1


OFFSETS: Mapping[str, int] = MappingProxyType(
    {name: getattr(GuestState, name).offset for name, *_ in GuestState._fields_}
)
"""Where each field of `GuestState` is, in bytes."""
