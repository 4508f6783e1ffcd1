"""Traps of translated code, on their way to an exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from armexec.machines.addresses import without_tag
from armexec.machines.traps import Trap, TrapKind
from armexec.memory import Overflow
from armexec.translate.execute.host_frames import GuestCalls, is_guest
from armexec.translate.execute.linked_unit import LinkedUnit
from armexec.translate.guest_state import GuestState

__all__ = ["Fault", "accessed_address", "place"]


class Fault(NamedTuple):
    """A trap of translated code. `where` gives it with its place, if that has to be found first.

    `entry`: the function that was called. `overflow`: it is one of a stack that has run out. `calls`: the calls that
    were going on. `error`: the exception that it is already.
    """

    trap: Trap
    entry: int
    where: Callable[[], Trap] | None = None
    overflow: Overflow | None = None
    calls: GuestCalls | None = None
    error: Exception | None = None


def accessed_address(state: GuestState) -> int:
    """The address that isn't canonical, where the host doesn't tell it; 0 if it can't be found."""
    from armexec.translate.execute import host_operand
    from armexec.translate.execute.top_byte_ignore import GREGS, code_at

    found = host_operand.accessed_address(code_at(state.host_pc), [state.host_registers[at] for at in GREGS])
    return without_tag(found or 0)


def place(
    trap: Trap, unit: LinkedUnit, host_pc: int, fetch: Callable[[int], int | None] | None, is_blind: bool
) -> Trap:
    """A trap of the instruction where that can be told, else of the function called.

    `is_blind`: the host hasn't told whether it was a read or a write.
    """
    pc = unit.guest_pc(host_pc)
    if pc is None:
        # At its begin the host's function takes what it needs of the stack, before the guest's first instruction.
        name = unit.host_function(host_pc) or ""
        return Trap(trap.kind, unit.base + int(name[1:], 16), trap.detail) if is_guest(name) else trap
    if fetch is not None:
        # Only now: it brings along the whole instruction set.
        from armexec.translate.execute.fault_place import accesses, fault_place

        if is_blind and accesses(pc, TrapKind.WRITE, fetch) and not accesses(pc, TrapKind.READ, fetch):
            reader = unit.reader(pc)
            if reader is not None:
                # What was read there is written here, by one instruction: else it had faulted before.
                return Trap(TrapKind.READ, reader, trap.detail)
            trap = Trap(TrapKind.WRITE, pc, trap.detail)
        pc = fault_place(pc, trap.kind, fetch, unit.source)
    return Trap(trap.kind, pc, trap.detail, "", unit.reader(pc))
