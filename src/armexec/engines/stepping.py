"""Single instructions on the registers of a Cpu: the part that all engines share.

Where translated code can't go on, because of a fault, a hook or a limit, the instruction is executed here. So what an
instruction does at a stop is decided in one place.
"""

from __future__ import annotations

import ctypes
import time
from dataclasses import replace
from typing import Any

from armexec.cpu.cpu import Cpu, Limits
from armexec.cpu.state import CpuState
from armexec.cpu.stop import Stop, StopReason
from armexec.engines.running import Guest
from armexec.isa.extensions import needed_by_word
from armexec.machines.addresses import CACHE_LINE
from armexec.machines.interpreter.decoding import executable
from armexec.machines.interpreter.state_machine import StateMachine
from armexec.machines.interpreter.values import Bits
from armexec.machines.traps import Trap, TrapKind
from armexec.resource_limits.deadlines import deadline
from armexec.resource_limits.instruction_budget import instructions_left

__all__ = ["Run", "Stepper"]

_ACCESS = {
    TrapKind.ALIGNMENT: "align",
    TrapKind.READ: "read",
    TrapKind.WRITE: "write",
    TrapKind.EXECUTE: "execute",
}


class _Memory:
    """Loads and stores of a guest. It notes those that hooks are to be told of, and what was there before."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.accesses: list[tuple[str, int, bytes]] = []
        self._before: list[tuple[int, bytes]] = []

    def start(self) -> None:
        """An instruction begins."""
        self.accesses = []
        self._before = []

    def undo(self) -> None:
        """Put back what the instruction has overwritten."""
        while self._before:
            self.guest.write_as_guest(*self._before.pop())

    def read(self, address: int, size: int) -> bytes:
        data = self.guest.read_as_guest(address, size)
        if self.guest.hooked("read", address, address + size):
            self.accesses.append(("read", address, data))
        return data

    def write(self, address: int, data: bytes) -> None:
        self._before.append((address, self.guest.overwritten(address, len(data))))
        self.guest.write_as_guest(address, data)
        if self.guest.hooked("write", address, address + len(data)):
            self.accesses.append(("write", address, data))


class _GuestMachine(StateMachine):
    """The reference machine on the registers of a Cpu."""

    def __init__(self, state: CpuState, memory: _Memory) -> None:
        super().__init__(state, memory)
        self.guest = memory.guest

    def invalidate_instruction_cache(self, address: Bits) -> None:
        line = address.value & -CACHE_LINE
        self.guest.invalidate(line, line + CACHE_LINE)


class Run:
    """A run that is going on: its limits and those of the thread, and how much of them is left.

    `once_more`: what is executed now was executed before. It isn't counted again: it has no limits of the thread.
    """

    def __init__(self, cpu: Cpu, limits: Limits, *, once_more: bool = False) -> None:
        self.cpu = cpu
        self.until = limits.until
        self.once_more = once_more
        self._own = limits.instructions
        self._thread = instructions_left()
        self.executed = 0
        self._end = None if limits.time is None else time.monotonic() + limits.time
        self._thread_end = deadline()

    @property
    def end(self) -> float | None:
        """When its time is over."""
        ends = (self._end, None if self.once_more else self._thread_end)
        return min((end for end in ends if end is not None), default=None)

    @property
    def left(self) -> int | None:
        """How many instructions may still be executed; None: as many as there are."""
        thread = None if self._thread is None or self.once_more else self._thread.value
        return min((left for left in (self._own, thread) if left is not None), default=None)

    def count(self, instructions: int) -> None:
        """So many instructions have been executed."""
        self.executed += instructions
        if self._own is not None:
            self._own -= instructions
        if self._thread is not None and not self.once_more:
            self._thread.value -= instructions

    def stop(self, reason: StopReason, **fields: Any) -> Stop:
        pc = self.cpu.pc
        return Stop(reason, pc, **{"address": pc, **fields}, instructions=self.executed)

    def rest(self) -> Limits:
        """What is left of the limits, for another run."""
        time_left = None if self.end is None else max(self.end - time.monotonic(), 0)
        return Limits(self.until, self.left, time_left)

    def told(self, stop: Stop, *, is_counted: bool) -> Stop:
        """A stop of this run or of a part of it, with the instructions of all, if they are counted."""
        return replace(stop, instructions=self.executed if is_counted else None)

    def over(self) -> Stop | None:
        """The stop that is due before the next instruction, if one is."""
        if self.until == self.cpu.pc and self.until is not None:
            return self.stop(StopReason.UNTIL)
        if self.cpu.take_interrupt():
            return self.stop(StopReason.INTERRUPTED)
        if self.left == 0:
            return self.stop(StopReason.INSTRUCTION_LIMIT)
        end = self.end
        if end is not None and time.monotonic() >= end:
            return self.stop(StopReason.TIME_LIMIT)
        return None


class Stepper:
    """Executes instructions of a run, one at a time."""

    def __init__(self, run: Run, guest: Guest) -> None:
        self.run = run
        self.cpu = run.cpu
        self.state = run.cpu.state
        self.guest = guest
        self._memory = _Memory(guest)
        self._machine = _GuestMachine(self.state, self._memory)
        self._size = ctypes.sizeof(CpuState)
        self._before = ctypes.create_string_buffer(self._size)
        self._address = ctypes.addressof(self.state)

    def step(self) -> Stop | None:
        """Execute the instruction at the pc, and call hooks; the stop that comes of it, if one does.

        The registers are as before where the instruction isn't complete, also where this raises what a hook raised.
        """
        pc = int(self.state.pc)
        if self.guest.hooked("code", pc, pc + 1):
            self.guest.call_hooks("code", self.cpu, pc, pc)
            if self.state.pc != pc:
                return self.run.over()
            if self.cpu.take_interrupt():
                return self.run.stop(StopReason.INTERRUPTED)
        ctypes.memmove(self._before, self._address, self._size)
        self._memory.start()
        try:
            self._execute(pc)
        except Trap as trap:
            ctypes.memmove(self._address, self._before, self._size)
            return self._trapped(trap)
        except BaseException:
            # Ctrl-C, or what another handler of a signal raises: as if the instruction hadn't begun.
            self._memory.undo()
            ctypes.memmove(self._address, self._before, self._size)
            raise
        self.run.count(1)
        for kind, address, data in self._memory.accesses:
            self.guest.call_access_hooks(kind, self.cpu, pc, address, data)
        return None

    def _execute(self, pc: int) -> None:
        machine = self._machine
        word = self.guest.fetch(pc)
        if word is None:
            raise Trap(TrapKind.EXECUTE, pc, pc)
        semantics, fields = executable(word, pc)
        machine.word = word
        machine.next_pc = pc + 4
        semantics(machine, *fields)
        self.state.pc = machine.next_pc

    def _trapped(self, trap: Trap) -> Stop | None:
        """The stop for a trap, or None where hooks have dealt with it."""
        kind, pc, detail = trap.kind, trap.pc, trap.detail
        run = self.run
        if kind is TrapKind.BREAKPOINT and self.guest.is_host_function(pc):
            return self._call_host(pc)
        if kind in (TrapKind.SUPERVISOR_CALL, TrapKind.BREAKPOINT):
            is_call = kind is TrapKind.SUPERVISOR_CALL
            hook = "svc" if is_call else "brk"
            is_hooked = self.guest.hooked(hook, pc, pc + 1)
            if is_call or is_hooked:
                self.state.pc = pc + 4
                run.count(1)
            if is_hooked:
                self.guest.call_hooks(hook, self.cpu, pc, detail)
                return None
            reason = StopReason.SYSTEM_CALL if is_call else StopReason.BREAKPOINT
            return run.stop(reason, address=pc, immediate=detail)
        access = _ACCESS.get(kind)
        if access is not None:
            return run.stop(StopReason.FAULT, address=detail, access=access, detail=trap.why)
        return run.stop(StopReason.UNDEFINED, detail=_why(trap))

    def _call_host(self, pc: int) -> Stop | None:
        """Call the host function at an address; the stop where it has none. It counts as one instruction."""
        if self.guest.call_host_function(self.cpu, pc):
            self.run.count(1)
            return None
        return self.run.stop(StopReason.HOST_CALL)


def _why(trap: Trap) -> str:
    if trap.kind is not TrapKind.UNSUPPORTED:
        return trap.why
    mnemonic, extension = needed_by_word(trap.detail) or (trap.why, "an extension")
    return f"{mnemonic} needs {extension}, which armexec doesn't have"
