"""Units in memory: compiled functions linked, and published to the rest of their image."""

from __future__ import annotations

import ctypes
import threading
import weakref
from bisect import bisect_right, insort
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from armexec.errors import HostError
from armexec.forks import hold
from armexec.translate.codegen.link import HostCode
from armexec.translate.compiled_unit import CompiledUnit
from armexec.translate.events import linked_unit
from armexec.translate.tiers import BASELINE
from armexec.translate.unit_registry import Export, UnitRegistry

if TYPE_CHECKING:
    from armexec.translate.codegen.debug_locations import Watched
    from armexec.translate.codegen.host_frames import HostFrames
    from armexec.translate.codegen.line_table import LineTable

__all__ = ["LinkedUnit", "unit_at"]


_MOST_WATCHING = 8
"""For so many places of faults it is kept what tells of the values there."""


class _Places:
    """Where the units are that there are."""

    def __init__(self) -> None:
        # Units are freed at any time, also while the lock is held.
        self._lock = hold(threading.RLock())
        self._starts: list[int] = []
        self._units: dict[int, weakref.ref[LinkedUnit]] = {}

    def add(self, unit: LinkedUnit) -> None:
        begin = unit.begin
        with self._lock:
            if begin not in self._units:
                insort(self._starts, begin)
            self._units[begin] = weakref.ref(unit, lambda reference: self._remove(begin, reference))

    def _remove(self, begin: int, reference: weakref.ref[LinkedUnit]) -> None:
        with self._lock:
            # There may be another at that place by now.
            if self._units.get(begin) is reference:
                del self._units[begin]
                del self._starts[bisect_right(self._starts, begin) - 1]

    def at(self, host_pc: int) -> LinkedUnit | None:
        with self._lock:
            index = bisect_right(self._starts, host_pc) - 1
            return self._units[self._starts[index]]() if index >= 0 else None


_places = _Places()


def unit_at(host_pc: int) -> LinkedUnit | None:
    """The unit whose code is at a host address; None for other code."""
    unit = _places.at(host_pc)
    # A call at its end returns behind it.
    return unit if unit is not None and host_pc <= unit.host.end else None


