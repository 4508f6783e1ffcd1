"""Programs as translated code, in memory of this process at the same addresses."""

from __future__ import annotations

import ctypes
import mmap
import sys
import tempfile
from collections.abc import Sequence
from functools import cache

import pytest

import armexec
from armexec.translate.execute.single_step import GuestState, block_runner

from .state import CODE, CODE_SIZE, DATA, DATA_SIZE, Outcome, State

__all__ = ["map_memory", "run_all"]

_MAP_FIXED = 0x10
_MAP_FIXED_NOREPLACE = 0x10_0000
_RESERVED = 0x10_0000
_MODULE = 1000
"""Programs compiled at once."""


class _Memory:
    """Data memory, and code memory that the program can only read."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._mmap = libc.mmap
        self._mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_int64)
        self._mmap.restype = ctypes.c_void_p
        # Nothing else may come to lie beside the data: faults there are part of the tests.
        hold = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self._map(CODE, _RESERVED, 0, hold | (_MAP_FIXED_NOREPLACE if sys.platform == "linux" else 0), -1)
        with tempfile.TemporaryFile() as file:
            file.truncate(CODE_SIZE)
            self.code = mmap.mmap(file.fileno(), CODE_SIZE)
            self._map(CODE, CODE_SIZE, mmap.PROT_READ, mmap.MAP_SHARED | _MAP_FIXED, file.fileno())
        self._map(DATA, DATA_SIZE, mmap.PROT_READ | mmap.PROT_WRITE, hold | _MAP_FIXED, -1)
        # Whoever runs functions deals with the tags of addresses, also for single instructions.
        armexec.function("ret", "void()", engine="translated")()

    def _map(self, address: int, size: int, protection: int, flags: int, file: int) -> None:
        got = self._mmap(address, size, protection, flags, file, 0)
        if got != address:
            pytest.skip(f"this host doesn't map memory at 0x{address:x}")


@cache
def _memory() -> _Memory:
    return _Memory()


def map_memory() -> None:
    """Have data memory in this process; skips the test where that can't be."""
    _memory()


def run_all(states: Sequence[State], *, tier: str, strict: bool = True) -> list[Outcome]:
    """Execute each program until it leaves its code or traps. After a trap only what it is can be compared.

    Without `strict` FPCR must be zero, and FPSR isn't kept: it is given as it was.
    """
    memory = _memory()
    outcomes = []
    for start in range(0, len(states), _MODULE):
        some = states[start : start + _MODULE]
        programs = list(dict.fromkeys((state.pc, state.code) for state in some))
        runners = dict(zip(programs, block_runner(programs, tier=tier, strict=strict), strict=True))
        for state in some:
            run = runners[state.pc, state.code]
            guest = GuestState(pc=state.pc)
            guest.x[:] = state.registers[:31]
            guest.sp = state.registers[31]
            guest.nzcv = state.nzcv
            packed = b"".join(value.to_bytes(16, "little") for value in state.vectors)
            ctypes.memmove(guest.v_registers, packed, len(packed))
            guest.fpcr, guest.fpsr = state.fpcr, state.fpsr
            ctypes.memmove(DATA, bytes(state.memory()), DATA_SIZE)
            offset = state.pc - CODE
            code = b"".join(word.to_bytes(4, "little") for word in state.code)
            memory.code[offset : offset + len(code)] = code
            trap = run(guest)
            memory.code[offset : offset + len(code)] = bytes(len(code))
            data = ctypes.string_at(DATA, DATA_SIZE)
            if trap is not None:
                before = [*state.registers], state.nzcv, state.pc, data, trap.kind
                outcomes.append(Outcome(*before, [*state.vectors], state.fpcr, state.fpsr))
            else:
                packed = bytes(guest.v_registers)
                vectors = [int.from_bytes(packed[16 * n : 16 * n + 16], "little") for n in range(32)]
                after = [*guest.x, guest.sp], guest.nzcv, guest.pc, data, None
                outcomes.append(Outcome(*after, vectors, guest.fpcr, guest.fpsr))
            outcomes[-1].keeps_fpsr = strict
    return outcomes
