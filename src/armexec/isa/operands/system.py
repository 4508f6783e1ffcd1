"""Operands of system instructions: system registers, fields of PSTATE, operations of SYS, barriers, hints."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from ..data import rows
from ..syntax import Cursor, Expression, OperandError, Register
from ..system_registers import register_name, system_register
from .basic import Context, Fields, Immediate, NamedImmediate, Operand, Piece

__all__ = [
    "PSTATE_FIELDS",
    "BarrierOption",
    "ControlRegister",
    "ExceptionImmediate",
    "FixedRegister",
    "HintNumber",
    "PstateField",
    "SystemOperation",
    "SystemRegisterName",
    "has_operation",
]


def _name(cursor: Cursor, expected: str) -> str:
    """Take a name that isn't a keyword: a word, or what the lexer took for a symbol."""
    token = cursor.token
    if token.kind == "word" or (token.kind == "value" and isinstance(token.value, Expression)):
        cursor.position += 1
        return str(token.value).lower()
    raise cursor.fail(expected)


class SystemRegisterName(Operand):
    """A system register of MRS, or of MSR if `write`, in o0:op1:CRn:CRm:op2."""

    fields = ("o0", "op1", "CRn", "CRm", "op2")

    def __init__(self, *, write: bool) -> None:
        self.write = write

    def parse(self, cursor: Cursor) -> int:
        expected = "a system register (NZCV, TPIDR_EL0 ..., or S3_<op1>_C<n>_C<m>_<op2>)"
        register = system_register(_name(cursor, expected))
        if register is None:
            cursor.position -= 1
            raise cursor.fail(expected)
        if not (register.writable if self.write else register.readable):
            cursor.position -= 1
            raise cursor.fail(f"a system register that can be {'written' if self.write else 'read'}")
        return register.number

    def encode(self, value: int) -> dict[str, int]:
        if value >> 14 not in (2, 3):
            raise OperandError(f"op0 of a system register must be 2 or 3, not {value >> 14}")
        return {
            "o0": value >> 14 & 1,
            "op1": value >> 11 & 7,
            "CRn": value >> 7 & 15,
            "CRm": value >> 3 & 15,
            "op2": value & 7,
        }

    def decode(self, fields: Fields) -> int:
        return (2 | fields["o0"]) << 14 | fields["op1"] << 11 | fields["CRn"] << 7 | fields["CRm"] << 3 | fields["op2"]

    def pieces(self, value: int) -> tuple[Piece, ...]:
        return (Piece("system register", register_name(value, write=self.write)),)

    def text(self, value: int, context: Context) -> str:
        return register_name(value, write=self.write)


class ExceptionImmediate(Immediate):
    """The immediate of SVC, BRK and their like, which LLVM prints in hexadecimal."""

    def text(self, value: int, context: Context) -> str:
        return f"{value:#x}" if value else "0"


class FixedRegister(Operand):
    """The one X register that an instruction works on, which its bits don't say."""

    def __init__(self, number: int) -> None:
        self.register = Register("x", number)

    def parse(self, cursor: Cursor) -> Register:
        return cursor.register(("x",), f"the register {self.register.name}")

    def encode(self, value: Register) -> dict[str, int]:
        if value != self.register:
            raise OperandError(f"{value.name} can't stand here: only {self.register.name} can")
        return {}

    def decode(self, fields: Fields) -> Register:
        return self.register

    def text(self, value: Register, context: Context) -> str:
        return value.name


class ControlRegister(Operand):
    """`C0`-`C15`: the CRn and CRm of SYS and SYSL."""

    def __init__(self, field: str) -> None:
        self.fields = (field,)

    def parse(self, cursor: Cursor) -> int:
        name = _name(cursor, "C0-C15")
        if not (name[:1] == "c" and name[1:].isdecimal() and int(name[1:]) < 16):
            cursor.position -= 1
            raise cursor.fail("C0-C15")
        return int(name[1:])

    def encode(self, value: int) -> dict[str, int]:
        return {self.fields[0]: value}

    def decode(self, fields: Fields) -> int:
        return fields[self.fields[0]]

    def pieces(self, value: int) -> tuple[Piece, ...]:
        return (Piece("option", f"c{value}"),)

    def text(self, value: int, context: Context) -> str:
        return f"c{value}"


