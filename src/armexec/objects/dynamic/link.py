"""Shared libraries -> the layout of one image that has them all, bound to each other.

The libraries keep their layouts, at distances that don't change. What is made here in addition (stubs of indirect
functions, and compiler_rt) is laid out behind them. Source: System V ABI (ELF), chapter 5, "Dynamic Linking"; ELF for
the Arm 64-bit Architecture (AAELF64), "Dynamic relocations" and "Thread-local storage".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from armexec.errors import LoadError
from armexec.objects.dynamic.library import DynamicRelocation, DynamicSymbol, SharedLibrary
from armexec.objects.dynamic.object_list import LoadedObject
from armexec.objects.dynamic.support import (
    ALWAYS_ADDED,
    OF_THE_LINKER,
    OF_THE_MODULE,
    RESOLVE_DESCRIPTOR,
    Support,
    make_support,
    stub_name,
)
from armexec.objects.layout import (
    HOLE,
    MAX_IMAGE,
    PAGE,
    VENEER_SIZE,
    Layout,
    PlacedSection,
    Relocation,
    Segment,
    Symbol,
    lay_out,
    too_large,
)
from armexec.objects.linking import Part, merge
from armexec.objects.linking.append import append
from armexec.objects.relocations import RelocationType
from armexec.objects.thread_local import BlockLayout

__all__ = ["Linked", "dependencies", "link_libraries"]

_ABS64, _COPY, _GLOB_DAT, _JUMP_SLOT, _RELATIVE, _DTPMOD64, _DTPREL64, _TPREL64, _TLSDESC, _IRELATIVE = (
    257,
    *range(1024, 1033),
)
_SYMBOLIC = (_ABS64, _GLOB_DAT, _JUMP_SLOT)
_THREAD_LOCAL = (_DTPREL64, _TPREL64, _TLSDESC)
_NONE = (0, 256)


class Linked(NamedTuple):
    """A layout; the parts whose sections it has, in order; offsets of functions to call, in the order of the calls.

    - `bases` are the offsets of the libraries' addresses 0, `first` the numbers of their first symbols in the layout.
    - `wanted_by` are the libraries that refer to each undefined symbol, by its name.
    - `lacking` are the names that the libraries refer to, and none of them defines.
    """

    layout: Layout
    parts: list[Part]
    initializers: list[int]
    finalizers: list[int]
    bases: list[int]
    first: list[int]
    wanted_by: dict[str, list[str]]
    lacking: list[str]


def dependencies(libraries: Sequence[SharedLibrary]) -> list[list[int]]:
    """The numbers of each library's dependencies, as far as they are among `libraries`."""
    numbers: dict[str, int] = {}
    for number, library in enumerate(libraries):
        for name in (_file_name(library.soname), _file_name(library.name)):
            numbers.setdefault(name, number)
    wanted = [[_file_name(name) for name in library.needed] for library in libraries]
    return [[numbers[name] for name in names if name in numbers] for names in wanted]


def _file_name(path: str) -> str:
    return path.rsplit("/", maxsplit=1)[-1]


def link_libraries(
    name: str,
    libraries: Sequence[SharedLibrary],
    extra: Sequence[Part] = (),
    dropped: Sequence[Collection[int]] = (),
) -> Linked:
    """Bind libraries, in the order in which symbols are looked up, to each other and then to the `extra` parts.

    Of the parts the sections in `dropped` are left out.

    Raises:
        LoadError: they don't fit together, or have relocations that aren't known.
    """
    return _Link(name, libraries, extra, dropped).linked()


