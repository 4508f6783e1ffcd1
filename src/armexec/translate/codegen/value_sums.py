"""Values of an IR text from those that they are computed from.

LLVM may compute only those bits of a value that are used. What it computes isn't taken for the value then, unless all
of its bits are: where it is the address of a store. Loads, arguments and results of calls are whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

__all__ = ["evaluated", "is_whole", "operands", "value_bits"]

_BINARY: Mapping[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
}
_OPERATION = re.compile(r"(add|sub|mul|and|or|xor) i(8|16|32|64) (\S+), (\S+)$")
_CAST = re.compile(r"(zext|sext|trunc) i(8|16|32|64) (\S+) to i(8|16|32|64)$")
_LOADED = re.compile(r"load i(8|16|32|64), ptr %[\w.]+, align")
_EXTRACTED = re.compile(r"extractvalue \{.*\} %\w+, \d+$")
_POINTERS = ("getelementptr i8, ptr null, i64 ",)
_STORES = re.compile(r"(?:store .*, ptr|atomicrmw \w+ ptr|cmpxchg ptr) (%[\w.]+)(?:,|$)")
_SUM = re.compile(r"add i64 (%[\w.]+), -?\d+$")


def is_whole(value: str, operation: str, lines: Sequence[str]) -> bool:
    """Whether LLVM has all bits of a value of a function's text where it has any; `operation` is "" for an argument."""
    if not operation or _LOADED.match(operation) or _EXTRACTED.match(operation):
        return True
    return value in _stored_through(lines)


def _stored_through(lines: Sequence[str]) -> set[str]:
    """The values that are addresses of stores, or that constants are added to for such."""
    pointers: dict[str, str] = {}
    sums: dict[str, str] = {}
    found: set[str] = set()
    for line in lines:
        name, _, operation = line.partition(" = ")
        for begin in _POINTERS:
            if operation.startswith(begin):
                pointers[name] = operation.removeprefix(begin)
        added = _SUM.match(operation)
        if added:
            sums[name] = added[1]
        stored = _STORES.search(line)
        value = pointers.get(stored[1]) if stored else None
        while value is not None:
            found.add(value)
            value = sums.get(value)
    return found


def value_bits(operation: str, known: int) -> int:
    """How many bits a value has; `known` where the text doesn't say it."""
    found = _OPERATION.match(operation) or _LOADED.match(operation)
    if found:
        return int(found[2] if found.re is _OPERATION else found[1])
    cast = _CAST.match(operation)
    return int(cast[4]) if cast else known


def operands(operation: str) -> list[tuple[str, int]]:
    """The values that another is computed from, with their bits, if it can be evaluated."""
    binary, cast = _OPERATION.match(operation), _CAST.match(operation)
    if binary:
        return [(text, int(binary[2])) for text in binary.group(3, 4) if text[0] == "%"]
    return [(cast[3], int(cast[2]))] if cast and cast[3][0] == "%" else []


def evaluated(operation: str, value_of: Callable[[str, int], int | None]) -> int | None:
    """What an operation gives; `value_of` gives the operands by their texts and bits. None where that isn't known."""
    binary, cast = _OPERATION.match(operation), _CAST.match(operation)
    if binary:
        bits = int(binary[2])
        first, second = (_operand(text, bits, value_of) for text in binary.group(3, 4))
        if first is None or second is None:
            return None
        return _BINARY[binary[1]](first, second) & (1 << bits) - 1
    if cast:
        bits = int(cast[2])
        value = _operand(cast[3], bits, value_of)
        if value is None:
            return None
        if cast[1] == "sext" and value >> bits - 1:
            value -= 1 << bits
        return value & (1 << int(cast[4])) - 1
    return None


def _operand(text: str, bits: int, value_of: Callable[[str, int], int | None]) -> int | None:
    if text.removeprefix("-").isdigit():
        return int(text) & (1 << bits) - 1
    return value_of(text, bits) if text[0] == "%" else None
