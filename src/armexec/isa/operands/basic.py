"""Operands: how a piece of syntax and the fields of an encoding stand for each other.

An operand knows both directions: `parse` tokens to a value, `encode` the value to fields, `decode` the fields to the
value, and `text` the value. All four serve the assembler, the builder, the disassembler and the reference pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..syntax import Cursor, Expression, OperandError, Register, general_register

__all__ = [
    "CONDITIONS",
    "OTHER_CONDITION_NAMES",
    "Condition",
    "Context",
    "Fields",
    "GeneralRegister",
    "Immediate",
    "Label",
    "NamedImmediate",
    "Operand",
    "PairedRegister",
    "Piece",
    "Places",
    "SameRegister",
    "Zero",
]

Fields = Mapping[str, int]
Places = Mapping[str, tuple[int, int]]
"""The lowest bit and the mask (in place at bit 0) of each field."""


class Context(NamedTuple):
    """The surroundings that operands are printed in: the instruction's address, and names of addresses."""

    address: int
    name: Callable[[int], str | None]


class Piece(NamedTuple):
    """A part of an operand as data.

    `kind` and what `value` is: "register" (a Register), "immediate" (int), "float", "address" (the distance in bytes),
    "shift" (the name of a shift or extend of the piece before it, by `amount`), "condition", "system register" and
    "option" (a name).
    """

    kind: str
    value: Any
    amount: int = 0


class Operand:
    """The base of all operands.

    `fields` are the fields it covers; `default` is the value that an optional group may leave out.
    """

    fields: tuple[str, ...] = ()
    default: Any = None
    dependent = False
    """Whether encoding needs what earlier operands encoded: `encode_after` is called for `encode`."""

    def bind(self, widths: Mapping[str, int]) -> Operand:
        """Take the widths of the pattern's fields, and return the operand; called once for each form."""
        missing = [name for name in self.fields if name not in widths]
        if missing:
            raise ValueError(f"{type(self).__name__}: no field {missing[0]} in {sorted(widths)}")
        return self

    def parse(self, cursor: Cursor) -> Any:
        """The value at the cursor; raises Mismatch.

        Whether the tokens fit depends on the registers' shapes, the words, and which numbers are zero, not on other
        values: those are for `encode` to judge.
        """
        raise NotImplementedError

    def encode(self, value: Any) -> dict[str, int]:
        """The fields of a value; raises OperandError where it has none.

        `name/1110` stands for some of a field's bits: the others are left to other operands.
        """
        raise NotImplementedError

    def encode_after(self, value: Any, fields: Fields) -> dict[str, int]:
        """`encode` of a dependent operand; `fields` holds what is encoded so far."""
        raise NotImplementedError

    def decode(self, fields: Fields) -> Any:
        """The value of the fields."""
        raise NotImplementedError

    def text(self, value: Any, context: Context) -> str:
        """The value as LLVM prints it."""
        raise NotImplementedError

    def pieces(self, value: Any) -> tuple[Piece, ...]:
        """The value as data."""
        return (Piece("register" if isinstance(value, Register) else "immediate", value),)

    def printer(self, places: Places) -> Callable[[int, Context], str]:
        """A function that prints the operand of a word; `places` are those of the fields in it."""
        fields = [(name, *places[name]) for name in self.fields]
        decode, text = self.decode, self.text
        return lambda word, context: text(decode({n: word >> low & mask for n, low, mask in fields}), context)

    def resolved(self, value: Any, number: int) -> Any:
        """`value` with a number for its Expression: the expression's value, or 0 where a relocation fills it in."""
        return number

    def relocation(self, expression: Expression) -> str:
        """The ELF relocation for a symbol here; raises OperandError where none can stand."""
        raise OperandError(f"a symbol ({expression}) can't stand here")

    def applied(self, value: Any, expression: Expression, number: int) -> Any:
        """`value` with what the expression's operator (`:lo12:`) makes of a number; raises OperandError."""
        raise OperandError(f"{expression} is a number: leave out :{expression.modifier}:")

    def adjusted(self, word: int, expression: Expression, number: int) -> int:
        """The instruction's word where the operator chooses the instruction by the number."""
        return word


