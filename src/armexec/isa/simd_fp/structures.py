"""Operands and steps that loads and stores of structures share."""

from __future__ import annotations

from collections.abc import Mapping

from ..machine import Machine
from ..operands import Context, Fields, Operand
from ..syntax import Cursor, Expression, OperandError
from ..values import Value, Vector

__all__ = ["PostIndex", "deinterleave", "interleave", "register_list", "write_back"]


class PostIndex(Operand):
    """The bytes accessed, as the immediate that is added to the base; `sizes` has the fields of each."""

    def __init__(self, sizes: Mapping[int, dict[str, int]]) -> None:
        self._sizes = sizes
        self.fields = tuple({name: None for encoded in sizes.values() for name in encoded})
        self._expected = " or ".join(f"#{size}" for size in sizes)

    def parse(self, cursor: Cursor) -> int | Expression:
        return cursor.value(self._expected)

    def encode(self, value: int) -> dict[str, int]:
        try:
            return self._sizes[value]
        except KeyError:
            raise OperandError(
                f"the base can't go on by {value}: only by {self._expected}, the bytes accessed"
            ) from None

    def decode(self, fields: Fields) -> int:
        return next(size for size, encoded in self._sizes.items() if encoded.items() <= fields.items())

    def text(self, value: int, context: Context) -> str:
        return str(value)


def register_list(count: int, lanes: str, index: str = "") -> str:
    """A list in a template: `{ <Vt>.<T>, <Vt2>.<T> }`."""
    return "{ " + ", ".join(f"<Vt{n}>.{lanes}" for n in ["", 2, 3, 4][:count]) + " }" + index


def write_back(m: Machine, address: Value, size: int, Rm: int, Rn: int) -> None:
    """Add the bytes accessed to the base, or a register that isn't XZR."""
    m.XSP[64, Rn] = address + (size if Rm == 31 else m.X[64, Rm])


def _halves(vectors: list[Vector]) -> tuple[Vector, Vector]:
    """Two to four vectors as two of one shape, in which lanes are numbered through."""
    if len(vectors) == 2:
        return vectors[0], vectors[1]
    return vectors[0].concat(vectors[1]), vectors[2].concat(vectors[-1])


def deinterleave(blocks: list[Vector]) -> list[Vector]:
    """A vector of each element, from consecutive vectors of memory that hold structures of as many elements."""
    count = len(blocks)
    if count == 1:
        return blocks
    low, high = _halves(blocks)
    return [low.shuffle(high, range(first, count * blocks[0].lanes, count)) for first in range(count)]


def interleave(vectors: list[Vector]) -> list[Vector]:
    """The opposite of `deinterleave`."""
    count, lanes = len(vectors), vectors[0].lanes
    if count == 1:
        return vectors
    low, high = _halves(vectors)
    order = [i % count * lanes + i // count for i in range(count * lanes)]
    return [low.shuffle(high, order[block * lanes : (block + 1) * lanes]) for block in range(count)]
