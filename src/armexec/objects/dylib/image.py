"""The image of a dynamic library of macOS. The libraries that it needs aren't loaded: their symbols are imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from armexec.errors import LoadError
from armexec.objects.dylib.fixups import FLAT_LOOKUP, SELF, WEAK_LOOKUP, Bind, Fixup
from armexec.objects.dylib.read import Dylib
from armexec.objects.image import Image
from armexec.objects.layout import (
    ABSOLUTE,
    HOLE,
    PAGE,
    VENEER_SIZE,
    Layout,
    Mark,
    PlacedSection,
    Relocation,
    Section,
    SectionSymbol,
    Segment,
    Symbol,
    lay_out,
)
from armexec.objects.linking import Part, merge
from armexec.objects.linking.append import append
from armexec.objects.names import linkage_name
from armexec.objects.relocations import RelocationType

__all__ = ["DylibImage"]


class DylibImage(Image):
    """A dynamic library. The offsets are addresses in its file, less that of its first segment."""

    def __init__(self, library: Dylib, extra: Sequence[Part] = ()) -> None:
        """Bind a library to itself and to `extra` parts.

        Raises:
            LoadError: it is malformed, or the parts don't fit.
        """
        self.library = library
        self._extra = tuple(extra)
        link = _Link(library, extra)
        layout = link.layout()
        self._dependency_of = link.dependency_of
        parts = [_part(library), *extra]
        initializers, finalizers = link.offsets(library.initializers), link.offsets(library.finalizers)
        self._take(library.name, parts, layout, initializers, finalizers)

    def with_parts(self, parts: Sequence[Part]) -> Image:
        return DylibImage(self.library, [*self._extra, *parts])

    @cached_property
    def missing_symbols(self) -> Mapping[str, Sequence[str]]:
        """The undefined symbols, each with the library; and with the one that it takes the symbol from."""
        return {name: [self.name] for name in self.undefined()}

    def libraries_that_want(self, name: str) -> Sequence[str]:
        return [self.name] if name in self.missing_symbols else ()

    def why_missing(self, name: str) -> str:
        source = self._dependency_of.get(name)
        return f"{f'it is from {source}, and ' if source else ''}imports={{{name!r}: ...}} gives one"


class _Link:
    def __init__(self, library: Dylib, extra: Sequence[Part]) -> None:
        self.library = library
        self.symbols = [
            Symbol(
                s.name,
                None if s.section is None else s.value - library.base,
                s.size,
                s.kind,
                s.binding,
                s.section is not None,
            )
            for s in library.symbols
        ]
        self.symbols.append(Symbol("", 0, 0, "notype", "local", True))
        self._base = len(self.symbols) - 1
        self._defined = {s.name: i for i, s in enumerate(self.symbols) if s.defined and s.binding != "local" and s.name}
        self._undefined: dict[str, int] = {}
        self.dependency_of: dict[str, str] = {}
        self._extra = extra
        self._added: set[str] = set()
        self._size = max(s.address + s.size for s in library.segments) - library.base

    def layout(self) -> Layout:
        library = self.library
        piece = None
        # What stands for undefined functions is code, and comes before compiler_rt's heap.
        stubs_at = _up(self._size, PAGE)
        end = _up(stubs_at + 4 * len(library.calls) + 8 + VENEER_SIZE, PAGE) if library.calls else stubs_at
        start, piece_base = len(self.symbols), end
        if self._extra:
            merged = merge(self._extra)
            piece = lay_out(library.name, merged.sections, merged.symbols, merged.references)
            if piece.thread_local is not None:
                raise LoadError(f"{library.name}: what it is linked with has thread-local variables")
            piece_base = _up(end, max(PAGE, piece.align))
            end = piece_base + piece.size
            self._add_piece_symbols(piece, start, piece_base)
        relocations = [self._relocation(f) for f in library.fixups]
        calls = self._calls(relocations, stubs_at)
        holes = {
            index: end + HOLE // 2 + HOLE * i
            for i, index in enumerate(self._undefined.values())
            if self.symbols[index].binding != "weak"
        }
        layout = Layout(
            size=end + HOLE * len(self._undefined),
            align=PAGE,
            segments=self._segments(),
            symbols=self.symbols,
            relocations=relocations,
            sections=[
                PlacedSection(f"{s.segment},{s.name}", s.address - library.base, s.size) for s in library.sections
            ],
            got=0,
            stubs=calls,
            exit=0,
            holes=holes,
        )
        if calls:
            size = _up(4 * len(calls), 8) + VENEER_SIZE
            layout.exit = stubs_at + size - VENEER_SIZE
            layout.segments.append(Segment(stubs_at, size, bytes(size), False, True))
        if piece is not None:
            append(layout, piece, start, piece_base)
        return layout

    def _segments(self) -> list[Segment]:
        made = [
            Segment(s.address - self.library.base, s.size, s.data, s.writable, s.executable)
            for s in self.library.segments
            if s.name != "__LINKEDIT"
        ]
        # Words that are written may be where the file has no content.
        for f in self.library.fixups:
            at = f.address - self.library.base
            for number, segment in enumerate(made):
                if segment.offset <= at and at + 8 <= segment.offset + segment.size:
                    missing = at + 8 - segment.offset - len(segment.data)
                    if missing > 0:
                        made[number] = replace(segment, data=segment.data + bytes(missing))
                    break
            else:
                raise LoadError(f"{self.library.name}: corrupted Mach-O file: a fixup at {f.address:#x}")
        return sorted(made, key=lambda segment: segment.offset)

    def _add_piece_symbols(self, piece: Layout, start: int, base: int) -> None:
        self.symbols += [replace(s, offset=None if s.offset is None else s.offset + base) for s in piece.symbols]
        for index in range(start, len(self.symbols)):
            symbol = self.symbols[index]
            if symbol.defined and symbol.name and symbol.binding != "local":
                self._defined.setdefault(symbol.name, index)
            elif not symbol.defined and symbol.name in self._defined:
                symbol.offset, symbol.defined = self.symbols[self._defined[symbol.name]].offset, True
        self._added = {s.name for s in self.symbols[start:] if s.defined}

    def _relocation(self, fixup: Fixup) -> Relocation:
        base = self.library.base
        if not isinstance(fixup, Bind):
            return Relocation(fixup.address - base, RelocationType.ABS64, self._base, fixup.target - base)
        return Relocation(fixup.address - base, RelocationType.ABS64, self._bound(fixup), fixup.addend)

    def _bound(self, bind: Bind) -> int:
        """The symbol that is meant: its own, or one of another library."""
        own = self._defined.get(bind.name)
        if own is not None and (bind.ordinal in (SELF, FLAT_LOOKUP, WEAK_LOOKUP) or bind.name in self._added):
            return own
        known = self._undefined.get(bind.name)
        if known is None:
            known = self._undefined[bind.name] = len(self.symbols)
            self.symbols.append(Symbol(bind.name, None, 0, "notype", "weak" if bind.weak else "global", False))
            if 0 < bind.ordinal <= len(self.library.needed):
                self.dependency_of[linkage_name(bind.name, "macho")] = self.library.needed[bind.ordinal - 1]
        if not bind.weak:
            self.symbols[known].binding = "global"
        return known

    def _calls(self, relocations: Sequence[Relocation], stubs: int) -> dict[int, int]:
        """For the words through which undefined functions are called, the undefined instruction of each."""
        called = {address - self.library.base for address in self.library.calls}
        sites = [
            r.offset
            for r in relocations
            if r.offset in called and not self.symbols[r.symbol].defined and self.symbols[r.symbol].binding != "weak"
        ]
        return {site: stubs + 4 * number for number, site in enumerate(sites)}

    def offsets(self, addresses: Sequence[int]) -> list[int]:
        """The offsets of functions. Raises LoadError for what isn't in the library."""
        found = [address - self.library.base for address in addresses]
        for offset in found:
            if not 0 <= offset < self._size:
                raise LoadError(f"{self.library.name}: corrupted Mach-O file: an initializer at {offset:#x}")
        return found


def _part(library: Dylib) -> Part:
    sections = [Section(f"{s.segment},{s.name}", b"", "r", 1, s.size) for s in library.sections]
    symbols = [SectionSymbol(s.name, None if s.section is None else ABSOLUTE, kind=s.kind) for s in library.symbols]
    marks = [Mark(number, 0, code) for number, (_, code) in enumerate(library.marks)]
    return Part(library.name, "macho", sections, symbols, marks=marks, cache=library.cache)


def _up(value: int, align: int) -> int:
    return (value + align - 1) & -align
