"""From the host's stack to the guest's calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from armexec.errors import HostError
from armexec.translate.execute.host_frames.kept import (
    Kept,
    link_register,
    preserved,
    preserved_by_guest,
    read_kept,
    stack_pointer,
)

if TYPE_CHECKING:
    from armexec.translate.codegen.host_frames import HostFrames, Scope
    from armexec.translate.execute.linked_unit import LinkedUnit

__all__ = ["GuestCalls", "HostFrame", "Tables", "is_guest"]

_MOST_HOST_FRAMES = 400
_STUBS = ("entry", "enter")
_BOTTOM = ("dispatch", "run_limited")
"""How the names begin of what Python calls, and of what runs the outermost function."""


class Tables(NamedTuple):
    """What describes the host code from `begin` on; `unit` has it, unless it is shared by all."""

    begin: int
    frames: HostFrames
    unit: LinkedUnit | None


class HostFrame(NamedTuple):
    """A call of the host. `position`: what it executes, from the begin of the code on."""

    tables: Tables
    position: int
    registers: Mapping[int, int]
    scopes: list[Scope]


class GuestCalls:
    """The calls of the guest that were going on where translated code was left.

    `data`: what `keep` has copied. `tables`: gives what describes the code at an address of the host, None where
    nothing does.
    """

    def __init__(self, data: bytes, tables: Callable[[int], Tables | None]) -> None:
        self._data = data
        self._tables = tables
        self._frames: tuple[list[HostFrame], bool] | None = None

    @cached_property
    def kept(self) -> Kept:
        """What has been kept of the host."""
        return read_kept(self._data)

    def frames(self) -> tuple[list[HostFrame], bool]:
        """The host's calls, the innermost first, and whether they lead to where Python has called the guest."""
        if self._frames is None:
            try:
                found = list(self._walk())
            except HostError:
                found = []
            is_whole = bool(found) and _is_bottom(found[-1]) and not self.kept.is_astray
            self._frames = found, is_whole
        return self._frames

    def _walk(self) -> Iterator[HostFrame]:
        kept = self.kept
        pc, registers, is_return = kept.pc, dict(kept.registers), kept.is_call
        for _ in range(_MOST_HOST_FRAMES):
            # Where a call returns to may be another function.
            place = pc - 1 if is_return else pc
            tables = self._tables(place)
            if tables is None:
                return
            position = place - tables.begin
            frame = HostFrame(tables, position, dict(registers), tables.frames.scopes(position))
            yield frame
            row = tables.frames.row(position)
            if _is_bottom(frame) or row is None or row.register not in registers:
                return
            start = registers[row.register] + row.offset
            before = registers
            kept_by_call = preserved_by_guest if _is_register_convention(frame) else preserved
            registers = {n: before[n] for n in kept_by_call if n in before}
            if not is_return and link_register not in row.saved and link_register in before:
                registers[link_register] = before[link_register]
            for number, distance in row.saved.items():
                word = None if distance is None else kept.word(start + distance)
                registers.pop(number, None)
                if word is not None:
                    registers[number] = word
            registers[stack_pointer] = start
            link = registers.pop(link_register, None)
            if link is None:
                return
            pc, is_return = link, True

    def offsets(self) -> tuple[list[tuple[int, bool]], bool]:
        """The guest's instructions, by their addresses, each with whether it is the innermost; and whether these lead
        to where Python has called the guest."""
        frames, is_whole = self.frames()
        found: list[tuple[int, bool]] = []
        for number, frame in enumerate(frames):
            unit = frame.tables.unit
            if unit is None:
                continue
            for scope in frame.scopes:
                if scope.offset is not None:
                    found.append((unit.base + scope.offset, not number and not found))
        return found, is_whole


def is_guest(function: str) -> bool:
    """Whether the name of a function of a unit is that of one of the guest's."""
    return function[:1] in ("f", "s") and all(letter in "0123456789abcdef" for letter in function[1:])


def _is_register_convention(frame: HostFrame) -> bool:
    return not frame.scopes or frame.scopes[-1].function.startswith("f")


def _is_bottom(frame: HostFrame) -> bool:
    """Whether nothing of the guest is above."""
    name = frame.scopes[-1].function if frame.scopes else ""
    return name.startswith(_STUBS) or name in _BOTTOM
