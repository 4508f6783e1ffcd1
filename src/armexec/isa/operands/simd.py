"""Operands of SIMD and floating-point instructions. Templates are written as in Arm's manual:

    "fadd <Dd>, <Dn>, <Dm>"                              B H S D Q registers; the field is Rd Rn Rm Ra Rt Rt2 Rs
    "add <Vd>.<T>, <Vn>.<T>, <Vm>.<T>"                   vectors: "T" (Ta, Tb ...) in `operands` is an Arrangement
    "aese <Vd>.16B, <Vn>.16B"                            vectors of one arrangement
    "sqadd <V><d>, <V><n>, <V><m>"                       scalars: "V" (Va, Vb ...) is an Arrangement naming b h s d
    "fmla <Vd>.<T>, <Vn>.<T>, <Vm>.<Ts>[<index>]"        elements: "index" is ByElement, IMM5_INDEX or IMM4_INDEX
    "fmov <Xd>, <Vn>.D[1]"                               one element
    "ld2 { <Vt>.<T>, <Vt2>.<T> }, [<Xn|SP>]"             lists, counted by their commas; also `{ ... }[<index>]`
    "sshr <Vd>.<T>, <Vn>.<T>, #<shift>"                  "shift" is ShiftRight() or ShiftLeft(): esize by immh
    "fmov <Dd>, #<imm>"                                  "imm" is FLOAT_IMMEDIATE, or FloatImmediate("abc", "defgh")
    "fcmeq <Hd>, <Hn>, #0.0", "cmeq <Vd>.<T>, <Vn>.<T>, #0"   zeros, as they stand
    "fcvtzs <Wd>, <Sn>, #<fbits>"                        "fbits" is FIXED_POINT_FRACTION

An Arrangement says which name each value of some fields means, as in the manual's tables:

    T = Arrangement("size:Q", {"00:0": "8b", "00:1": "16b", "01:0": "4h", ...})        x stands for either bit

What isn't in the table is reserved: say `undefined=T.reserved` (several: `reserved(Ta, Tb)`), unless the form's
constraints exclude it. SIZE_Q, SZ_Q, IMMH_Q and their like below are the usual tables; `SIZE_Q.without("2d")` has fewer
names.

An operand whose encoding depends on an earlier one's (a shift on the arrangement) is `dependent`, and has
`encode_after`.

Instructions on halves have two forms of one encoding, made by `halves`:

    *halves("ADDHN_asimddiff_N", "addhn{2} <Vd>.<Tb>, <Vn>.<Ta>, <Vm>.<Ta>")           Q=0: addhn, Q=1: addhn2
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import pairwise, product
from typing import Any, NamedTuple

from ..syntax import Cursor, OperandError, Register
from .basic import Context, Fields, Immediate, Operand, Piece, Places

__all__ = [
    "B_Q",
    "ELEMENT_SIZE",
    "ELEMENT_SZ",
    "FIXED_POINT_FRACTION",
    "FLOAT_IMMEDIATE",
    "H_Q",
    "IMM4_INDEX",
    "IMM5_INDEX",
    "IMMH_Q",
    "IMMH_SCALAR",
    "IMMH_SCALAR_WIDE",
    "IMMH_WIDE",
    "SIZE_PAIRS_Q",
    "SIZE_Q",
    "SIZE_SCALAR",
    "SIZE_SCALAR_WIDE",
    "SIZE_WIDE",
    "SZ_Q",
    "SZ_SCALAR",
    "S_Q",
    "Arrangement",
    "ByElement",
    "Element",
    "ElementIndex",
    "FloatImmediate",
    "RegisterList",
    "ScalarRegister",
    "ShiftLeft",
    "ShiftRight",
    "SizedScalar",
    "VectorRegister",
    "element_size",
    "expand_float_immediate",
    "float_immediate_bits",
    "halves",
    "reserved",
    "simd_operand",
]


@cache
def simd_register(kind: str, number: int, lanes: str = "") -> Register:
    """A SIMD&FP register; the same object each time."""
    return Register(kind, number, lanes)


class ScalarRegister(Operand):
    """A scalar SIMD&FP register of one size: `kind` b, h, s, d or q."""

    def __init__(self, kind: str, field: str) -> None:
        self.kind = kind
        self.fields = (field,)
        self._expected = f"a register {kind.upper()}0-{kind.upper()}31"

    def parse(self, cursor: Cursor) -> Register:
        return cursor.register((self.kind,), self._expected)

    def encode(self, value: Register) -> dict[str, int]:
        return {self.fields[0]: value.number}

    def decode(self, fields: Fields) -> Register:
        return simd_register(self.kind, fields[self.fields[0]])

    def text(self, value: Register, context: Context) -> str:
        return value.name

    def printer(self, places: Places) -> Callable[[int, Context], str]:
        low, mask = places[self.fields[0]]
        kind = self.kind
        return lambda word, context: f"{kind}{word >> low & mask}"


# -- arrangements --------------------------------------------------------------------------------------------------


class Arrangement(Operand):
    """The names (8b, 16b, 4h ...; b, h, s, d of scalars and elements) that the values of some fields mean.

    `fields` are written `size:Q`, the keys of `table` their bits in the same order, `01:1`, with x for either bit. It
    stands in a template as a part of a register.
    """

    def __init__(self, fields: str, table: Mapping[str, str]) -> None:
        self.fields = tuple(fields.split(":"))
        self.table = table
        self._names: dict[tuple[int, ...], str] = {}
        self._encoded: dict[str, dict[str, int]] = {}
        for key, name in table.items():
            parts = key.split(":")
            for values in product(*(list(_matching(bits)) for bits in parts)):
                self._names[values] = name
            if name in self._encoded:
                raise ValueError(f"{name} stands twice in {table}")
            self._encoded[name] = {
                field if "x" not in bits else f"{field}/{_mask(bits)}": int(bits.replace("x", "0"), 2)
                for field, bits in zip(self.fields, parts, strict=True)
            }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._encoded)

    def without(self, *names: str) -> Arrangement:
        """The same table with some names reserved."""
        return Arrangement(":".join(self.fields), {k: v for k, v in self.table.items() if v not in names})

    def encode(self, value: str) -> dict[str, int]:
        try:
            return self._encoded[value]
        except KeyError:
            raise OperandError(f"arrangement {value} can't stand here: {', '.join(self.names)}") from None

    def decode(self, fields: Fields) -> str:
        return self._names[tuple([fields[name] for name in self.fields])]

    def text(self, value: str, context: Context) -> str:
        return value

    def printer(self, places: Places) -> Callable[[int, Context], str]:
        fields = [places[name] for name in self.fields]
        names = self._names
        if len(fields) == 1:
            low, mask = fields[0]
            by_value = {value: name for (value,), name in names.items()}
            return lambda word, context: by_value[word >> low & mask]
        if len(fields) == 2:
            (low, mask), (low2, mask2) = fields
            return lambda word, context: names[word >> low & mask, word >> low2 & mask2]
        return lambda word, context: names[tuple([word >> low & mask for low, mask in fields])]

    def reserved(self, fields: Fields) -> bool:
        """Whether these values mean nothing: the word is UNDEFINED."""
        return tuple([fields[name] for name in self.fields]) not in self._names


class _Fixed(Arrangement):
    """An arrangement that no field decides."""

    def __init__(self, name: str) -> None:
        self.fields = ()
        self.table = {}
        self._names = {(): name}
        self._encoded = {name: {}}


def _matching(bits: str) -> Iterator[int]:
    """The numbers that bits with x stand for."""
    for digits in product(*("01" if bit == "x" else bit for bit in bits)):
        yield int("".join(digits), 2)


def _mask(bits: str) -> str:
    return bits.replace("0", "1").replace("x", "0")


def reserved(*arrangements: Arrangement) -> Callable[[Fields], bool]:
    """Whether one of several arrangements is reserved, for `undefined`."""
    return lambda fields: any(arrangement.reserved(fields) for arrangement in arrangements)


SIZE_Q = Arrangement(
    "size:Q",
    {"00:0": "8b", "00:1": "16b", "01:0": "4h", "01:1": "8h", "10:0": "2s", "10:1": "4s", "11:1": "2d"},
)
SIZE_WIDE = Arrangement("size", {"00": "8h", "01": "4s", "10": "2d"})
"""<Ta>: whole registers of elements twice as wide as `size` says."""
SIZE_PAIRS_Q = Arrangement(
    "size:Q", {"00:0": "4h", "00:1": "8h", "01:0": "2s", "01:1": "4s", "10:0": "1d", "10:1": "2d"}
)
"""<Ta> of the pairwise long instructions (SADDLP): half as many elements, twice as wide."""
SZ_Q = Arrangement("sz:Q", {"0:0": "2s", "0:1": "4s", "1:1": "2d"})
B_Q = Arrangement("Q", {"0": "8b", "1": "16b"})
H_Q = Arrangement("Q", {"0": "4h", "1": "8h"})
S_Q = Arrangement("Q", {"0": "2s", "1": "4s"})
IMMH_Q = Arrangement(
    "immh:Q",
    {
        "0001:0": "8b",
        "0001:1": "16b",
        "001x:0": "4h",
        "001x:1": "8h",
        "01xx:0": "2s",
        "01xx:1": "4s",
        "1xxx:1": "2d",
    },
)
IMMH_WIDE = Arrangement("immh", {"0001": "8h", "001x": "4s", "01xx": "2d"})
SIZE_SCALAR = Arrangement("size", {"00": "b", "01": "h", "10": "s", "11": "d"})
SIZE_SCALAR_WIDE = Arrangement("size", {"00": "h", "01": "s", "10": "d"})
SZ_SCALAR = Arrangement("sz", {"0": "s", "1": "d"})
IMMH_SCALAR = Arrangement("immh", {"0001": "b", "001x": "h", "01xx": "s", "1xxx": "d"})
IMMH_SCALAR_WIDE = Arrangement("immh", {"0001": "h", "001x": "s", "01xx": "d"})
ELEMENT_SIZE = Arrangement("size", {"01": "h", "10": "s"})
"""<Ts> of the integer instructions by element."""
ELEMENT_SZ = Arrangement("sz", {"0": "s", "1": "d"})
"""<Ts> of the floating-point instructions by element."""


class VectorRegister(Operand):
    """`v0.4s`: a register and its arrangement."""

    def __init__(self, field: str, arrangement: Arrangement) -> None:
        self.arrangement = arrangement
        self.fields = (field, *arrangement.fields)
        self._expected = f"a vector register ({', '.join(f'V0.{name}' for name in arrangement.names)})"

    def parse(self, cursor: Cursor) -> Register:
        register = cursor.register(("v",), self._expected)
        if register.lanes not in self.arrangement.names or register.index is not None:
            cursor.position -= 1
            raise cursor.fail(self._expected)
        return register

    def encode(self, value: Register) -> dict[str, int]:
        return {self.fields[0]: value.number, **self.arrangement.encode(value.lanes)}

    def decode(self, fields: Fields) -> Register:
        return simd_register("v", fields[self.fields[0]], self.arrangement.decode(fields))

    def text(self, value: Register, context: Context) -> str:
        return value.name

    def printer(self, places: Places) -> Callable[[int, Context], str]:
        low, mask = places[self.fields[0]]
        arrangement = self.arrangement.printer(places)
        return lambda word, context: f"v{word >> low & mask}.{arrangement(word, context)}"


class SizedScalar(Operand):
    """`<V><d>`: a scalar register whose size, b, h, s or d, is what the arrangement says."""

    def __init__(self, field: str, arrangement: Arrangement) -> None:
        self.arrangement = arrangement
        self.fields = (field, *arrangement.fields)
        self._expected = f"a register {' or '.join(f'{name.upper()}0-{name.upper()}31' for name in arrangement.names)}"

    def parse(self, cursor: Cursor) -> Register:
        return cursor.register(self.arrangement.names, self._expected)

    def encode(self, value: Register) -> dict[str, int]:
        return {self.fields[0]: value.number, **self.arrangement.encode(value.kind)}

    def decode(self, fields: Fields) -> Register:
        return simd_register(self.arrangement.decode(fields), fields[self.fields[0]])

    def text(self, value: Register, context: Context) -> str:
        return value.name


# -- elements ------------------------------------------------------------------------------------------------------


class ElementIndex(Operand):
    """An encoding of an element's number; it stands in a template as a part of a register.

    `fields` are those of the index alone; the register's own may be narrowed by it.
    """

    def element(self, field: str, lanes: str, index: int, number: int) -> dict[str, int]:
        """The fields of register `number`, element `index`; raises OperandError."""
        raise NotImplementedError

    def locate(self, field: str, lanes: str, fields: Fields) -> tuple[int, int]:
        """The register's number and the index."""
        raise NotImplementedError


