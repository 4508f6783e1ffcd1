"""General registers that hold 32 bits alone, throughout a function: W registers in code that never uses the X ones.

A register is kept between blocks in 64 bits, the upper half zero after a write of W. LLVM then sees a loop's counter
through an extension each round, and doesn't count the rounds. Where all that is ever put into a register is extended
from 32 bits, it is kept in 32, and extended where it is taken out.
"""

from __future__ import annotations

from collections.abc import Sequence

from armexec.cpu.registers import GENERAL, SP, VIEWS, bit, members

__all__ = ["narrowed", "wide_registers"]

_GENERAL = frozenset(VIEWS[n].variable for n in members(GENERAL & ~bit(SP)))
_STORE, _LOAD, _EXTEND = "store i64 ", " = load i64, ptr ", " = zext i32 "


def _stores(lines: Sequence[str]) -> tuple[set[str], set[str], dict[str, str]]:
    """The registers that only extended values are put into, the others that are written, and what was extended."""
    extended: dict[str, str] = {}
    stored: dict[str, list[str]] = {}
    wide: set[str] = set()
    for line in lines:
        if _EXTEND in line and line.endswith(" to i64"):
            name, _, rest = line.partition(_EXTEND)
            extended[name] = rest.removesuffix(" to i64")
        elif ", ptr %x" in line:
            before, _, target = line.rpartition(", ptr ")
            if target in _GENERAL:
                if before.startswith(_STORE):
                    stored.setdefault(target, []).append(before.removeprefix(_STORE))
                elif not before.endswith(" = load i64"):
                    wide.add(target)
    narrow = {
        target
        for target, values in stored.items()
        if target not in wide and all(v in extended or (v.isdigit() and int(v) >> 32 == 0) for v in values)
    }
    return narrow, wide | stored.keys() - narrow, extended


def wide_registers(lines: Sequence[str]) -> set[str]:
    """The variables of general registers into which the text of a function puts more than 32 bits."""
    return _stores(lines)[1]


def narrowed(lines: Sequence[str]) -> list[str]:
    """The text of a function with such registers kept in 32 bits."""
    narrow, _, extended = _stores(lines)
    return [new for line in lines for new in _rewritten(line, narrow, extended)] if narrow else [*lines]


def _rewritten(line: str, narrow: set[str], extended: dict[str, str]) -> tuple[str, ...]:
    if line.endswith(" = alloca i64"):
        name = line.removesuffix(" = alloca i64")
        return (f"{name} = alloca i32",) if name in narrow else (line,)
    before, _, target = line.rpartition(", ptr ")
    if target not in narrow:
        return (line,)
    if before.startswith(_STORE):
        value = before.removeprefix(_STORE)
        return (f"store i32 {extended.get(value) or _signed(int(value))}, ptr {target}",)
    name = line.partition(_LOAD)[0]
    return f"{name}.w = load i32, ptr {target}", f"{name} = zext i32 {name}.w to i64"


def _signed(value: int) -> int:
    return value - (value >> 31 << 32)
