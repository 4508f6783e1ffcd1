"""The reference machine on registers in memory, which translated code works on too."""

from __future__ import annotations

import ctypes
from typing import Any

from armexec.machines import system
from armexec.machines.interpreter.flags import Flags
from armexec.machines.interpreter.machine import Memory, ReferenceMachine
from armexec.machines.interpreter.registers import ScalarRegisters, VectorRegisters, XRegisters

__all__ = ["StateMachine"]

_SYSTEM = {
    system.FPCR: "fpcr",
    system.FPSR: "fpsr",
    system.TPIDR_EL0: "tpidr_el0",
    system.DIT: "dit",
    system.SSBS: "ssbs",
}


class _VectorFile:
    """The V registers of a state, as ints."""

    __slots__ = ("_bytes",)

    def __init__(self, state: Any) -> None:
        self._bytes = memoryview(state.v_registers).cast("B")

    def __getitem__(self, n: int) -> int:
        return int.from_bytes(self._bytes[16 * n : 16 * n + 16], "little")

    def __setitem__(self, n: int, value: int) -> None:
        self._bytes[16 * n : 16 * n + 16] = value.to_bytes(16, "little")


class _SystemFile:
    """The system registers of a state."""

    __slots__ = ("_state",)

    def __init__(self, state: Any) -> None:
        self._state = state

    def __getitem__(self, register: int) -> int:
        return int(getattr(self._state, _SYSTEM[register]))

    def __setitem__(self, register: int, value: int) -> None:
        setattr(self._state, _SYSTEM[register], value)


class StateMachine(ReferenceMachine):
    """The reference machine on a structure that has `cpu.registers.STATE_FIELDS` and the exclusive monitor."""

    def __init__(self, state: Any, memory: Memory) -> None:
        # Not those of the class above, which has registers of its own.
        self.state = state
        self.memory = memory
        general: Any = (ctypes.c_uint64 * 32).from_buffer(state, type(state).x.offset)
        vectors: Any = _VectorFile(state)
        system_registers: Any = _SystemFile(state)
        self.registers = general
        self.vectors = vectors
        self.system_registers = system_registers
        self.X = XRegisters(general)
        self.XSP = ScalarRegisters(general)
        self.V = ScalarRegisters(vectors)
        self.Vec = VectorRegisters(vectors)
        self.next_pc = 0
        self.word = 0
        self.system_call = None

    @property
    def pc(self) -> int:
        return int(self.state.pc)

    @pc.setter
    def pc(self, address: int) -> None:
        self.state.pc = address

    @property
    def NZCV(self) -> Flags:
        state = self.state
        return Flags(state.n, state.z, state.c, state.v)

    @NZCV.setter
    def NZCV(self, flags: Flags) -> None:
        state = self.state
        state.n, state.z, state.c, state.v = flags.N.value, flags.Z.value, flags.C.value, flags.V.value

    @property
    def monitor(self) -> tuple[int, bytes] | None:
        state = self.state
        size = state.exclusive_bits // 8
        return (state.exclusive_address, bytes(state.exclusive_value)[:size]) if size else None

    @monitor.setter
    def monitor(self, watched: tuple[int, bytes] | None) -> None:
        state = self.state
        state.exclusive_bits = 0
        if watched is not None:
            address, data = watched
            state.exclusive_address, state.exclusive_bits = address, 8 * len(data)
            state.exclusive_value[: len(data)] = data