def element_size(lanes: str) -> int:
    """The bits of an element of an arrangement, or of a register kind: 32 for 4s, 2s and s."""
    return {"b": 8, "h": 16, "s": 32, "d": 64, "q": 128}[lanes[-1]]


def _check_index(lanes: str, index: int, count: int) -> None:
    if not 0 <= index < count:
        raise OperandError(f"index {index} of a .{lanes} element is out of range 0..{count - 1}")


class ByElement(ElementIndex):
    """The index of instructions by element, by the element's name: `{"h": "H:L:M", "s": "H:L", "d": "H"}`.

    Of M:Rm, what isn't in the index numbers the register. L is zero where it isn't in the index; words in which it is
    one are UNDEFINED, which the instruction has to say.
    """

    def __init__(self, indices: Mapping[str, str]) -> None:
        self.indices = {lanes: tuple(bits.split(":")) for lanes, bits in indices.items()}
        self.fields = ("H", "L", "M")

    def element(self, field: str, lanes: str, index: int, number: int) -> dict[str, int]:
        bits = self.indices[lanes]
        _check_index(lanes, index, 1 << len(bits))
        result = {name: index >> place & 1 for place, name in enumerate(reversed(bits))}
        if "M" in bits:
            if number > 15:
                raise OperandError(f"v{number} can't stand here: an .{lanes} element is in V0-V15")
        else:
            result["M"] = number >> 4
        return {"L": 0, **result, field: number & 15}

    def locate(self, field: str, lanes: str, fields: Fields) -> tuple[int, int]:
        index = 0
        for name in self.indices[lanes]:
            index = index << 1 | fields[name]
        high = 0 if "M" in self.indices[lanes] else fields["M"]
        return high << 4 | fields[field], index


