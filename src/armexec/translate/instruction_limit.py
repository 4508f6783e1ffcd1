"""The last instructions before a limit: fewer than a block has, so they are interpreted.

This imports the whole instruction set, so it is imported when a limit has been reached.
"""

from __future__ import annotations

import ctypes

from armexec.callbacks import SystemCallHandler
from armexec.machines import system
from armexec.machines.interpreter.decoding import executable
from armexec.machines.interpreter.flags import Flags
from armexec.machines.interpreter.machine import ReferenceMachine
from armexec.machines.traps import Trap, TrapKind
from armexec.memory import HostMemory, SandboxMemory
from armexec.resource_limits.instruction_budget import instruction_limit
from armexec.translate.guest_state import GuestState

__all__ = ["run_rest"]


def run_rest(
    state: GuestState,
    pc: int,
    left: ctypes.c_uint64,
    system_call: SystemCallHandler | None,
    memory: SandboxMemory | None = None,
) -> Trap:
    """Execute `left` instructions from `pc` on, and count them there; the trap that ends them.

    `state`: what they read of the registers. What they do to registers isn't put back. `memory`: that of the
    sandbox that the code is in.
    """
    machine = _machine(state, pc, memory)
    machine.system_call = system_call
    while left.value:
        at = machine.pc
        machine.word = int.from_bytes(machine.memory.read(at, 4), "little")
        left.value -= 1
        try:
            semantics, fields = executable(machine.word, at)
            machine.next_pc = at + 4
            semantics(machine, *fields)
        except Trap as trap:
            return trap
        machine.pc = machine.next_pc
    return Trap(TrapKind.INSTRUCTION_LIMIT, machine.pc, instruction_limit() or 0)


def _machine(state: GuestState, pc: int, memory: SandboxMemory | None) -> ReferenceMachine:
    """The reference machine in a state, with this process's memory or that of a sandbox."""
    machine = ReferenceMachine(memory or HostMemory())
    machine.pc = pc
    machine.registers[:] = [*state.x, state.sp]
    vectors = bytes(state.v_registers)
    machine.vectors[:] = [int.from_bytes(vectors[at : at + 16], "little") for at in range(0, 512, 16)]
    machine.NZCV = Flags(state.n, state.z, state.c, state.v)
    machine.system_registers |= {
        system.FPCR: state.fpcr,
        system.FPSR: state.fpsr,
        system.TPIDR_EL0: state.tpidr_el0,
        system.DIT: state.dit,
        system.SSBS: state.ssbs,
    }
    if state.exclusive_bits:
        size = state.exclusive_bits // 8
        machine.monitor = state.exclusive_address, bytes(state.exclusive_value)[:size]
    return machine