class _Link:
    def __init__(
        self,
        name: str,
        libraries: Sequence[SharedLibrary],
        extra: Sequence[Part],
        dropped: Sequence[Collection[int]],
    ) -> None:
        self.name = name
        self.libraries = libraries
        self.extra = extra
        self.dropped = dropped
        self.bases: list[int] = []
        end = 0
        for library in libraries:
            end = _up(end, max(library.align, PAGE))
            self.bases.append(end)
            end += library.size
            if end > MAX_IMAGE:
                raise too_large(name, library.name, library.size)
        # What is made for undefined symbols is code, and stands before compiler_rt's heap.
        self.stubs_at = _up(end, PAGE)
        calls = sum(r.type == _JUMP_SLOT for library in libraries for r in library.relocations)
        self.end = _up(self.stubs_at + 4 * calls + 4 + VENEER_SIZE, PAGE) if calls else self.stubs_at
        self.block = BlockLayout()
        self.blocks = [self._add_block(library, base) for library, base in zip(libraries, self.bases, strict=True)]
        self.symbols: list[Symbol] = []
        self.first: list[int] = []
        self.undefined: dict[str, int] = {}
        self.wanted_by: dict[str, list[str]] = {}
        self.undefined_calls: dict[int, int] = {}
        self.exit = 0

    def _add_block(self, library: SharedLibrary, base: int) -> int | None:
        """The place of a library's thread-local variables from the thread pointer; None without any."""
        segment = library.thread_local
        if segment is None:
            return None
        try:
            return self.block.add(base + segment.address, *segment[1:], segment.address)
        except LoadError as error:
            raise LoadError(f"{library.name}: {error}") from None

    def linked(self) -> Linked:
        for number, library in enumerate(self.libraries):
            self.first.append(len(self.symbols))
            self.symbols += (self._symbol(number, s) for s in (*library.symbols, *library.local_symbols))
            # For relocations without a symbol.
            self.symbols.append(Symbol("", self.bases[number], 0, "notype", "local", True))
            self.symbols.append(Symbol("", None, 0, "tls", "local", True, self.blocks[number] or 0))
            self.symbols.append(Symbol("", None, 0, "notype", "local", True, 0))
        lacking = self._lacking()
        added = {
            s.name
            for part, gone in zip(self.extra, self.dropped, strict=True)
            for s in part.symbols
            if s.section is not None and s.section not in gone and s.binding != "local"
        }
        support = make_support(self._resolvers(), lacking - (added - ALWAYS_ADDED), self.block, self._objects())
        piece = self._lay_out_piece(support)
        start = len(self.symbols)
        self._add_piece_symbols(support, piece, start)
        relocations = [r for number in range(len(self.libraries)) for r in self._relocations(number)]
        stubs = self._add_stubs()
        holes = {
            index: self.end + HOLE // 2 + HOLE * i
            for i, (name, index) in enumerate(self.undefined.items())
            if self.symbols[index].binding != "weak"
        }
        size = self.end + HOLE * len(self.undefined)
        segments = [
            replace(segment, offset=base + segment.offset)
            for library, base in zip(self.libraries, self.bases, strict=True)
            for segment in library.segments
        ]
        if stubs is not None:
            segments.append(stubs)
        sections = [
            PlacedSection(s.name, base + address, s.size)
            for library, base in zip(self.libraries, self.bases, strict=True)
            for s, address in zip(library.part.sections, library.addresses, strict=True)
        ]
        layout = Layout(
            size=size,
            align=max([0x1000, *(library.align for library in self.libraries)]),
            segments=segments,
            symbols=self.symbols,
            relocations=relocations,
            sections=sections,
            got=0,
            stubs=self.undefined_calls,
            exit=self.exit,
            holes=holes,
            thread_local=self.block.finished(),
        )
        parts = [library.part for library in self.libraries]
        if piece is not None:
            append(layout, piece, start, self.piece_base)
            parts += [*support.parts, *self.extra]
        initializers = [at for n in _in_order(self.libraries) for at in self._calls(n, final=False)]
        finalizers = [at for n in reversed(_in_order(self.libraries)) for at in self._calls(n, final=True)]
        return Linked(
            layout,
            parts,
            initializers,
            finalizers,
            self.bases,
            self.first,
            self.wanted_by,
            sorted(lacking - ALWAYS_ADDED - OF_THE_MODULE),
        )

    # Symbols

    def _symbol(self, number: int, s: DynamicSymbol) -> Symbol:
        library = self.libraries[number]
        # An old version has its name.
        name = f"{s.name}@{s.version.name}" if s.defined and s.version and s.version.hidden else s.name
        if not s.defined or s.absolute:
            return Symbol(name, None, s.size, s.kind, s.binding, s.defined, s.value if s.absolute else None)
        if s.kind == "tls":
            block = self.blocks[number]
            if block is None:
                raise LoadError(f"{library.name}: corrupted ELF file: thread-local {s.name} without a segment of them")
            return Symbol(name, None, s.size, "tls", s.binding, True, block + s.value)
        if s.value > library.size:
            raise LoadError(f"{library.name}: corrupted ELF file: symbol {s.name} at {s.value:#x}, outside of it")
        size = min(s.size, library.size - s.value)
        return Symbol(name, self.bases[number] + s.value, size, s.kind, s.binding, True)

    def _find(self, name: str, version: str | None) -> int | None:
        """The number of the first library's definition of a name."""
        for number, library in enumerate(self.libraries):
            index = library.find(name, version)
            if index is not None:
                return self.first[number] + index
        return None

    def _bound(self, number: int, index: int) -> int:
        """The number of the definition that a library's symbol refers to, or of an undefined symbol."""
        library = self.libraries[number]
        symbol = library.symbols[index]
        if not symbol.name or (symbol.defined and symbol.private):
            return self.first[number] + index
        version = symbol.version.name if symbol.version is not None else None
        if library.symbolic:
            own = library.find(symbol.name, version)
            if own is not None:
                return self.first[number] + own
        found = self.piece_names.get(symbol.name) if symbol.name in OF_THE_LINKER else None
        if symbol.name not in OF_THE_MODULE:
            if found is None:
                found = self._find(symbol.name, version)
            if found is None:
                found = self.piece_names.get(symbol.name)
        if found is not None:
            return found
        if symbol.binding != "weak":
            wanted = self.wanted_by.setdefault(symbol.name, [])
            if library.name not in wanted:
                wanted.append(library.name)
        return self._undefined(number, index)

    def _undefined(self, number: int, index: int) -> int:
        """One undefined symbol for all references to a name; it is weak if all of them are."""
        own = self.first[number] + index
        name = self.symbols[own].name
        known = self.undefined.setdefault(name, own)
        if self.symbols[own].binding != "weak":
            self.symbols[known].binding = self.symbols[own].binding
        return known

    def _resolvers(self) -> list[int]:
        """The offsets of the resolvers of indirect functions."""
        found: dict[int, None] = {}
        for library, base in zip(self.libraries, self.bases, strict=True):
            found |= {base + s.value: None for s in library.symbols if s.indirect and s.defined}
            found |= {base + r.addend: None for r in library.relocations if r.type == _IRELATIVE}
        for offset in found:
            if not 0 <= offset < self.end:
                raise LoadError(f"{self.name}: corrupted ELF file: an indirect function at {offset:#x}")
        return list(found)

    def _lacking(self) -> set[str]:
        """The names that the libraries refer to and none defines, and what the relocations need."""
        names = {
            s.name
            for library in self.libraries
            for s in library.symbols
            if s.name and not s.defined and s.binding != "weak"
        }
        lacking = {name for name in names if not any(name in library.definitions for library in self.libraries)}
        lacking |= names & OF_THE_LINKER
        if any(r.type == _TLSDESC for library in self.libraries for r in library.relocations):
            lacking.add(RESOLVE_DESCRIPTOR)
        return lacking

    # What is made in addition

    def _objects(self) -> list[LoadedObject]:
        """The libraries whose program headers are in their memory."""
        return [
            LoadedObject(
                library.name,
                base,
                base + library.program_headers[0],
                library.program_headers[1],
                base + library.size,
                None if library.unwind_table is None else base + library.unwind_table,
            )
            for library, base in zip(self.libraries, self.bases, strict=True)
            if library.program_headers is not None
        ]

    def _lay_out_piece(self, support: Support) -> Layout | None:
        parts = [*support.parts, *self.extra]
        if not parts:
            return None
        merged = merge(parts, [*((),) * len(support.parts), *self.dropped])
        self.first_template = self.block.count
        return lay_out(self.name, merged.sections, merged.symbols, merged.references, self.block)

    def _add_piece_symbols(self, support: Support, piece: Layout | None, start: int) -> None:
        """Append the symbols of the piece, bound to the libraries, and give indirect functions their stubs."""
        self.piece_names: Mapping[str, int] = {}
        self.stubs: Mapping[int, int] = {}
        if piece is None:
            for name, offset in support.thread_local.items():
                self._add_thread_local(name, offset)
            return
        base = self.piece_base = _up(self.end, max(PAGE, piece.align))
        self.end = base + piece.size
        self.block.move(self.first_template, base)
        self.symbols += (replace(s, offset=None if s.offset is None else s.offset + base) for s in piece.symbols)
        names: dict[str, int] = {}
        for index in range(start, len(self.symbols)):
            symbol = self.symbols[index]
            if symbol.defined and symbol.name and symbol.binding != "local":
                names[symbol.name] = index
        for index in range(start, len(self.symbols)):
            symbol = self.symbols[index]
            if symbol.defined or not symbol.name:
                continue
            target = support.offsets.get(symbol.name)
            found = self._find(symbol.name, None) if target is None else None
            if found is not None:
                target = self.symbols[found].offset
            if target is not None:
                symbol.offset, symbol.defined = target, True
        self.piece_names = names
        self.stubs = {offset: names[stub_name(offset)] for offset in support.resolvers}
        for number, library in enumerate(self.libraries):
            for index, s in enumerate(library.symbols):
                if s.indirect and s.defined:
                    stub = self.symbols[self.stubs[self.bases[number] + s.value]]
                    self.symbols[self.first[number] + index].offset = stub.offset
        for name, offset in support.thread_local.items():
            self._add_thread_local(name, offset)

    def _add_thread_local(self, name: str, offset: int) -> None:
        self.piece_names = {**self.piece_names, name: len(self.symbols)}
        self.symbols.append(Symbol(name, None, 4, "tls", "global", True, offset))

    # Relocations

    def _relocations(self, number: int) -> Iterable[Relocation]:
        library, base = self.libraries[number], self.bases[number]
        own = self.first[number] + len(library.symbols) + len(library.local_symbols)
        ranges = [(s.offset, s.offset + len(s.data)) for s in library.segments]
        for r in library.relocations:
            if r.type in _NONE:
                continue
            width = 16 if r.type == _TLSDESC else 8
            if not any(begin <= r.address and r.address + width <= end for begin, end in ranges):
                raise LoadError(
                    f"{library.name}: corrupted ELF file: a relocation at {r.address:#x}, outside of its contents"
                )
            at = base + r.address
            if r.type == _TLSDESC:
                yield Relocation(at, RelocationType.ABS64, self.piece_names[RESOLVE_DESCRIPTOR])
                at += 8
            symbol, addend = self._target(number, r, own)
            if r.type == _JUMP_SLOT and not self.symbols[symbol].defined and self.symbols[symbol].binding != "weak":
                self.undefined_calls[at] = 4 * len(self.undefined_calls)
            yield Relocation(at, RelocationType.ABS64, symbol, addend)

    def _target(self, number: int, r: DynamicRelocation, own: int) -> tuple[int, int]:
        """The symbol and the addend of a relocated word."""
        library = self.libraries[number]
        if r.type == _RELATIVE:
            return own, r.addend
        if r.type == _IRELATIVE:
            return self.stubs[self.bases[number] + r.addend], 0
        # Of the two words for __tls_get_addr, which adds them, the second is all of the offset of a variable with a
        # symbol; without one the first is that of the library's variables.
        if r.type == _DTPMOD64:
            return own + 2 if r.symbol else own + 1, 0
        if r.type in _THREAD_LOCAL and not r.symbol:
            return own + 2 if r.type == _DTPREL64 else own + 1, r.addend
        if r.type in (*_SYMBOLIC, *_THREAD_LOCAL):
            bound = self._bound(number, r.symbol) if r.symbol else own + 2
            if (self.symbols[bound].kind == "tls") != (r.type in _THREAD_LOCAL) and self.symbols[bound].defined:
                raise LoadError(
                    f"{library.name}: corrupted ELF file: a relocation of type {r.type} of"
                    f" {library.symbols[r.symbol].name or 'no symbol'}"
                )
            return bound, r.addend
        what = "of a program (R_AARCH64_COPY)" if r.type == _COPY else f"of type {r.type}, which isn't supported"
        raise LoadError(f"{library.name}: its relocation at {r.address:#x} is {what}")

    def _add_stubs(self) -> Segment | None:
        """A segment for the calls of undefined symbols: an undefined instruction for each, and room for the exit."""
        if not self.undefined_calls:
            return None
        start = self.stubs_at
        size = _up(4 * len(self.undefined_calls), 8) + VENEER_SIZE
        self.exit = start + size - VENEER_SIZE
        self.undefined_calls = {at: start + offset for at, offset in self.undefined_calls.items()}
        return Segment(start, size, bytes(size), False, True)

    # Initializers

    def _calls(self, number: int, *, final: bool) -> list[int]:
        """The offsets of the functions that a library wants called, in the order of the calls."""
        library, base = self.libraries[number], self.bases[number]
        table = library.finalizer_table if final else library.initializer_table
        if table:
            words = {r.address: r for r in library.relocations}
            entries = [self._entry(number, words.get(at), at) for at in table]
        else:
            entries = []
        found = [entry for entry in entries if entry is not None]
        single = [base + at for at in (library.finalizers if final else library.initializers)]
        return found[::-1] + single if final else single + found

    def _entry(self, number: int, r: DynamicRelocation | None, at: int) -> int | None:
        library = self.libraries[number]
        if r is not None and r.type == _RELATIVE:
            return self.bases[number] + r.addend
        if r is not None and r.type in _SYMBOLIC and r.symbol:
            target = self.symbols[self._bound(number, r.symbol)].offset
            if target is not None:
                return target + r.addend
        if r is None and not any(self._word(library, at)):
            return None
        raise LoadError(f"{library.name}: the initializer or finalizer at {at:#x} isn't known")

    @staticmethod
    def _word(library: SharedLibrary, at: int) -> bytes:
        segment = next(s for s in library.segments if s.offset <= at < s.offset + s.size)
        return segment.data[at - segment.offset : at - segment.offset + 8]


def _in_order(libraries: Sequence[SharedLibrary]) -> list[int]:
    """The numbers of the libraries, dependencies first; of a circle the one that was reached last comes first."""
    needed = dependencies(libraries)
    order: list[int] = []
    seen = {0}
    path = [(0, iter(needed[0]))]
    while path:
        number, rest = path[-1]
        following = next((n for n in rest if n not in seen), None)
        if following is None:
            order.append(number)
            path.pop()
        else:
            seen.add(following)
            path.append((following, iter(needed[following])))
    # Preloaded ones, which none needs.
    return [n for n in range(len(libraries)) if n not in seen] + order


def _up(value: int, align: int) -> int:
    return (value + align - 1) & -align