PSTATE_FIELDS = {
    (0, 3): "UAO",
    (0, 4): "PAN",
    (0, 5): "SPSel",
    (3, 1): "SSBS",
    (3, 2): "DIT",
    (3, 6): "DAIFSet",
    (3, 7): "DAIFClr",
}
"""The fields that MSR (immediate) writes, by op1 and op2: those of the M1."""


class PstateField(Operand):
    """A field of PSTATE in op1:op2."""

    fields = ("op1", "op2")

    def parse(self, cursor: Cursor) -> tuple[int, int]:
        names = {name.lower(): key for key, name in PSTATE_FIELDS.items()}
        return names[cursor.word(names, f"a field of PSTATE ({', '.join(PSTATE_FIELDS.values())})")]

    def encode(self, value: tuple[int, int]) -> dict[str, int]:
        return {"op1": value[0], "op2": value[1]}

    def decode(self, fields: Fields) -> tuple[int, int]:
        return fields["op1"], fields["op2"]

    def pieces(self, value: tuple[int, int]) -> tuple[Piece, ...]:
        return (Piece("option", PSTATE_FIELDS[value]),)

    def text(self, value: tuple[int, int], context: Context) -> str:
        return PSTATE_FIELDS[value]


class _Operation(NamedTuple):
    op1: int
    CRn: int
    CRm: int
    op2: int


@cache
def _operations(alias: str, register: str) -> dict[str, _Operation]:
    """Operations of AT, DC, IC or TLBI by name; `register`: whether one is written (yes, no, optional)."""
    return {
        name: _Operation(*map(int, numbers))
        for found, name, *numbers, written in rows("system_operations.tsv")
        if found == alias and written == register
    }


@cache
def _operation_names(alias: str, register: str) -> dict[_Operation, str]:
    return {operation: name for name, operation in _operations(alias, register).items()}


def has_operation(fields: Fields, alias: str, register: str) -> bool:
    """Whether the fields of SYS are an operation of `alias`."""
    operation = _Operation(fields["op1"], fields["CRn"], fields["CRm"], fields["op2"])
    return operation in _operation_names(alias, register)


class SystemOperation(Operand):
    """The name of an operation of AT, DC, IC or TLBI, in op1:CRn:CRm:op2."""

    fields = ("op1", "CRn", "CRm", "op2")

    def __init__(self, alias: str, register: str) -> None:
        self.alias = alias
        self.register = register

    def parse(self, cursor: Cursor) -> _Operation:
        names = _operations(self.alias, self.register)
        return names[cursor.word(names, f"an operation of {self.alias.upper()} ({', '.join(list(names)[:24])})")]

    def encode(self, value: _Operation) -> dict[str, int]:
        return value._asdict()

    def decode(self, fields: Fields) -> _Operation:
        return _Operation(fields["op1"], fields["CRn"], fields["CRm"], fields["op2"])

    def pieces(self, value: _Operation) -> tuple[Piece, ...]:
        return (Piece("option", _operation_names(self.alias, self.register)[value]),)

    def text(self, value: _Operation, context: Context) -> str:
        return _operation_names(self.alias, self.register)[value]


class HintNumber(Operand):
    """The number of HINT, in CRm:op2."""

    fields = ("CRm", "op2")

    def parse(self, cursor: Cursor) -> int | Expression:
        return cursor.value("an immediate 0..127")

    def encode(self, value: int) -> dict[str, int]:
        if not 0 <= value <= 127:
            raise OperandError(f"immediate {value} is out of range 0..127")
        return {"CRm": value >> 3, "op2": value & 7}

    def decode(self, fields: Fields) -> int:
        return fields["CRm"] << 3 | fields["op2"]

    def text(self, value: int, context: Context) -> str:
        return str(value)


BARRIERS = {
    "oshld": 1,
    "oshst": 2,
    "osh": 3,
    "nshld": 5,
    "nshst": 6,
    "nsh": 7,
    "ishld": 9,
    "ishst": 10,
    "ish": 11,
    "ld": 13,
    "st": 14,
    "sy": 15,
}
"""The shareability domains and access types of DMB and DSB."""


class BarrierOption(NamedImmediate):
    """The option of DMB and DSB in CRm."""

    def __init__(self) -> None:
        super().__init__("CRm", BARRIERS, what="a barrier option")
