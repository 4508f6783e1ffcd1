"""The relocations of the host's objects, for x86-64 and AArch64.

A symbol that another object defines may be farther away than a branch or a load reaches. So each has a slot with its
address behind the code, as in a global offset table, and, for branches, a stub that jumps through the slot, as in a
procedure linkage table. Where the symbol is in reach they aren't used.

Sources: System V ABI, AMD64 supplement, "Relocation" and "Optimize GOTPCRELX Relocations"; ELF for the Arm 64-bit
Architecture.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import partial
from typing import TypeAlias

from armexec.errors import HostError
from armexec.objects.relocations import BRANCHES, GOT_TYPES, OutOfRange, RelocationType, apply
from armexec.translate.codegen.host_object import HostObject, HostRelocation

__all__ = ["linked"]

_EM_X86_64, _EM_AARCH64 = 62, 183
_SLOT = 8


class _X86(IntEnum):
    """AMD64's numbers, without the prefix R_X86_64_."""

    ABS64 = 1
    PC32 = 2
    PLT32 = 4
    GOTPCREL = 9
    PC64 = 24
    GOTPCRELX = 41
    REX_GOTPCRELX = 42


_MOV_LOAD, _LEA = 0x8B, 0x8D
_CALL_MEMORY, _JUMP_MEMORY = b"\xff\x15", b"\xff\x25"
_ADDRESS_SIZE_CALL, _JUMP, _NOP = b"\x67\xe8", b"\xe9", b"\x90"

Stub: TypeAlias = Callable[[int, int], bytes]
"""The stub at an address that jumps to what the slot at another address holds."""


def _x86_stub(at: int, slot: int) -> bytes:
    return _JUMP_MEMORY + struct.pack("<i", slot - (at + 6)) + b"\xcc\xcc"


def _aarch64_stub(at: int, slot: int) -> bytes:
    # ldr x16, slot; br x16
    return struct.pack("<II", 0x58000010 | ((slot - at) >> 2 & 0x7FFFF) << 5, 0xD61F0200)


_STUB = 8
"""The size of a stub in bytes."""


