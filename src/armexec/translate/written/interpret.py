"""The interpreter for code that the guest has written, on the registers that translated code has."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

from armexec.callbacks import SystemCallHandler
from armexec.machines.interpreter.decoding import executable
from armexec.machines.interpreter.state_machine import StateMachine
from armexec.memory import EXECUTABLE_RANGES, AccessError, HostMemory
from armexec.translate.guest_state import GuestState

__all__ = ["Interpreted", "interpret"]

_AT_MOST = 10
"""Code without loops is interpreted for so many times as many instructions."""
_LINK = 30
"""The register that has where a call returns to."""

_memory = HostMemory()


class Interpreted(NamedTuple):
    """How interpretation has ended, see `ENDS`, and after how many instructions. `hot`: the code at the pc is to be
    translated.
    """

    how: str
    instructions: int
    hot: bool = False


class _Atomic(Exception):
    """An instruction that is to be atomic for all threads, before it has done anything."""


class _Machine(StateMachine):
    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise _Atomic

    load_exclusive = store_exclusive = atomic = compare_and_swap = _refuse


def interpret(state: GuestState, link: int, worth: int, system_call: SystemCallHandler | None) -> Interpreted:
    """Interpret from the state's pc on. After `worth` instructions, loops are to be translated.

    Raises:
        Trap: an instruction didn't complete.
    """
    machine = _Machine(state, _memory)
    machine.system_call = system_call
    pc = machine.pc
    count = 0
    while pc & 3 == 0 and EXECUTABLE_RANGES.at(pc) is not None:
        count += 1
        try:
            word = machine.word = int.from_bytes(_memory.read(pc, 4), "little")
        except AccessError:
            break
        semantics, fields = executable(word, pc)
        machine.next_pc = pc + 4
        try:
            semantics(machine, *fields)
        except _Atomic:
            return Interpreted("ELSEWHERE", count, hot=True)
        before, pc = pc, machine.next_pc
        machine.pc = pc
        if pc == before + 4:
            continue
        if pc == link:
            return Interpreted("RETURNED", count)
        if machine.registers[_LINK] == before + 4 and EXECUTABLE_RANGES.at(pc) is None:
            return Interpreted("CALLED", count)
        if (count > worth and pc <= before) or count > _AT_MOST * max(worth, 1):
            return Interpreted("ELSEWHERE", count, hot=True)
    return Interpreted("ELSEWHERE", count)
