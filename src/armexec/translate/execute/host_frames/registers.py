"""The guest's general registers where translated code was left, as far as they are there, and certain.

A register has a value of the IR text at an instruction (`codegen/register_values.py`), and LLVM says where the host has
that value (`codegen/value_locations.py`). It is taken only if it can't be an older one of its name: if it is computed
at most once in each call of the host. What a function hasn't changed is as in its caller, at the call.
"""

from __future__ import annotations

import re
import struct
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from armexec.errors import HostError
from armexec.translate.codegen.register_values import (
    CALLER,
    FunctionValues,
    Known,
    State,
    called,
    function_texts,
    in_circles,
)
from armexec.translate.codegen.value_sums import evaluated, is_whole, operands, value_bits
from armexec.translate.execute.host_frames.kept import Kept
from armexec.translate.execute.host_frames.walk import HostFrame, is_guest
from armexec.translate.tiers import BASELINE

if TYPE_CHECKING:
    from armexec.translate.codegen.host_frames import HostFrames
    from armexec.translate.execute.linked_unit import LinkedUnit

__all__ = ["guest_registers"]

_SP = 31
_NEVER_PASSED = range(9, 30)
_ARGUMENT = re.compile(r"%a(\d+)\b")
_CONSTANT = re.compile(r"(?:i64|i1|double|float|ptr|<2 x i64>) ([^\s,()]+)")
_MOST_LEVELS = 12
_DEPTH = 4
"""How many operations a value is computed by at most."""
_SLOTS = (BASELINE, "O0")
"""The tiers whose code keeps the variables of functions in memory."""


class _Unit:
    """The text of a unit, looked into."""

    def __init__(self, unit: LinkedUnit) -> None:
        # It doesn't keep the unit, which has it.
        self.unit: LinkedUnit = weakref.proxy(unit)
        self.texts = function_texts(unit.text)
        self._functions: dict[str, FunctionValues] = {}
        self._recursive: set[str] | None = None

    def function(self, name: str) -> FunctionValues | None:
        if name not in self._functions and name in self.texts:
            self._functions[name] = FunctionValues(name, self.texts[name])
        return self._functions.get(name)

    def lines(self, name: str) -> Sequence[str]:
        return self.texts[name]

    def is_recursive(self, name: str) -> bool:
        """Whether a function may be called while it runs, as far as this unit knows: LLVM makes loops of some."""
        if self._recursive is None:
            self._recursive = in_circles({other: called(lines) for other, lines in self.texts.items()})
        return name in self._recursive


_units: weakref.WeakKeyDictionary[LinkedUnit, _Unit] = weakref.WeakKeyDictionary()


def _looked_into(unit: LinkedUnit) -> _Unit:
    found = _units.get(unit)
    if found is None:
        found = _units[unit] = _Unit(unit)
    return found


@dataclass
class _Level:
    """A guest's function that was being executed. `state`: what its registers have, at the fault or after its call has
    written X30.

    `depth`: by how many functions it is further out than the innermost of the host's function at this place.
    `from_python`: of the outermost, the registers that it was called with.
    """

    frame: HostFrame
    depth: int
    text: _Unit
    function: FunctionValues
    offset: int
    state: State
    is_once: bool = True
    values: dict[str, int] = field(default_factory=dict)
    from_python: dict[int, int] = field(default_factory=dict)

    @property
    def lines(self) -> Sequence[str]:
        return self.text.lines(self.function.name)

    def wanted(self) -> dict[str, int]:
        """The values to ask LLVM for, with their bits."""
        found: dict[str, int] = {}
        if self.text.unit.tier in _SLOTS:
            found |= {f"%x{n}": 0 for n, register in self.state.items() if register.is_kept}
        todo = [(r.known.name, r.known.bits, 0) for r in self.state.values() if r.known is not None and r.known.name]
        for name, bits, depth in todo:  # grows meanwhile
            operation = self.function.definitions.get(name, "")
            same = self.function.same.get(name)
            if same is not None and same.name:
                todo.append((same.name, same.bits, depth + 1))
            if not self.is_once or not self.function.is_once(name) or depth > _DEPTH:
                continue
            if is_whole(name, operation, self.lines):
                found[name] = value_bits(operation, bits)
            todo += [(other, size, depth + 1) for other, size in operands(operation)]
        return found


