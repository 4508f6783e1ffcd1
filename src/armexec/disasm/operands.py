"""The operands of an instruction as data, with what the instruction does with them.

The registers that an instruction reads and writes come from running its meaning (`isa.effects`). It is run with numbers
of registers of which no two are the same, so each belongs to one operand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from armexec.isa.description import Form
from armexec.isa.effects import Effects
from armexec.isa.operands import GeneralRegister, Label, Piece
from armexec.isa.operands import Operand as Described
from armexec.isa.operands.simd import VectorRegister
from armexec.isa.operands.system import SystemRegisterName
from armexec.isa.syntax import Register
from armexec.isa.template import decoded

__all__ = ["Memory", "Operand", "OperandKind", "RegisterAccess", "Shift", "groups", "operands", "register_name"]

OperandKind: TypeAlias = Literal[
    "register", "immediate", "float", "memory", "address", "condition", "system register", "option"
]
RegisterAccess: TypeAlias = Literal["", "r", "w", "rw"]


@dataclass(frozen=True)
class Shift:
    """A shift or extend of a register or an immediate: `kind` is "lsl", "lsr", "asr", "ror", "msl", "uxtw" ..."""

    kind: str
    amount: int


@dataclass(frozen=True)
class Memory:
    """An address: `base` plus `displacement` bytes, or plus `index`, which may be shifted or extended.

    `writeback`: "pre" where the sum is written to the base before the access, "post" where the base is accessed, and
    the displacement or index added afterwards.
    """

    base: str
    index: str = ""
    shift: Shift | None = None
    displacement: int = 0
    writeback: Literal["", "pre", "post"] = ""


@dataclass(frozen=True)
class Operand:
    """An operand as it is written.

    `kind` says which of the others count:

    - "register": `register` is its name without arrangement ("x0", "wsp", "v3"), `arrangement` that of a vector ("4s"),
      `element` the number of an element, `shift` a shift or extend. The registers of a list are operands each.
    - "immediate" and "float": `value`; an immediate may have a `shift`.
    - "memory": `memory`.
    - "address": `value` is the address that a branch, ADR, ADRP or a load of a literal means.
    - "condition", "system register", "option" (a barrier's, a prefetch's, a cache operation ...): `value` is the name.

    `access` is what the instruction does with the register or memory: "r" reads, "w" writes, "rw" both, "" neither;
    `size` is how many bytes of memory it accesses.
    """

    kind: OperandKind
    access: RegisterAccess = ""
    register: str = ""
    arrangement: str = ""
    element: int | None = None
    value: int | float | str | None = None
    shift: Shift | None = None
    memory: Memory | None = None
    size: int = 0


# Numbers that are far enough apart for lists and pairs, and that no instruction uses implicitly (X16, X17, X30).
_APART = {"Rs": 0, "Rn": 4, "Rm": 8, "Rd": 12, "Rt": 12, "Ra": 20, "Rt2": 28}


def operands(form: Form, word: int, address: int) -> tuple[Operand, ...]:
    """The operands of a word of this form, an alias or not, at an address."""
    instruction = form.instruction
    places = instruction.places
    numbers = {field: number for field, number in _APART.items() if field in places}
    for operand in form.operands:
        # A register that is written once may stand in two fields.
        if isinstance(operand, GeneralRegister | VectorRegister):
            same = [field for field in operand.fields if field in numbers]
            numbers.update(dict.fromkeys(same, numbers[same[0]]) if same else {})
    apart = word
    for field, number in numbers.items():
        low, mask = places[field]
        apart = apart & ~(mask << low) | (number & mask) << low
    there = instruction.effects(instruction.fields(apart))
    found = list(_operands(form, word, apart, address, there))
    kinds = {kind for access in there.accesses for kind in access.kind.split("-")}
    access: RegisterAccess = "rw" if len(kinds) == 2 else "r" if "read" in kinds else "w" if kinds else ""
    # An atomic access is a single one that reads and writes.
    size = sum(a.size for a in there.accesses)
    holder = "memory" if any(operand.kind == "memory" for operand in found) else "address"
    return tuple(replace(operand, access=access, size=size) if operand.kind == holder else operand for operand in found)


def _operands(form: Form, word: int, apart: int, address: int, there: Effects) -> Iterator[Operand]:
    inside: list[Operand] | None = None
    current: Operand | None = None
    amount_of = ""
    for element in form.written(word):
        if isinstance(element, str):
            if element == "[":
                if current is not None:
                    yield current
                current, inside = None, []
            elif element == "]" and inside is not None:
                current, inside = _memory(inside), None
            elif element == "!" and current is not None and current.memory is not None:
                current = replace(current, memory=replace(current.memory, writeback="pre"))
            elif element in ("lsl", "msl"):
                amount_of = element
            continue
        described, value = element
        other = described.pieces(decoded(described, form.instruction.places, apart))
        for number, piece in enumerate(described.pieces(value)):
            if piece.kind == "shift" or amount_of:
                shift = Shift(amount_of or str(piece.value), piece.value if amount_of else piece.amount)
                amount_of = ""
                if inside:
                    inside[-1] = replace(inside[-1], shift=shift)
                elif current is not None:
                    current = replace(current, shift=shift)
                continue
            made = _operand(described, piece, other[number] if number < len(other) else piece, address, there)
            if inside is not None:
                inside.append(made)
            elif current is not None and current.memory is not None:
                memory = replace(current.memory, writeback="post")
                if made.kind == "register":
                    memory = replace(memory, index=made.register)
                elif isinstance(made.value, int):
                    memory = replace(memory, displacement=made.value)
                current = replace(current, memory=memory)
            else:
                if current is not None:
                    yield current
                current = made
    if current is not None:
        yield current


def _operand(described: Described, piece: Piece, other: Piece, address: int, there: Effects) -> Operand:
    value: Any = piece.value
    match piece.kind:
        case "register":
            name = Register(value.kind, value.number).name
            return Operand("register", _access(other.value, there), name, value.lanes, value.index)
        case "address":
            assert isinstance(described, Label)
            return Operand("address", value=described.target(value, address))
        case "immediate":
            return Operand("immediate", value=value)
        case "float":
            return Operand("float", value=value)
        case "condition":
            return Operand("condition", value=value)
        case "system register":
            assert isinstance(described, SystemRegisterName)
            return Operand("system register", "w" if described.write else "r", value=value)
        case _:
            return Operand("option", value=value)


def _key(register: Register) -> tuple[str, int]:
    if register.kind in ("x", "w"):
        return "x", register.number
    return ("sp", 31) if register.kind in ("sp", "wsp") else ("v", register.number)


def _access(register: Register, there: Effects) -> RegisterAccess:
    key = _key(register)
    if key in there.reads:
        return "rw" if key in there.writes else "r"
    return "w" if key in there.writes else ""


def _memory(inside: list[Operand]) -> Operand:
    base, *rest = inside
    memory = Memory(base.register)
    for part in rest:
        if part.kind == "register":
            memory = replace(memory, index=part.register, shift=part.shift)
        elif isinstance(part.value, int):
            memory = replace(memory, displacement=part.value)
    return Operand("memory", memory=memory)


def register_name(key: tuple[str, int]) -> str:
    """The name of a whole register of `isa.effects`: "x0", "sp", "v31", "nzcv"."""
    kind, number = key
    return f"{kind}{number}" if kind in ("x", "v") else kind


_CONTROL = {
    "branch": ("branch",),
    "conditional branch": ("branch", "conditional"),
    "call": ("branch", "call"),
    "branch to register": ("branch", "indirect"),
    "call to register": ("branch", "call", "indirect"),
    "return": ("branch", "return", "indirect"),
    "supervisor call": ("system call",),
    "breakpoint": ("breakpoint",),
    "undefined": (),
}


def groups(form: Form, there: Effects) -> tuple[str, ...]:
    """The groups that an instruction with these effects belongs to."""
    instruction = form.instruction
    found = dict.fromkeys(_CONTROL.get(there.control, ()))
    if instruction.privileged:
        found["privileged"] = None
    elif there.control == "undefined":
        found["undefined"] = None
    for access in there.accesses:
        found |= dict.fromkeys(
            name
            for name, holds in (
                ("load", "read" in access.kind),
                ("store", "write" in access.kind),
                ("atomic", access.atomic),
                ("exclusive", access.exclusive),
                ("acquire", access.acquire),
                ("release", access.release),
            )
            if holds
        )
    if there.barrier:
        found["barrier"] = None
    if there.system or any(isinstance(operand, SystemRegisterName) for operand in form.operands):
        found["system"] = None
    if there.floating_point:
        found["float"] = None
    if any(kind == "v" for kind, _ in (*there.reads, *there.writes)):
        found["simd"] = None
    return tuple(found)