class LinkedUnit:
    """Host code for some functions of an image. `stub`: it can be called from Python.

    `running` becomes 1 whenever a loop of the first tier goes round.

    Raises:
        HostError: the object can't be linked, or calls what isn't there.
    """

    def __init__(
        self, registry: UnitRegistry, compiled: CompiledUnit, symbols: Mapping[str, int], tier: str, *, stub: bool
    ) -> None:
        self.code = registry.code
        self.base = registry.code.base
        # The object is in memory now, if this succeeds.
        self.compiled = compiled._replace(object=b"")
        self.tier = tier
        self._policy = registry.policy
        symbols = dict(symbols)
        for offset, returns_all in compiled.called:
            export = registry.exports.get((self.base + offset, returns_all))
            if export is None:
                raise HostError(f"the function at {self.base + offset:#x} isn't translated")
            symbols[f"f{offset:x}"] = export.host
        names = ["begin", *compiled.names()]
        self._stub = ""
        self._cell = ctypes.c_uint64()
        self.running = ctypes.c_uint8()
        if tier == BASELINE:
            symbols["running"] = ctypes.addressof(self.running)
        if stub:
            name = f"{compiled.entry:x}"
            names.append(f"entry{name}")
            self._stub = f"entry{name}"
            if tier == BASELINE:
                names.append(f"enter{name}")
                symbols["entry_cell"] = ctypes.addressof(self._cell)
        self.host = HostCode(compiled.object, symbols, names)
        self.begin = self.host.address("begin")
        if stub:
            self._cell.value = self.host.address(self._stub)
        self._lines: LineTable | None = None
        self._watching: dict[object, HostFrames | None] = {}
        self._frames: HostFrames | Literal[False] | None = None
        _places.add(self)
        linked_unit(self.host, compiled, registry, tier)

    def publish(self, registry: UnitRegistry) -> list[int]:
        """Let other units call what they may; the addresses that are now entered here through the state structure."""
        base, compiled = self.base, self.compiled
        registry.translated += compiled.instructions
        entered = []
        for function in compiled.functions:
            if function.entries:
                host = self.host.address(f"s{function.offset:x}")
                for entry in function.entries:
                    # It may belong to an older fragment.
                    if registry.states.setdefault(base + entry, host) == host:
                        entered.append(base + entry)
                continue
            form = (base + function.offset, function.returns_all)
            if registry.optimized is None:
                registry.seen.add(form)
            if function.convention is not None:
                registry.exports[form] = Export(function.convention, self.host.address(f"f{function.offset:x}"))
        for offset in compiled.wrapped:
            registry.states[base + offset] = self.host.address(f"s{offset:x}")
            entered.append(base + offset)
        there = {function.offset for function in compiled.functions} | {offset for offset, _ in compiled.called}
        registry.leave_out(base + offset for offset in compiled.consulted if offset not in there)
        return entered

    def entered(self) -> list[int]:
        """The functions that are entered here through the state structure, but for the one that it was made for."""
        if self._stub:
            return []
        offsets = {f.offset for f in self.compiled.functions if f.entries} | set(self.compiled.wrapped)
        return [self.base + offset for offset in sorted(offsets - {self.compiled.entry})]

    def replace_with(self, optimized: LinkedUnit) -> None:
        """Calls from Python are for another unit's code from now on."""
        if self._stub and optimized._stub:
            self._cell.value = optimized._cell.value

    @property
    def has_loops(self) -> bool:
        """Whether code of the first tier may be left in the middle."""
        return self.tier == BASELINE and any(function.entries for function in self.compiled.functions)

    def entry_stub(self) -> int:
        """The address of the C function for Python. It stays good when the unit is replaced."""
        return self.host.address(self._stub.replace("entry", "enter") if self.tier == BASELINE else self._stub)

    def why(self, pc: int) -> str:
        """What an undefined instruction said about itself."""
        return self.compiled.undefined_reasons.get(pc - self.base, "")

    def guest_pc(self, host_pc: int) -> int | None:
        """The guest instruction that host code belongs to, None where that isn't known."""
        offset = self._line_table().offset(host_pc - self.begin)
        return None if offset is None else self.base + offset

    def reader(self, pc: int) -> int | None:
        """Of the store at a guest pc, where it is loaded from its place before, if it is."""
        offset = self._line_table().readers.get(pc - self.base)
        return None if offset is None else self.base + offset

    def source(self, pc: int) -> int | None:
        """Where a value was loaded that the instruction at a guest pc computes with, if it was."""
        offset = self._line_table().sources.get(pc - self.base)
        return None if offset is None else self.base + offset

    def host_function(self, host_pc: int) -> str | None:
        """The name in the object of the host function that a host pc is in, None where that isn't known."""
        return self._line_table().function(host_pc - self.begin)

    def host_frames(self) -> HostFrames | None:
        """What describes the frames of this code; None if LLVM makes other code of the text now. Raises HostError."""
        if self._frames is None:
            self._frames = self.watching({}) or False
        return self._frames or None

    def watching(self, watched: Watched) -> HostFrames | None:
        """The same, which also tells of some values. Raises HostError."""
        key = tuple((function, tuple(sorted(values.items()))) for function, values in sorted(watched.items()))
        if key in self._watching:
            return self._watching[key]
        # Only now: faults alone need it.
        from armexec.translate.codegen.host_frames import HostFrames

        frames = HostFrames(self.text, self.tier, self.compiled.instructions, self._policy, watched)
        is_same = frames.describes(ctypes.string_at(self.host.begin, self.host.end - self.host.begin))
        if len(self._watching) == _MOST_WATCHING:
            self._watching.clear()
        found = self._watching[key] = frames if is_same else None
        return found

    @cached_property
    def text(self) -> str:
        """The IR that it was made from."""
        return self.compiled.source(self.tier)

    def _line_table(self) -> LineTable:
        if self._lines is None:
            from armexec.translate.codegen.line_table import LineTable

            self._lines = LineTable(
                self.compiled.source(self.tier), self.tier, self.compiled.instructions, self._policy
            )
        return self._lines