class GeneralRegister(Operand):
    """A general register: `kind` x or w; number 31 is SP if `sp`, else the zero register."""

    def __init__(self, kind: str, field: str, *, sp: bool = False) -> None:
        self.kind = kind
        self.fields = (field,)
        self.sp = sp
        self._accepted: tuple[str, ...] = (kind, "sp" if kind == "x" else "wsp") if sp else (kind,)
        last = ("SP" if kind == "x" else "WSP") if sp else f"{kind.upper()}ZR"
        self._expected = f"a register {kind.upper()}0-{kind.upper()}30 or {last}"

    def parse(self, cursor: Cursor) -> Register:
        register = cursor.register(self._accepted, self._expected)
        if self.sp and register.number == 31 and register.kind == self.kind:
            cursor.position -= 1
            raise cursor.fail(self._expected)
        return register

    def encode(self, value: Register) -> dict[str, int]:
        return {self.fields[0]: value.number}

    def decode(self, fields: Fields) -> Register:
        return general_register(self.kind, fields[self.fields[0]], sp=self.sp)

    def text(self, value: Register, context: Context) -> str:
        return value.name

    def printer(self, places: Places) -> Callable[[int, Context], str]:
        low, mask = places[self.fields[0]]
        names = [self.decode({self.fields[0]: number}).name for number in range(mask + 1)]
        return lambda word, context: names[word >> low & mask]


class SameRegister(GeneralRegister):
    """One register written once and standing in two fields."""

    def __init__(self, kind: str, *fields: str) -> None:
        super().__init__(kind, fields[0])
        self.fields = fields

    def encode(self, value: Register) -> dict[str, int]:
        return dict.fromkeys(self.fields, value.number)


class PairedRegister(GeneralRegister):
    """The register after the one in `field`: the second of CASP's pairs."""

    def encode(self, value: Register) -> dict[str, int]:
        if value.number % 2 == 0:
            raise OperandError(f"{value.name} can't be second in a pair: it must follow an even register")
        return {self.fields[0]: value.number - 1}

    def decode(self, fields: Fields) -> Register:
        return general_register(self.kind, fields[self.fields[0]] + 1 & 31, sp=False)


class Immediate(Operand):
    """An integer: the field times `scale`, plus `bias`; two's complement if `signed`.

    `maximum` is the largest value, where it is below the field's own. `relocations` maps the operator of an expression
    ("lo12") to the ELF relocation that fills the field.
    """

    def __init__(
        self,
        field: str,
        *,
        scale: int = 1,
        bias: int = 0,
        signed: bool = False,
        default: int | None = None,
        maximum: int | None = None,
        relocations: Mapping[str, str] | None = None,
    ) -> None:
        self.fields = (field,)
        self.maximum = maximum
        self.scale = scale
        self.bias = bias
        self.signed = signed
        self.default = default
        self.relocations = relocations or {}
        self.width = 0

    def bind(self, widths: Mapping[str, int]) -> Operand:
        super().bind(widths)
        width = widths[self.fields[0]]
        if self.width not in (0, width):
            raise ValueError(f"{self.fields[0]} has two widths")
        self.width = width
        return self

    @property
    def low(self) -> int:
        return (-(1 << self.width - 1) if self.signed else 0) * self.scale + self.bias

    @property
    def high(self) -> int:
        if self.maximum is not None:
            return self.maximum
        top = (1 << self.width - 1) if self.signed else (1 << self.width)
        return (top - 1) * self.scale + self.bias

    @property
    def _range(self) -> str:
        step = f" in steps of {self.scale}" if self.scale > 1 else ""
        return f"{self.low}..{self.high}{step}"

    def parse(self, cursor: Cursor) -> int | Expression:
        return cursor.value(f"an immediate {self._range}")

    def encode(self, value: int) -> dict[str, int]:
        if not self.low <= value <= self.high:
            raise OperandError(f"immediate {value} is out of range {self._range}")
        steps, rest = divmod(value - self.bias, self.scale)
        if rest:
            raise OperandError(f"immediate {value} is not a multiple of {self.scale} ({self._range})")
        return {self.fields[0]: steps & ((1 << self.width) - 1)}

    def decode(self, fields: Fields) -> int:
        value = fields[self.fields[0]]
        if self.signed and value >> (self.width - 1):
            value -= 1 << self.width
        return value * self.scale + self.bias

    def text(self, value: int, context: Context) -> str:
        return str(value)

    def relocation(self, expression: Expression) -> str:
        try:
            return self.relocations[expression.modifier]
        except KeyError:
            return super().relocation(expression)

    def applied(self, value: Any, expression: Expression, number: int) -> Any:
        if expression.modifier == "lo12" and "lo12" in self.relocations:
            return number & 0xFFF
        return super().applied(value, expression, number)


