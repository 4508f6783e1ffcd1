"""Lists of consecutive vector registers."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from ...syntax import Cursor, OperandError, Register
from ..basic import Context, Fields, Operand, Piece
from .arrangements import Arrangement
from .elements import ElementIndex, parse_index

__all__ = ["RegisterList"]


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
        index = parse_index(cursor) if self.index else None
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