def guest_registers(frames: Sequence[HostFrame], kept: Kept, pc: int | None) -> dict[int, int]:
    """X0 to X30 and SP (31), those that are known, at the instruction at `pc`.

    Args:
        frames: the calls of the host, the innermost first.
        kept: what has been kept of the host.
        pc: where the guest's fault was; None where it was left by a call of what isn't code.
    """
    try:
        levels = _levels(frames, pc)
        _find_values(levels, kept.word)
    except HostError:
        return {}
    if levels:
        levels[-1].from_python = _from_python(frames, levels[-1], kept.guest_top)
    found: dict[int, int] = {}
    if levels and pc is None:
        # They are in the state for the call.
        general = struct.unpack("<32Q", kept.general)
        found = {n: general[n] for n in levels[0].function.flushed(levels[0].offset)}
    for n in range(32):
        value = _resolved(levels, 0, n)
        if value is not None:
            found[n] = value
    return found


def _levels(frames: Sequence[HostFrame], pc: int | None) -> list[_Level]:
    """The guest's functions as far as they are known without a gap, the innermost first."""
    levels: list[_Level] = []
    for frame, depth, name, offset in _scopes(frames):
        if offset is None:
            # What the translator has added: nothing of the guest's, if it is called by an instruction of it.
            if levels:
                break
            continue
        unit = frame.tables.unit
        assert unit is not None
        text = _looked_into(unit)
        function = text.function(name)
        if function is None or len(levels) == _MOST_LEVELS:
            break
        if not levels and pc is not None:
            if not _is_told(unit, pc - unit.base, offset):
                break
            offset = pc - unit.base  # noqa: PLW2901
        # A call has written X30.
        state = function.at(offset, after=bool(levels) or pc is None)
        if state is None:
            break
        levels.append(_Level(frame, depth, text, function, offset, state))
    _mark_repeated(levels)
    return levels


def _from_python(frames: Sequence[HostFrame], outermost: _Level, top: int) -> dict[int, int]:
    """The registers that a function has been called with by the function that Python calls, as far as that says it."""
    place = next(n for n, frame in enumerate(frames) if frame is outermost.frame)
    # It may be in that function.
    following = [(outermost.frame, scope) for scope in outermost.frame.scopes[outermost.depth + 1 :]]
    following += [(frame, scope) for frame in frames[place + 1 :] for scope in frame.scopes]
    stub, scope = following[0] if following else (outermost.frame, None)
    if scope is None or stub.tables.unit is None:
        return {}
    lines = _looked_into(stub.tables.unit).texts.get(scope.function, [])
    parameters = _ARGUMENT.findall(outermost.lines[0])
    call = next((line for line in lines if f" @{outermost.function.name}(" in line), "")
    given = _CONSTANT.findall(call.partition("(")[2])
    if not call:
        return {}
    # Registers that pass no arguments are zero.
    found = dict.fromkeys(_NEVER_PASSED, 0)
    found |= {int(n): int(value) for n, value in zip(parameters, given, strict=False) if value.isdigit()}
    # What is passed on the stack is below.
    if "ptr %frame" not in lines[0]:
        found[_SP] = top
    return found


def _is_told(unit: LinkedUnit, wanted: int, offset: int) -> bool:
    """Whether the fault's instruction is the one that the debug information has for the host's, or a load that is a
    part of it: others have been guessed."""
    return wanted == offset or unit.source(unit.base + offset) == unit.base + wanted