class Label(Operand):
    """A pc-relative address: a symbol in text, a signed count of `scale` bytes in the fields (high part first).

    A number means the distance in bytes, as LLVM reads and prints it. `page` counts from the 4 KiB page of the pc
    (ADRP).
    """

    def __init__(self, *fields: str, scale: int, relocations: Mapping[str, str], page: bool = False) -> None:
        self.fields = fields
        self.scale = scale
        self.page = page
        self.relocations = relocations
        self._widths: tuple[int, ...] = ()

    def bind(self, widths: Mapping[str, int]) -> Operand:
        super().bind(widths)
        self._widths = tuple(widths[name] for name in self.fields)
        return self

    def parse(self, cursor: Cursor) -> int | Expression:
        return cursor.value("a label or a distance in bytes")

    def encode(self, value: int) -> dict[str, int]:
        width = sum(self._widths)
        limit = self.scale << (width - 1)
        if value >> 63 == 1:
            value -= 1 << 64
        if value % self.scale:
            raise OperandError(f"the target's distance {value} is not a multiple of {self.scale}")
        if not -limit <= value < limit:
            raise OperandError(f"the target is {value} bytes away, out of range {-limit}..{limit - self.scale}")
        rest = value // self.scale & ((1 << width) - 1)
        result = {}
        for name, size in zip(reversed(self.fields), reversed(self._widths), strict=True):
            result[name] = rest & ((1 << size) - 1)
            rest >>= size
        return result

    def decode(self, fields: Fields) -> int:
        value = 0
        for name, size in zip(self.fields, self._widths, strict=True):
            value = value << size | fields[name]
        width = sum(self._widths)
        if value >> (width - 1):
            value -= 1 << width
        return value * self.scale

    def distance(self, target: int, address: int) -> int:
        """The distance that a target has from `address`; the nearer way round the 64 bits of an address."""
        away = target - (address & ~0xFFF if self.page else address)
        return (away & 0xFFFF_FFFF_FFFF_FFFF ^ 1 << 63) - (1 << 63)

    def pieces(self, value: int) -> tuple[Piece, ...]:
        return (Piece("address", value),)

    def target(self, value: int, address: int) -> int:
        """The address that a distance means at `address`."""
        base = address & ~0xFFF if self.page else address
        return (base + value) & 0xFFFF_FFFF_FFFF_FFFF

    def text(self, value: int, context: Context) -> str:
        name = context.name(self.target(value, context.address))
        return name if name is not None else f"#{value}"

    def relocation(self, expression: Expression) -> str:
        try:
            return self.relocations[expression.modifier]
        except KeyError:
            return super().relocation(expression)


