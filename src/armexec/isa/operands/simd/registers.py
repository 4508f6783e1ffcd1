"""SIMD&FP registers: scalars, and vectors with an arrangement."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ...syntax import Cursor, Register
from ..basic import Context, Fields, Operand, Places
from .arrangements import Arrangement

__all__ = ["ScalarRegister", "SizedScalar", "VectorRegister", "simd_register"]


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
