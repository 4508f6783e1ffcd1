"""What instructions have changed, as data and as text."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from armexec.cpu.registers import REGISTERS, Kind
from armexec.cpu.state import CpuState
from armexec.cpu.stop import Stop
from armexec.debugger.places import Place
from armexec.disasm import Instruction

__all__ = ["MemoryChange", "RegisterChange", "Step", "register_changes"]

_SCALARS = {16: ("h", "<e"), 32: ("s", "<f"), 64: ("d", "<d")}
_NEAR = 1 << 14
"""Bytes above the stack pointer that are shown by their distance from it."""


@dataclass(frozen=True)
class RegisterChange:
    """A register that has another value: `old` and `new` are its bits. `name` is the view that was written, such as
    "w0" or "d1"; "nzcv" are the flags as four bits, N highest."""

    name: str
    old: int
    new: int

    def __str__(self) -> str:
        if self.name == "nzcv":
            return f"nzcv: {_flags(self.new)}"
        return f"{self.name}: {_shown(self.name, self.old)} → {_shown(self.name, self.new)}"


@dataclass(frozen=True)
class MemoryChange:
    """Bytes that were written; they may be what they were. `place` names the address for people."""

    address: int
    old: bytes
    new: bytes
    place: str = ""

    def __str__(self) -> str:
        size = len(self.new)
        if size <= 8:
            value = int.from_bytes(self.new, "little")
            shown = f"{value}" if value < 1 << 16 else f"0x{value:x}"
        else:
            shown = self.new[:32].hex(" ", 4) + (f" ... ({size} bytes)" if size > 32 else "")
        return f"[{self.place or f'0x{self.address:x}'}] ← {shown}"


@dataclass(frozen=True)
class Step:
    """Instructions that were executed: from `begin` to `end`, times before the first and after the last.

    `place` and `instruction` are the first's. `registers` and `memory` have what is different after the last. `stop`
    says why it wasn't as many as were asked for, None if it was.
    """

    begin: int
    end: int
    place: Place
    instruction: Instruction | None
    registers: tuple[RegisterChange, ...]
    memory: tuple[MemoryChange, ...]
    stop: Stop | None = None

    @property
    def text(self) -> str:
        """The instruction's text; empty where there is none."""
        return self.instruction.text if self.instruction is not None else ""

    @property
    def changes(self) -> str:
        """What was changed, in a line."""
        return ", ".join(map(str, (*self.registers, *self.memory)))

    def __str__(self) -> str:
        changed = self.changes
        return f"{self.text:<36} {changed}".rstrip() + (f"\n{self.stop}" if self.stop is not None else "")


def register_changes(
    before: bytes, after: bytes, written: Sequence[tuple[tuple[str, int], int]]
) -> tuple[RegisterChange, ...]:
    """The registers that differ in two states of a Cpu, but for the pc.

    `written`: the registers that an instruction writes, with the bits (`isa.effects.Effects.writes`), which say what
    view of a register is named.
    """
    bits = {f"{kind}{n}" if kind in "xv" else kind: size for (kind, n), size in written}
    changes = []
    flags = False
    for register in REGISTERS.values():
        begin, end = register.offset, register.offset + register.size
        if before[begin:end] == after[begin:end] or register.kind is Kind.PROGRAM_COUNTER:
            continue
        if register.kind is Kind.FLAG:
            flags = True
            continue
        if register.kind is Kind.COUNTER:
            continue
        old, new = (int.from_bytes(state[begin:end], "little") for state in (before, after))
        name, size = register.name, bits.get(register.name, register.bits)
        if register.kind is Kind.GENERAL and size <= 32:
            name, size = f"w{register.n}", 32
        elif register.kind is Kind.VECTOR and size in _SCALARS and new >> size == 0:
            name = f"{_SCALARS[size][0]}{register.n}"
        else:
            size = register.bits
        mask = (1 << size) - 1
        changes.append(RegisterChange(name, old & mask, new & mask))
    if flags:
        changes.append(RegisterChange("nzcv", _nzcv(before), _nzcv(after)))
    return tuple(changes)


def _nzcv(state: bytes) -> int:
    return sum(state[getattr(CpuState, flag).offset] << 3 - n for n, flag in enumerate("nzcv"))


def _flags(value: int) -> str:
    return "".join(name if value >> 3 - n & 1 else "" for n, name in enumerate("NZCV")) or "-"


def _shown(name: str, value: int) -> str:
    if name[0] in "hsd" and name[1:].isdigit():
        size, form = next((size, form) for size, (letter, form) in _SCALARS.items() if letter == name[0])
        (number,) = struct.unpack(form, value.to_bytes(size // 8, "little"))
        return f"{number!r}"
    if name[0] == "w" and value >> 31:
        return f"{value - (1 << 32)}" if value >= (1 << 32) - (1 << 16) else f"0x{value:x}"
    if name[0] == "x" and value >= (1 << 64) - (1 << 16):
        return f"{value - (1 << 64)}"
    return f"{value}" if value < 1 << 16 else f"0x{value:x}"


def near_stack(address: int, sp: int) -> str:
    """An address by its distance from the stack pointer, empty if it isn't near."""
    distance = address - sp
    if not 0 <= distance < _NEAR:
        return ""
    return f"sp+{distance}" if distance else "sp"
