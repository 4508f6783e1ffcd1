"""Accesses by addresses with a tag, on hosts that don't ignore it.

A64 ignores the highest byte of an address of data; on x86-64 such an address isn't canonical, and a fault. Nothing is
done about that in translated code, since hardly any has tags. At the fault, a copy of the host's instruction is
executed by itself, elsewhere. Its address is in a register that it doesn't use otherwise: the one with the tag may be
another operand of it, too.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache

from armexec.machines.addresses import without_tag
from armexec.memory import AccessError, HostMemory, code_arena
from armexec.translate.execute.fault_handler import FLAGS_AT, REGISTERS_AT, TRAP_FLAG, take_steps
from armexec.translate.execute.host_operand import (
    MAX_LENGTH,
    is_canonical,
    memory_operand,
    string_registers,
    with_base,
)
from armexec.translate.guest_state import GuestState

__all__ = ["GREGS", "code_at", "untag"]

GREGS = (13, 14, 12, 11, 15, 10, 9, 8, 0, 1, 2, 3, 4, 5, 6, 7)
"""Where Linux's gregset_t has RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI and R8 to R15."""
_PC = 16
_PAGE = 4096
"""The smallest page of x86-64."""


def code_at(address: int) -> bytes:
    """The bytes of an instruction of the host, and some more."""
    size = min(MAX_LENGTH, _PAGE - address % _PAGE)
    code = ctypes.string_at(address, size)
    if size < MAX_LENGTH:
        # The next page may not be there.
        with suppress(AccessError):
            code += HostMemory().read(address + size, MAX_LENGTH - size)
    return code


def untag(state_address: int, context: int) -> bool:
    """Have the instruction that has faulted executed without the tag; False if its address has none.

    `context` is the address of the handler's ucontext_t, which is changed.
    """
    registers = (ctypes.c_uint64 * 17).from_address(context + REGISTERS_AT)
    values = [registers[at] for at in GREGS]
    code = code_at(registers[_PC])
    operand = memory_operand(code)
    if operand is None:
        # It moves its registers on by itself.
        tagged = [n for n in string_registers(code) if _is_tagged(values[n])]
        for n in tagged:
            registers[GREGS[n]] = without_tag(values[n])
        return bool(tagged)
    address = operand.address(values)
    if not _is_tagged(address):
        return False
    take_steps()
    copy, base = with_base(code, operand)
    place = _place(copy)
    state = GuestState.from_address(state_address)
    state.step_place = REGISTERS_AT + 8 * GREGS[base]
    state.step_old = values[base]
    state.step_distance = registers[_PC] - place
    registers[GREGS[base]] = without_tag(address) - operand.displacement
    registers[_PC] = place
    flags = ctypes.c_uint64.from_address(context + FLAGS_AT)
    flags.value |= TRAP_FLAG
    return True


@cache
def _place(code: bytes) -> int:
    """Where an instruction is executed by itself. It stays there."""
    return code_arena().place(len(code), lambda address: code).address


def _is_tagged(address: int) -> bool:
    return not is_canonical(address) and is_canonical(without_tag(address))
