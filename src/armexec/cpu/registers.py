"""The register file as data: names, sizes, places in the state structure, LLVM types, and numbers.

What holds registers derives from here: the state structure, the translating machine, sets of registers, and what
debuggers are told.

A translation accounts for registers by number, and keeps sets of them as ints with a bit for each (`RegisterSet`).
X0 to X30 have the numbers 0 to 30, as in instructions. A V register has three numbers, for its lowest 128, 64 and 32
bits: a function that uses D registers alone passes doubles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

__all__ = [
    "ALL",
    "COUNTER",
    "COUNTER_FIELD",
    "FLAGS",
    "GENERAL",
    "NZCV",
    "PARTIAL",
    "REGISTERS",
    "SP",
    "STATE",
    "STATE_FIELDS",
    "VECTOR_VIEWS",
    "VIEWS",
    "X0",
    "X30",
    "Kind",
    "Register",
    "RegisterSet",
    "StateField",
    "VectorView",
    "View",
    "bit",
    "covered",
    "d",
    "has",
    "members",
    "q",
    "register_type",
    "s",
    "state_place",
    "views_of",
    "wider_views",
    "x",
    "zero",
]

RegisterSet: TypeAlias = int
"""A set of registers: bit n stands for the register of number n."""


class Kind(Enum):
    """A kind of register."""

    GENERAL = "general"
    STACK_POINTER = "stack pointer"
    PROGRAM_COUNTER = "program counter"
    FLAG = "flag"
    VECTOR = "vector"
    SYSTEM = "system"
    COUNTER = "counter"


# -- the state structure ----------------------------------------------------------------------------------------------


class StateField(NamedTuple):
    """A field of the state structure: `length` elements of `size` bytes."""

    name: str
    size: int
    length: int = 1


STATE_FIELDS: Final = (
    StateField("x", 8, 31),
    StateField("sp", 8),
    StateField("pc", 8),
    # One byte each, 0 or 1.
    StateField("n", 1),
    StateField("z", 1),
    StateField("c", 1),
    StateField("v", 1),
    StateField("_padding", 1, 4),
    # V0 to V31.
    StateField("v_registers", 1, 512),
    StateField("fpcr", 8),
    StateField("fpsr", 8),
    StateField("tpidr_el0", 8),
    StateField("dit", 8),
    StateField("ssbs", 8),
)
"""The fields that hold registers; the structure begins with them. Each is aligned to its elements."""


def _offsets() -> Iterator[tuple[str, int]]:
    offset = 0
    for field in STATE_FIELDS:
        assert offset % field.size == 0
        yield field.name, offset
        offset += field.size * field.length


_OFFSETS = dict(_offsets())
COUNTER_FIELD: Final = StateField("instructions_left", 8)
"""Follows them in the state of translated code."""


# -- registers --------------------------------------------------------------------------------------------------------


class Register(NamedTuple):
    """A register of the processor.

    `n` is its number among those of its kind. `offset` and `size`: its bytes in the state structure. `dwarf`: its
    number in debug information ("DWARF for the Arm 64-bit Architecture", 4.1), None if it has none.
    """

    name: str
    kind: Kind
    n: int
    bits: int
    offset: int
    size: int
    dwarf: int | None


_SYSTEM = ("fpcr", "fpsr", "tpidr_el0", "dit", "ssbs")
_DWARF = {"sp": 31, "pc": 32, "tpidr_el0": 36}
_DWARF_V0 = 64


def _registers() -> Iterator[Register]:
    for n in range(31):
        yield Register(f"x{n}", Kind.GENERAL, n, 64, _OFFSETS["x"] + 8 * n, 8, n)
    yield Register("sp", Kind.STACK_POINTER, 0, 64, _OFFSETS["sp"], 8, _DWARF["sp"])
    yield Register("pc", Kind.PROGRAM_COUNTER, 0, 64, _OFFSETS["pc"], 8, _DWARF["pc"])
    for index, name in enumerate("nzcv"):
        yield Register(name, Kind.FLAG, index, 1, _OFFSETS[name], 1, None)
    for n in range(32):
        yield Register(f"v{n}", Kind.VECTOR, n, 128, _OFFSETS["v_registers"] + 16 * n, 16, _DWARF_V0 + n)
    for index, name in enumerate(_SYSTEM):
        yield Register(name, Kind.SYSTEM, index, 64, _OFFSETS[name], 8, _DWARF.get(name))


REGISTERS: Final[Mapping[str, Register]] = MappingProxyType({register.name: register for register in _registers()})
"""The registers, by name. V, the flag, is "v"; the vector registers are "v0" to "v31"."""


# -- numbers and sets -------------------------------------------------------------------------------------------------


class View(NamedTuple):
    """What has a number in sets: a register, or the lowest bits of one.

    `variable`: the name of the local variable that holds it in translated code. `type`: its LLVM type there, and
    `state_type` in the state structure.
    """

    register: Register
    bits: int
    variable: str
    type: str
    state_type: str


class VectorView(NamedTuple):
    """The lowest bits of V registers: the number of V0's, the letter of such names, the LLVM type."""

    first: int
    letter: str
    type: str


_VECTORS = ((128, "q", "<2 x i64>"), (64, "d", "double"), (32, "s", "float"))