def _scopes(frames: Sequence[HostFrame]) -> Iterator[tuple[HostFrame, int, str, int | None]]:
    for frame in frames:
        if frame.tables.unit is None:
            continue
        for depth, scope in enumerate(frame.scopes):
            if is_guest(scope.function):
                yield frame, depth, scope.function, scope.offset


def _mark_repeated(levels: Sequence[_Level]) -> None:
    """Find the functions of which one call of the host may have several."""
    for number, level in enumerate(levels):
        outer = [other for other in levels[number:] if other.frame is level.frame]
        level.is_once = not any(other.text.is_recursive(other.function.name) for other in outer) and all(
            other.function.is_once_at(other.offset) for other in outer[1:]
        )


def _find_values(levels: Sequence[_Level], word: Callable[[int], int | None]) -> None:
    """Ask LLVM for the values, by one compilation of each unit."""
    for text in {id(level.text): level.text for level in levels}.values():
        mine = [level for level in levels if level.text is text]
        watched: dict[str, dict[str, int]] = {}
        for level in mine:
            watched.setdefault(level.function.name, {}).update(level.wanted())
        described = _described(text.unit, watched)
        if described is None:
            continue
        for level in mine:
            frame = level.frame
            level.values = described.values(frame.position, level.depth, frame.registers, word)


def _described(unit: LinkedUnit, watched: Mapping[str, Mapping[str, int]]) -> HostFrames | None:
    """What tells of values, as many of those that are watched as LLVM still makes the same code with.

    To watch a narrow value changes what is made without optimization, sometimes.
    """
    for sizes in ((0, 8, 16, 32, 64), (0, 64), (0,)):
        some = {
            function: {name: bits for name, bits in values.items() if bits in sizes}
            for function, values in watched.items()
        }
        described = unit.watching(some) if any(some.values()) else None
        if described is not None:
            return described
    return None


def _resolved(levels: Sequence[_Level], number: int, n: int) -> int | None:
    """What a register has at a level."""
    level = levels[number] if number < len(levels) else None
    register = level.state.get(n) if level is not None else None
    if level is None or register is None:
        return None
    if register.is_kept and level.text.unit.tier in _SLOTS and f"%x{n}" in level.values:
        # A register that holds 32 bits alone has a variable of as many.
        bits = 32 if level.function.definitions.get(f"%x{n}") == "alloca i32" else 64
        return level.values[f"%x{n}"] & (1 << bits) - 1
    known = register.known
    if known is None:
        return None
    if known == CALLER:
        return _in_caller(levels, number, n)
    return _value(levels, number, known)


def _in_caller(levels: Sequence[_Level], number: int, n: int) -> int | None:
    """What a register has where a level's function is called."""
    if number + 1 >= len(levels):
        return levels[number].from_python.get(n)
    return _resolved(levels, number + 1, n)


def _value(levels: Sequence[_Level], number: int, known: Known) -> int | None:
    level = levels[number]
    if known.number is not None:
        return known.number
    if known.offset is not None:
        return level.text.unit.base + known.offset
    return _evaluated(levels, number, known.name, known.bits, 0)


def _evaluated(levels: Sequence[_Level], number: int, name: str, bits: int, depth: int) -> int | None:
    level = levels[number]
    if level.is_once and level.function.is_once(name):
        if name in level.values:
            return level.values[name] & (1 << bits) - 1
        same = level.function.same.get(name)
        if same is not None and depth <= _DEPTH:
            known = _evaluated(levels, number, same.name, same.bits, depth + 1) if same.name else None
            return known if same.name else _value(levels, number, same)
        operation = level.function.definitions.get(name, "")
        if operation and depth <= _DEPTH:
            return evaluated(operation, lambda other, size: _evaluated(levels, number, other, size, depth + 1))
    if name.startswith("%a") and name[2:].isdigit():
        return _in_caller(levels, number, int(name[2:])) if int(name[2:]) < 32 else None
    return None