class _Imm5Index(ElementIndex):
    """`imm5`: the index, then a one, then log2(bytes of an element) zeros."""

    fields = ("imm5",)

    def element(self, field: str, lanes: str, index: int, number: int) -> dict[str, int]:
        size = element_size(lanes) // 8
        _check_index(lanes, index, 16 // size)
        return {"imm5": (2 * index + 1) * size, field: number}

    def locate(self, field: str, lanes: str, fields: Fields) -> tuple[int, int]:
        return fields[field], fields["imm5"] // (element_size(lanes) // 4)


class _Imm4Index(ElementIndex):
    """`imm4`: the index, then log2(bytes of an element) bits that are ignored."""

    fields = ("imm4",)

    def element(self, field: str, lanes: str, index: int, number: int) -> dict[str, int]:
        size = element_size(lanes) // 8
        _check_index(lanes, index, 16 // size)
        return {"imm4": index * size, field: number}

    def locate(self, field: str, lanes: str, fields: Fields) -> tuple[int, int]:
        return fields[field], fields["imm4"] // (element_size(lanes) // 8)


IMM5_INDEX = _Imm5Index()
"""The index of DUP, UMOV, SMOV, and of the destination of INS."""
IMM4_INDEX = _Imm4Index()
"""The index of the source of INS."""


class _OneIndex(ElementIndex):
    """The only element that an instruction takes."""

    def __init__(self, index: int) -> None:
        self.index = index

    def element(self, field: str, lanes: str, index: int, number: int) -> dict[str, int]:
        if index != self.index:
            raise OperandError(f"index {index} can't stand here: only {self.index}")
        return {field: number}

    def locate(self, field: str, lanes: str, fields: Fields) -> tuple[int, int]:
        return fields[field], self.index


def _parse_index(cursor: Cursor) -> int:
    cursor.expect("[")
    index = cursor.number("an element's index")
    cursor.expect("]")
    return index


class Element(Operand):
    """`v0.s[1]`: one element of a register. The arrangement of the whole register may be written: `v0.4s[1]`."""

    def __init__(self, field: str, arrangement: Arrangement, index: ElementIndex) -> None:
        self.arrangement = arrangement
        self.index = index
        self.fields = tuple(dict.fromkeys((field, *arrangement.fields, *index.fields)))
        self._expected = f"an element ({', '.join(f'V0.{name}[0]' for name in arrangement.names)})"

    def parse(self, cursor: Cursor) -> Register:
        register = cursor.register(("v",), self._expected)
        lanes = register.lanes
        if lanes not in self.arrangement.names:
            lanes = lanes.lstrip("0123456789")
        if lanes not in self.arrangement.names:
            cursor.position -= 1
            raise cursor.fail(self._expected)
        if register.index is not None:
            return register
        return Register("v", register.number, lanes, _parse_index(cursor))

    def encode(self, value: Register) -> dict[str, int]:
        assert value.index is not None
        place = self.index.element(self.fields[0], value.lanes, value.index, value.number)
        return {**self.arrangement.encode(value.lanes), **place}

    def decode(self, fields: Fields) -> Register:
        lanes = self.arrangement.decode(fields)
        number, index = self.index.locate(self.fields[0], lanes, fields)
        return Register("v", number, lanes, index)

    def text(self, value: Register, context: Context) -> str:
        return value.name


# -- lists ---------------------------------------------------------------------------------------------------------


class _List(NamedTuple):
    """Consecutive registers. `problem` says what is wrong with the list written, if something is."""

    first: int
    length: int
    lanes: str
    element: int | None = None
    problem: str = ""


class RegisterList(Operand):
    """`{ v0.4s, v1.4s }` or `{ v0.s, v1.s }[1]`: `count` consecutive registers, V0 after V31.

    A range (`{ v0.4s - v3.4s }`) is read too. `index` says how the element's number is encoded, if there is one.
    """

    def __init__(self, field: str, arrangement: Arrangement, count: int, index: ElementIndex | None = None) -> None:
        self.arrangement = arrangement
        self.count = count
        self.index = index
        self.fields = tuple(dict.fromkeys((field, *arrangement.fields, *(index.fields if index else ()))))
        names = ", ".join(f".{name}" for name in arrangement.names)
        self._expected = f"a list of {count} vector register{'s' * (count > 1)} ({names})"

    def parse(self, cursor: Cursor) -> _List:
        start = cursor.position
        if not cursor.punctuation("{"):
            raise cursor.fail(self._expected)
        registers = [self._register(cursor)]
        problem = ""
        if cursor.punctuation("-"):
            last = self._register(cursor)
            count = (last.number - registers[0].number & 31) + 1
        else:
            while cursor.punctuation(","):
                registers.append(self._register(cursor))
            count = len(registers)
            for one, following in pairwise(registers):
                if following.lanes != one.lanes:
                    problem = f"{following.name} can't follow {one.name}: a list's registers have one arrangement"
                elif following.number != one.number + 1 & 31:
                    problem = f"{following.name} can't follow {one.name}: a list's registers are consecutive"
            if count != self.count:
                cursor.position = start
                raise cursor.fail(self._expected)
        cursor.expect("}")
        index = _parse_index(cursor) if self.index else None
        return _List(registers[0].number, count, registers[0].lanes, index, problem)

    def _register(self, cursor: Cursor) -> Register:
        register = cursor.register(("v",), self._expected)
        if register.lanes not in self.arrangement.names:
            cursor.position -= 1
            raise cursor.fail(self._expected)
        return register

    def encode(self, value: _List) -> dict[str, int]:
        if value.problem:
            raise OperandError(value.problem)
        if value.length != self.count:
            raise OperandError(f"{value.length} registers can't stand here: {self._expected}")
        fields = {self.fields[0]: value.first, **self.arrangement.encode(value.lanes)}
        if self.index and value.element is not None:
            fields |= self.index.element(self.fields[0], value.lanes, value.element, value.first)
        return fields

    def decode(self, fields: Fields) -> _List:
        lanes = self.arrangement.decode(fields)
        number, index = fields[self.fields[0]], None
        if self.index:
            number, index = self.index.locate(self.fields[0], lanes, fields)
        return _List(number, self.count, lanes, index)

    def pieces(self, value: _List) -> tuple[Piece, ...]:
        numbers = [value.first + i & 31 for i in range(value.length)]
        return tuple(Piece("register", Register("v", number, value.lanes, value.element)) for number in numbers)

    def text(self, value: _List, context: Context) -> str:
        names = ", ".join(f"v{value.first + i & 31}.{value.lanes}" for i in range(value.length))
        return f"{{ {names} }}" + (f"[{value.element}]" if value.element is not None else "")


# -- immediates ----------------------------------------------------------------------------------------------------


def expand_float_immediate(imm8: int) -> float:
    """VFPExpandImm(): the number that imm8 means in every format. (-1)**s * (16 + mantissa) / 16 * 2**(-3..4)."""
    exponent = (imm8 >> 4 & 7 ^ 4) - 3
    value = (16 + (imm8 & 15)) / 16 * 2.0**exponent
    return -value if imm8 >> 7 else value


def float_immediate_bits(imm8: int, size: int) -> int:
    """VFPExpandImm(): the bits of that number in the format of `size` bits."""
    exponent_bits = {16: 5, 32: 8, 64: 11}[size]
    fraction_bits = size - 1 - exponent_bits
    sign, b, cd = imm8 >> 7, imm8 >> 6 & 1, imm8 >> 4 & 3
    exponent = (1 - b) << exponent_bits - 1 | (b << exponent_bits - 3) - b << 2 | cd
    return sign << size - 1 | exponent << fraction_bits | (imm8 & 15) << fraction_bits - 4


_FLOAT_IMMEDIATES = {expand_float_immediate(imm8): imm8 for imm8 in range(256)}


def _parse_float(cursor: Cursor, expected: str) -> tuple[float, bool]:
    """A number as a float, and whether it was written as a hexadecimal integer."""
    start = cursor.position
    cursor.punctuation("#")
    token = cursor.token
    if token.kind == "float" or (token.kind == "value" and isinstance(token.value, int)):
        cursor.position += 1
        return float(token.value), token.kind == "value" and token.text.lower().startswith("0x")
    cursor.position = start
    raise cursor.fail(expected)


class FloatImmediate(Operand):
    """A floating-point number of eight bits (VFPExpandImm) in fields, high part first.

    `#1.0`, `#1`, `#1e0`, `#0x1p0`; as in LLVM a hexadecimal integer is the encoding itself: `#0x70`.
    """

    def __init__(self, *fields: str) -> None:
        self.fields = fields
        self._widths: tuple[int, ...] = ()

    def bind(self, widths: Mapping[str, int]) -> Operand:
        super().bind(widths)
        self._widths = tuple(widths[name] for name in self.fields)
        return self

    def parse(self, cursor: Cursor) -> tuple[float, bool]:
        return _parse_float(cursor, "a floating-point immediate")

    def encode(self, value: tuple[float, bool]) -> dict[str, int]:
        number, encoded = value
        if encoded:
            if not 0 <= number <= 255:
                raise OperandError(f"the encoding {number:.0f} of a floating-point immediate is out of range 0..255")
            imm8 = int(number)
        else:
            try:
                imm8 = _FLOAT_IMMEDIATES[number]
            except KeyError:
                raise OperandError(
                    f"{number!r} can't be a floating-point immediate: +-n/16 * 2**r, n 16..31, r -3..4"
                ) from None
        return _spread(imm8, self.fields, self._widths)

    def decode(self, fields: Fields) -> tuple[float, bool]:
        return expand_float_immediate(_gather(fields, self.fields, self._widths)), False

    def pieces(self, value: tuple[float, bool]) -> tuple[Piece, ...]:
        return (Piece("float", value[0]),)

    def text(self, value: tuple[float, bool], context: Context) -> str:
        return f"{value[0]:.8f}"


def _spread(value: int, names: tuple[str, ...], widths: tuple[int, ...]) -> dict[str, int]:
    """A number cut into fields, the last one lowest."""
    result = {}
    for name, width in zip(reversed(names), reversed(widths), strict=True):
        result[name] = value & ((1 << width) - 1)
        value >>= width
    return result


def _gather(fields: Fields, names: tuple[str, ...], widths: tuple[int, ...]) -> int:
    value = 0
    for name, width in zip(names, widths, strict=True):
        value = value << width | fields[name]
    return value


FLOAT_IMMEDIATE = FloatImmediate("imm8")
"""The immediate of the scalar FMOV."""


class _ZeroImmediate(Operand):
    """The only number that an instruction takes: `#0` or `#0.0`."""

    default = 0

    def __init__(self, text: str) -> None:
        self._text = text

    def parse(self, cursor: Cursor) -> float:
        if "." in self._text:
            return _parse_float(cursor, self._text)[0]
        return cursor.number(self._text)

    def encode(self, value: float) -> dict[str, int]:
        if value != 0 or str(value).startswith("-"):
            raise OperandError(f"{value} can't stand here: only {self._text[1:]}")
        return {}

    def decode(self, fields: Fields) -> float:
        return 0

    def pieces(self, value: float) -> tuple[Piece, ...]:
        return (Piece("float", 0.0) if "." in self._text else Piece("immediate", 0),)

    def text(self, value: float, context: Context) -> str:
        return self._text


class _Shift(Operand):
    """A shift amount in immh:immb, counted from the element's size, which immh's highest bit says."""

    fields = ("immh", "immb")
    dependent = True

    def parse(self, cursor: Cursor) -> Any:
        return cursor.value("a shift amount")

    def text(self, value: int, context: Context) -> str:
        return str(value)

    def _size(self, fields: Fields) -> int:
        return 8 << fields["immh"].bit_length() - 1


class ShiftLeft(_Shift):
    """A left shift, 0 to esize - 1: immh:immb is esize + shift."""

    def encode_after(self, value: int, fields: Fields) -> dict[str, int]:
        size = self._size(fields)
        if not 0 <= value < size:
            raise OperandError(f"shift amount {value} is out of range 0..{size - 1}")
        return {"immh": size + value >> 3, "immb": size + value & 7}

    def decode(self, fields: Fields) -> int:
        return (fields["immh"] << 3 | fields["immb"]) - self._size(fields)


class ShiftRight(_Shift):
    """A right shift, or the fraction bits of a fixed-point number, 1 to esize: immh:immb is 2 * esize - shift."""

    def encode_after(self, value: int, fields: Fields) -> dict[str, int]:
        size = self._size(fields)
        if not 1 <= value <= size:
            raise OperandError(f"shift amount {value} is out of range 1..{size}")
        return {"immh": 2 * size - value >> 3, "immb": 2 * size - value & 7}

    def decode(self, fields: Fields) -> int:
        return 2 * self._size(fields) - (fields["immh"] << 3 | fields["immb"])


class _FixedPointFraction(Immediate):
    """`#<fbits>` of conversions with a general register: scale is 64 - fbits. W needs the constraint scale=1xxxxx."""

    def __init__(self) -> None:
        super().__init__("scale")

    @property
    def low(self) -> int:
        return 1

    @property
    def high(self) -> int:
        return 64

    def encode(self, value: int) -> dict[str, int]:
        return super().encode(value) and {"scale": 64 - value}

    def decode(self, fields: Fields) -> int:
        return 64 - fields["scale"]


FIXED_POINT_FRACTION = _FixedPointFraction()


# -- templates -----------------------------------------------------------------------------------------------------

_FIELD_OF = {"d": "Rd", "n": "Rn", "m": "Rm", "a": "Ra", "s": "Rs", "t": "Rt", "t1": "Rt", "t2": "Rt2"}
SIMD_TEMPLATE = (
    r"#0\.0|#0(?![\w.])"
    r"|\{ <V[a-z]>\.[^}]*\}(?:\[<?\w+>?\])?"
    r"|<V[a-z]\d?>\.(?:<T\w*>|\d*[BHSDQ])(?:\[<?\w+>?\])?"
    r"|<V[a-z]?><[a-z]>"
)
"""The pieces of a template that are one operand, as a regular expression without groups."""
_VECTOR = re.compile(r"<V([a-z]\d?)>\.(?:<(T\w*)>|(\d*[BHSDQ]))")
_INDEX = re.compile(r"\[<?(\w+)>?\]$")
_SIZED = re.compile(r"<(V[a-z]?)><([a-z])>")


def simd_operand(template: str, operands: Mapping[str, Operand]) -> Operand:
    """The operand for a piece of a template that SIMD_TEMPLATE matches.

    Raises:
        ValueError: it names something that isn't in `operands`, or isn't of the right kind there.
    """
    if template.startswith("#"):
        return _ZeroImmediate(template)
    sized = _SIZED.fullmatch(template)
    if sized is not None:
        return SizedScalar(_FIELD_OF[sized[2]], _named(sized[1], operands, Arrangement, template))
    vector = _VECTOR.search(template)
    if vector is None:
        raise ValueError(f"no operand {template}")
    letter, name, fixed = vector.groups()
    field = _FIELD_OF[letter]
    arrangement = _named(name, operands, Arrangement, template) if name else _Fixed(fixed.lower())
    written = _INDEX.search(template)
    index: ElementIndex | None = None
    if written is not None:
        index = (
            _OneIndex(int(written[1])) if written[1].isdigit() else _named(written[1], operands, ElementIndex, template)
        )
    if template.startswith("{"):
        return RegisterList(field, arrangement, template.count(",") + 1, index)
    return Element(field, arrangement, index) if index else VectorRegister(field, arrangement)


def _named(name: str, operands: Mapping[str, Operand], kind: type[Any], template: str) -> Any:
    operand = operands.get(name)
    if not isinstance(operand, kind):
        raise ValueError(f"{template}: operands[{name!r}] must be {kind.__name__}, not {operand!r}")
    return operand


def halves(name: str, syntax: str, constraints: str = "") -> list[tuple[str, str, str]]:
    """The two forms of an encoding whose mnemonic ends in {2} where Q says the upper half."""
    return [
        (name, f"Q={q} {constraints}".strip(), syntax.replace("{2}", suffix, 1)) for q, suffix in ((0, ""), (1, "2"))
    ]
