"""Units in memory: compiled functions linked, and published to the rest of their image."""

from __future__ import annotations

import ctypes
import threading
import weakref
from bisect import bisect_right, insort
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from armexec.errors import HostError
from armexec.forks import hold
from armexec.translate.codegen.link import HostCode
from armexec.translate.compiled_unit import Record
from armexec.translate.events import linked_unit
from armexec.translate.tiers import FIRST
from armexec.translate.unit_registry import Export, Library

if TYPE_CHECKING:
    from armexec.translate.codegen.line_table import LineTable

__all__ = ["Unit", "unit_at"]


class _Places:
    """Where the units are that there are."""

    def __init__(self) -> None:
        # Units are freed at any time, also while the lock is held.
        self._lock = hold(threading.RLock())
        self._starts: list[int] = []
        self._units: dict[int, weakref.ref[Unit]] = {}

    def add(self, unit: Unit) -> None:
        begin = unit.begin
        with self._lock:
            if begin not in self._units:
                insort(self._starts, begin)
            self._units[begin] = weakref.ref(unit, lambda reference: self._remove(begin, reference))

    def _remove(self, begin: int, reference: weakref.ref[Unit]) -> None:
        with self._lock:
            # There may be another at that place by now.
            if self._units.get(begin) is reference:
                del self._units[begin]
                del self._starts[bisect_right(self._starts, begin) - 1]

    def at(self, host_pc: int) -> Unit | None:
        with self._lock:
            index = bisect_right(self._starts, host_pc) - 1
            return self._units[self._starts[index]]() if index >= 0 else None


_places = _Places()


def unit_at(host_pc: int) -> Unit | None:
    """The unit whose code may be at a host address: the last that begins before it."""
    return _places.at(host_pc)


class Unit:
    """Host code for some functions of an image. `stub`: it can be called from Python.

    `running` becomes 1 whenever a loop of the first tier goes round.

    Raises:
        HostError: the object can't be linked, or calls what isn't there.
    """

    def __init__(self, library: Library, record: Record, symbols: Mapping[str, int], tier: str, *, stub: bool) -> None:
        self.base = library.code.base
        # The object is in memory now, if this succeeds.
        self.record = replace(record, object=b"")
        self.tier = tier
        self._policy = library.policy
        symbols = dict(symbols)
        for offset, wide in record.called:
            export = library.exports.get((self.base + offset, wide))
            if export is None:
                raise HostError(f"the function at {self.base + offset:#x} isn't translated")
            symbols[f"f{offset:x}"] = export.host
        names = ["begin", *record.names()]
        self._stub = ""
        self._cell = ctypes.c_uint64()
        self.running = ctypes.c_uint8()
        if tier == FIRST:
            symbols["running"] = ctypes.addressof(self.running)
        if stub:
            name = f"{record.entry:x}"
            names.append(f"entry{name}")
            self._stub = f"entry{name}"
            if tier == FIRST:
                names.append(f"enter{name}")
                symbols["entry_cell"] = ctypes.addressof(self._cell)
        self.host = HostCode(record.object, symbols, names)
        self.begin = self.host.address("begin")
        if stub:
            self._cell.value = self.host.address(self._stub)
        self._lines: LineTable | None = None
        _places.add(self)
        linked_unit(self.host, record, library, tier)

    def publish(self, library: Library) -> list[int]:
        """Let other units call what they may; the addresses that are now entered here through the state structure."""
        base, record = self.base, self.record
        library.translated += record.instructions
        entered = []
        for function in record.functions:
            if function.entries:
                host = self.host.address(f"s{function.offset:x}")
                for entry in function.entries:
                    # It may belong to an older piece.
                    if library.states.setdefault(base + entry, host) == host:
                        entered.append(base + entry)
                continue
            form = (base + function.offset, function.wide)
            if library.better is None:
                library.seen.add(form)
            if function.convention is not None:
                library.exports[form] = Export(function.convention, self.host.address(f"f{function.offset:x}"))
        for offset in record.wrapped:
            library.states[base + offset] = self.host.address(f"s{offset:x}")
            entered.append(base + offset)
        there = {function.offset for function in record.functions} | {offset for offset, _ in record.called}
        library.leave_out(base + offset for offset in record.consulted if offset not in there)
        return entered

    def entered(self) -> list[int]:
        """The functions that are entered here through the state structure, but for the one that it was made for."""
        if self._stub:
            return []
        offsets = {f.offset for f in self.record.functions if f.entries} | set(self.record.wrapped)
        return [self.base + offset for offset in sorted(offsets - {self.record.entry})]

    def give_way(self, better: Unit) -> None:
        """Calls from Python are for another unit's code from now on."""
        if self._stub and better._stub:
            self._cell.value = better._cell.value

    @property
    def has_loops(self) -> bool:
        """Whether code of the first tier may be left in the middle."""
        return self.tier == FIRST and any(function.entries for function in self.record.functions)

    def entry_stub(self) -> int:
        """The address of the C function for Python. It stays good when the unit is replaced."""
        return self.host.address(self._stub.replace("entry", "enter") if self.tier == FIRST else self._stub)

    def why(self, pc: int) -> str:
        """What an undefined instruction said about itself."""
        return self.record.whys.get(pc - self.base, "")

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

    def _line_table(self) -> LineTable:
        if self._lines is None:
            from armexec.translate.codegen.line_table import LineTable

            self._lines = LineTable(self.record.source(self.tier), self.tier, self.record.instructions, self._policy)
        return self._lines
