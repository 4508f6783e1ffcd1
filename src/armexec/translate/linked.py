"""Units in memory: compiled functions linked, and published to the rest of their image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from armexec.errors import HostError

from .library import Export, Library
from .link import HostCode
from .record import Record

if TYPE_CHECKING:
    from .fault_map import LineTable

__all__ = ["Unit"]


class Unit:
    """Host code for some functions of an image. `stub`: it can be called from Python.

    Raises:
        HostError: the object can't be linked, or calls what isn't there.
    """

    def __init__(self, library: Library, record: Record, symbols: Mapping[str, int], tier: str, *, stub: bool) -> None:
        self.base = library.code.base
        self.record = record
        self._tier = tier
        hosts = {}
        for offset, wide in record.called:
            export = library.exports.get((self.base + offset, wide))
            if export is None:
                raise HostError(f"the function at {self.base + offset:#x} isn't translated")
            hosts[f"f{offset:x}"] = export.host
        self._stub = f"entry{record.entry:x}"
        names = ["begin", *record.names(), *([self._stub] if stub else [])]
        self.host = HostCode(record.object, {**symbols, **hosts}, names)
        self.begin = self.host.address("begin")
        self._lines: LineTable | None = None

    def publish(self, library: Library) -> None:
        """Let other units call what they may."""
        base, record = self.base, self.record
        library.translated += record.instructions
        for function in record.functions:
            if function.entries:
                # An entry may belong to an older piece.
                host = self.host.address(f"s{function.offset:x}")
                for entry in function.entries:
                    library.states.setdefault(base + entry, host)
                continue
            form = (base + function.offset, function.wide)
            library.seen.add(form)
            if function.convention is not None:
                library.exports[form] = Export(function.convention, self.host.address(f"f{function.offset:x}"))
        if record.wrapped:
            library.states[base + record.entry] = self.host.address(f"s{record.entry:x}")

    def entry_stub(self) -> int:
        """The address of the C function for Python."""
        return self.host.address(self._stub)

    def why(self, pc: int) -> str:
        """What an undefined instruction said about itself."""
        return self.record.whys.get(pc - self.base, "")

    def guest_pc(self, host_pc: int) -> int | None:
        """The guest instruction that host code belongs to, None where that isn't known."""
        if self._lines is None:
            from .fault_map import LineTable

            self._lines = LineTable(self.record.source(), self._tier, self.record.instructions)
        offset = self._lines.offset(host_pc - self.begin)
        return None if offset is None else self.base + offset