class Zero(Operand):
    """The `#0` that an address may be written with, and that isn't printed."""

    default = 0

    def parse(self, cursor: Cursor) -> int | Expression:
        return cursor.value("#0")

    def encode(self, value: int) -> dict[str, int]:
        if value:
            raise OperandError(f"offset {value} can't stand here: this instruction takes none")
        return {}

    def decode(self, fields: Fields) -> int:
        return 0

    def text(self, value: int, context: Context) -> str:
        return "#0"


CONDITIONS = ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al", "nv")
OTHER_CONDITION_NAMES = {
    "cs": 2,
    "cc": 3,
    # After an SVE instruction that sets the flags.
    "none": 0,
    "any": 1,
    "nlast": 2,
    "last": 3,
    "first": 4,
    "nfrst": 5,
    "pmore": 8,
    "plast": 9,
    "tcont": 10,
    "tstop": 11,
}
"""Names of conditions that are read, and never printed."""
_CONDITION_NUMBERS = {name: number for number, name in enumerate(CONDITIONS)} | OTHER_CONDITION_NAMES


class Condition(Operand):
    """A condition's name. `inverted`: the alias writes the opposite one (CSET), and AL and NV can't stand there."""

    def __init__(self, field: str = "cond", *, inverted: bool = False) -> None:
        self.fields = (field,)
        self.inverted = inverted

    def parse(self, cursor: Cursor) -> int:
        return _CONDITION_NUMBERS[
            cursor.word(_CONDITION_NUMBERS, "a condition (eq, ne, hs, lo, mi, pl, vs, vc, hi, ls, ge, lt, gt, le, al)")
        ]

    def encode(self, value: int) -> dict[str, int]:
        if self.inverted:
            if value >= 14:
                raise OperandError("al and nv can't stand here: the condition is inverted")
            value ^= 1
        return {self.fields[0]: value}

    def decode(self, fields: Fields) -> int:
        return fields[self.fields[0]] ^ self.inverted

    def pieces(self, value: int) -> tuple[Piece, ...]:
        return (Piece("condition", CONDITIONS[value]),)

    def text(self, value: int, context: Context) -> str:
        return CONDITIONS[value]


class NamedImmediate(Operand):
    """A field some of whose values have names; the others are written as numbers (if `numbers`).

    `names` maps lower-case names to values; where several share a value, the first is printed.
    """

    def __init__(
        self,
        field: str,
        names: Mapping[str, int],
        *,
        numbers: bool = True,
        default: int | None = None,
        what: str = "a name",
    ) -> None:
        self.fields = (field,)
        self.names = names
        self.numbers = numbers
        self.default = default
        self.what = what
        self._printed: dict[int, str] = {}
        for name, value in names.items():
            self._printed.setdefault(value, name)
        self._width = 0

    def bind(self, widths: Mapping[str, int]) -> Operand:
        super().bind(widths)
        self._width = widths[self.fields[0]]
        return self

    def parse(self, cursor: Cursor) -> int:
        token = cursor.token
        expected = f"{self.what} ({', '.join(list(self.names)[:24])})"
        if self.numbers and (token.kind == "value" or (token.kind == "punctuation" and token.value == "#")):
            value = cursor.value(expected)
            if isinstance(value, int):
                return value
            cursor.position -= 1
        return self.names[cursor.word(self.names, expected)]

    def encode(self, value: int) -> dict[str, int]:
        if not 0 <= value < 1 << self._width:
            raise OperandError(f"immediate {value} is out of range 0..{(1 << self._width) - 1}")
        return {self.fields[0]: value}

    def decode(self, fields: Fields) -> int:
        return fields[self.fields[0]]

    def text(self, value: int, context: Context) -> str:
        name = self._printed.get(value)
        return name if name is not None else f"#{value}"

    def pieces(self, value: int) -> tuple[Piece, ...]:
        name = self._printed.get(value)
        return (Piece("immediate", value) if name is None else Piece("option", name),)
