"""Elements of vector registers (`v0.s[1]`), and the encodings of their numbers."""

from __future__ import annotations

from collections.abc import Mapping

from ...syntax import Cursor, OperandError, Register
from ..basic import Context, Fields, Operand
from .arrangements import Arrangement

__all__ = [
    "IMM4_INDEX",
    "IMM5_INDEX",
    "ByElement",
    "Element",
    "ElementIndex",
    "OnlyElement",
    "element_size",
    "parse_index",
]


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


class OnlyElement(ElementIndex):
    """The only element that an instruction takes."""

    def __init__(self, index: int) -> None:
        self.index = index

    def element(self, field: str, lanes: str, index: int, number: int) -> dict[str, int]:
        if index != self.index:
            raise OperandError(f"index {index} can't stand here: only {self.index}")
        return {field: number}

    def locate(self, field: str, lanes: str, fields: Fields) -> tuple[int, int]:
        return fields[field], self.index


def parse_index(cursor: Cursor) -> int:
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
        return Register("v", register.number, lanes, parse_index(cursor))

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