class _Tables:
    """The slots and stubs of symbols that other objects define, at an offset behind an object's own sections."""

    def __init__(self, object: HostObject, branches: frozenset[int]) -> None:
        outside = [r for r in object.relocations if r.symbol.offset is None]
        slots = dict.fromkeys(r.symbol.name for r in outside)
        # A slot of an own symbol is used where an object can't know that it is its own.
        slots |= dict.fromkeys(r.symbol.name for r in object.relocations if r.type in _SLOTS[object.machine])
        stubs = dict.fromkeys(r.symbol.name for r in outside if r.type in branches)
        at = -(-object.size // 16) * 16
        self.slots = {name: at + _SLOT * i for i, name in enumerate(slots)}
        at += _SLOT * len(slots)
        self.stubs = {name: at + _STUB * i for i, name in enumerate(stubs)}
        self.end = at + _STUB * len(stubs)


def linked(object: HostObject, resolve: Callable[[str], int]) -> tuple[int, Callable[[int], bytes]]:
    """The size of an object's code in bytes, and what makes it for an address.

    `resolve` gives the addresses of the symbols that others define.

    Raises:
        HostError: the object is for another processor, or `resolve` raises it. What makes the code raises it for a
            relocation that isn't known or out of reach.
    """
    if object.machine not in _BRANCHES:
        raise HostError(f"translated code is for the processor {object.machine} in ELF's numbers, which isn't known")
    tables = _Tables(object, _BRANCHES[object.machine])
    outside = {r.symbol.name: resolve(r.symbol.name) for r in object.relocations if r.symbol.offset is None}
    return tables.end, partial(_code, object, tables, outside)


def _code(object: HostObject, tables: _Tables, outside: Mapping[str, int], base: int) -> bytes:
    code = bytearray(tables.end)
    for section in object.sections:
        code[section.offset : section.offset + len(section.data)] = section.data
    addresses = dict(outside)
    for relocation in object.relocations:
        name, offset = relocation.symbol
        if offset is not None and name in tables.slots:
            addresses[name] = base + offset
    for name, slot in tables.slots.items():
        struct.pack_into("<Q", code, slot, addresses[name])
    make_stub = _x86_stub if object.machine == _EM_X86_64 else _aarch64_stub
    for name, at in tables.stubs.items():
        code[at : at + _STUB] = make_stub(base + at, base + tables.slots[name])
    relocate = _relocate_x86 if object.machine == _EM_X86_64 else _relocate_aarch64
    for relocation in object.relocations:
        name, offset = relocation.symbol
        target = outside[name] if offset is None else base + offset
        try:
            relocate(code, base, relocation, target, tables)
        except (OutOfRange, struct.error) as error:
            raise HostError(f"translated code can't be linked: {name} at {target:#x}: {error}") from error
    return bytes(code)


def _in_reach(value: int) -> bool:
    return -(1 << 31) <= value < 1 << 31


def _relocate_x86(code: bytearray, base: int, relocation: HostRelocation, target: int, tables: _Tables) -> None:
    at, kind, symbol, addend = relocation
    place = base + at
    if kind == _X86.ABS64:
        struct.pack_into("<Q", code, at, target + addend & (1 << 64) - 1)
    elif kind == _X86.PC64:
        struct.pack_into("<q", code, at, target + addend - place)
    elif kind in (_X86.PC32, _X86.PLT32):
        value = target + addend - place
        if not _in_reach(value) and symbol.name in tables.stubs:
            value = base + tables.stubs[symbol.name] + addend - place
        struct.pack_into("<i", code, at, value)
    elif kind in (_X86.GOTPCREL, _X86.GOTPCRELX, _X86.REX_GOTPCRELX):
        value = target + addend - place
        if kind == _X86.GOTPCREL or not (_in_reach(value) and _in_reach(value + 1)) or not _relaxed(code, at, value):
            struct.pack_into("<i", code, at, base + tables.slots[symbol.name] + addend - place)
    else:
        raise OutOfRange(f"relocation type {kind} is not known")


def _relaxed(code: bytearray, at: int, value: int) -> bool:
    """Make an instruction that loads an address from its slot one that computes it, if there is such a one."""
    opcode = bytes(code[at - 2 : at])
    if opcode[0] == _MOV_LOAD:
        code[at - 2] = _LEA
        struct.pack_into("<i", code, at, value)
    elif opcode == _CALL_MEMORY:
        code[at - 2 : at] = _ADDRESS_SIZE_CALL
        struct.pack_into("<i", code, at, value)
    elif opcode == _JUMP_MEMORY:
        code[at - 2 : at + 4] = _JUMP + struct.pack("<i", value + 1) + _NOP
    else:
        return False
    return True


def _relocate_aarch64(code: bytearray, base: int, relocation: HostRelocation, target: int, tables: _Tables) -> None:
    at, kind, symbol, addend = relocation
    place = base + at
    if kind in GOT_TYPES:
        apply(code, at, kind, base + tables.slots[symbol.name] + addend, place, 0)
        return
    try:
        apply(code, at, kind, target + addend, place, 0)
    except OutOfRange:
        if symbol.name not in tables.stubs:
            raise
        apply(code, at, kind, base + tables.stubs[symbol.name] + addend, place, 0)


_BRANCHES = {
    _EM_X86_64: frozenset({int(_X86.PLT32)}),
    _EM_AARCH64: frozenset(map(int, {*BRANCHES, RelocationType.PLT32})),
}
"""The relocations of branches, which may go to a stub, by processor."""
_SLOTS = {
    _EM_X86_64: frozenset({int(_X86.GOTPCREL), int(_X86.GOTPCRELX), int(_X86.REX_GOTPCRELX)}),
    _EM_AARCH64: frozenset(map(int, GOT_TYPES)),
}
"""The relocations of slots."""