def _numbered() -> Iterator[View | None]:
    """The views in the order of their numbers; None for the number of the state structure."""
    vectors = [register for register in REGISTERS.values() if register.kind is Kind.VECTOR]
    for register in REGISTERS.values():
        if register.kind in (Kind.GENERAL, Kind.STACK_POINTER):
            # SP is register 31 of the instructions that can name it.
            number = 31 if register.kind is Kind.STACK_POINTER else register.n
            yield View(register, 64, f"%x{number}", "i64", "i64")
    for register in REGISTERS.values():
        if register.kind is Kind.FLAG:
            yield View(register, 1, f"%f{register.name.upper()}", "i1", "i8")
    for bits, letter, kind in _VECTORS:
        yield from (View(v, bits, f"%{letter}{v.n}", kind, kind) for v in vectors)
        if bits == 128:
            yield None
    end = sum(field.size * field.length for field in STATE_FIELDS)
    yield View(Register(COUNTER_FIELD.name, Kind.COUNTER, 0, 64, end, 8, None), 64, "%left", "i64", "i64")


_NUMBERED = tuple(_numbered())
VIEWS: Final[Mapping[int, View]] = MappingProxyType({n: view for n, view in enumerate(_NUMBERED) if view is not None})
"""All views, by number."""

STATE: Final = _NUMBERED.index(None)
"""Not a register: the number under which a use of the state structure is accounted."""

_numbers = {(view.register.name, view.bits): number for number, view in VIEWS.items()}

COUNTER: Final = _numbers[COUNTER_FIELD.name, 64]
"""Not a register of the guest: how many instructions it may still execute, in code that counts them."""
X0: Final = _numbers["x0", 64]
X30: Final = _numbers["x30", 64]
SP: Final = _numbers["sp", 64]
FLAGS: Final[Mapping[str, int]] = MappingProxyType({name: _numbers[name.lower(), 1] for name in "NZCV"})
"""The numbers of the flags."""
VECTOR_VIEWS: Final[Mapping[int, VectorView]] = MappingProxyType(
    {bits: VectorView(_numbers["v0", bits], letter, kind) for bits, letter, kind in _VECTORS}
)
"""The views of V registers by their bits, widest first."""
_Q, _D, _S = (view.first for view in VECTOR_VIEWS.values())


def x(n: int) -> int:
    """The number of Xn, n from 0 to 30."""
    return X0 + n


def q(n: int) -> int:
    """The number of all of Vn."""
    return _Q + n


def d(n: int) -> int:
    """The number of the lowest 64 bits of Vn."""
    return _D + n


def s(n: int) -> int:
    """The number of the lowest 32 bits of Vn."""
    return _S + n


def bit(*numbers: int) -> RegisterSet:
    """The set of some registers."""
    registers = 0
    for number in numbers:
        registers |= 1 << number
    return registers


def has(registers: RegisterSet, number: int) -> bool:
    """Whether a register is in a set."""
    return bool(registers >> number & 1)


def members(registers: RegisterSet) -> Iterator[int]:
    """The numbers in a set, in order."""
    while registers:
        lowest = registers & -registers
        yield lowest.bit_length() - 1
        registers ^= lowest


def views_of(n: int) -> RegisterSet:
    """All the views of Vn."""
    return _ALL_VIEWS << n


_ALL_VIEWS = bit(_Q, _D, _S)
_V = bit(*range(32))
"""The V registers of one view, which have numbers in a row, as a set that begins at bit 0."""

GENERAL: Final = bit(*(x(n) for n in range(31)), SP)
"""X0 to X30, and SP."""
NZCV: Final = bit(*FLAGS.values())
ALL: Final = GENERAL | NZCV | _V << _Q | bit(COUNTER)
"""Everything that has a number, V registers in their widest view."""
PARTIAL: Final = _V << _D | _V << _S
"""The views of the low bits of V registers: in the state there are whole ones only."""


def covered(registers: RegisterSet) -> RegisterSet:
    """A set of registers with the narrower views of its V registers."""
    d_views = registers >> _D & _V | registers >> _Q & _V
    s_views = registers >> _S & _V | d_views
    return registers | d_views << _D | s_views << _S


def _wider(number: int, view: View) -> tuple[int, ...]:
    if view.register.kind is not Kind.VECTOR:
        return ()
    return tuple(v.first + view.register.n for v in VECTOR_VIEWS.values() if v.first < number - view.register.n)


_WIDER: dict[int, tuple[int, ...]] = {number: _wider(number, view) for number, view in VIEWS.items()}
_ZEROS = {"i64": "0", "i1": "false", "<2 x i64>": "zeroinitializer", "double": "0.0", "float": "0.0"}


def wider_views(number: int) -> tuple[int, ...]:
    """The wider views of the same V register, widest first; none for other registers."""
    return _WIDER[number]


def register_type(number: int) -> str:
    """The LLVM type of a register."""
    return VIEWS[number].type


def zero(number: int) -> str:
    """The zero of a register's type."""
    return _ZEROS[VIEWS[number].type]


def state_place(number: int) -> tuple[int, str]:
    """The offset of a register in the state structure, and its LLVM type there."""
    view = VIEWS[number]
    return view.register.offset, view.state_type
