"""Programs on armexec's reference machine."""

from __future__ import annotations

from armexec.engines.reference import step
from armexec.machines.interpreter.flags import Flags
from armexec.machines.interpreter.machine import ReferenceMachine
from armexec.machines.system import FPCR, FPSR
from armexec.machines.traps import Trap, TrapKind
from armexec.memory import AccessError

from .state import CODE, CODE_SIZE, DATA, DATA_SIZE, Outcome, State

__all__ = ["DataMemory", "outcome_of", "run", "set_registers"]


class DataMemory:
    """Code that can be read, and data that can be written too."""

    def __init__(self, state: State) -> None:
        self.data = state.memory()
        self.code = b"".join(word.to_bytes(4, "little") for word in state.code)
        self.code_start = state.pc

    def read(self, address: int, size: int) -> bytes:
        start = address - DATA
        if 0 <= start <= DATA_SIZE - size:
            return bytes(self.data[start : start + size])
        if CODE <= address <= CODE + CODE_SIZE - size:
            start = address - self.code_start
            code = self.code
            return bytes(code[i] if 0 <= i < len(code) else 0 for i in range(start, start + size))
        raise AccessError(DATA + DATA_SIZE if 0 <= start < DATA_SIZE else address, "read")

    def write(self, address: int, data: bytes) -> None:
        start = address - DATA
        if not 0 <= start <= DATA_SIZE - len(data):
            raise AccessError(DATA + DATA_SIZE if 0 <= start < DATA_SIZE else address, "write")
        self.data[start : start + len(data)] = data


def set_registers(machine: ReferenceMachine, state: State) -> None:
    """Put a machine into a state, its memory aside."""
    machine.registers[:] = state.registers
    machine.vectors[:] = state.vectors
    machine.system_registers[FPCR] = state.fpcr
    machine.system_registers[FPSR] = state.fpsr
    flags = state.nzcv
    machine.NZCV = Flags(flags >> 3 & 1, flags >> 2 & 1, flags >> 1 & 1, flags & 1)
    machine.pc = state.pc


def run(state: State) -> Outcome:
    """Execute the program until it leaves its code or traps."""
    memory = DataMemory(state)
    machine = ReferenceMachine(memory)
    set_registers(machine, state)
    end = state.pc + 4 * len(state.code)
    trap = None
    try:
        while True:
            step(machine)
            if len(state.code) == 1 or not state.pc <= machine.pc < end:
                break
    except Trap as stopped:
        trap = stopped.kind
    return outcome_of(machine, bytes(memory.data), trap)


def outcome_of(machine: ReferenceMachine, data: bytes, trap: TrapKind | None = None) -> Outcome:
    """What is left: the machine's state and the contents of data memory."""
    return Outcome(
        list(machine.registers),
        machine.NZCV.value,
        machine.pc,
        data,
        trap,
        list(machine.vectors),
        machine.system_registers[FPCR],
        machine.system_registers[FPSR],
    )
