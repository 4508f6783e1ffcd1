"""A position-independent image of an object: segments, symbols, relocations, functions."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from armexec.errors import LoadError
from armexec.objects.debug_info.parts import ImageDebugInfo
from armexec.objects.layout import Layout, Reference, Relocation, Section, SectionSymbol, Symbol, lay_out
from armexec.objects.linking import FINAL, Part, Selection, merge
from armexec.objects.linking.executable import ExecutableSections
from armexec.objects.names import bare_name, linkage_name, normalize, source_name
from armexec.objects.placing import MissingSymbols, Unreachable, place
from armexec.objects.relocations import OutOfRange, RelocationType
from armexec.objects.variables import Variables

if TYPE_CHECKING:
    from armexec.objects.debug_info.call_frames import CallFrames, FrameProgram
    from armexec.objects.debug_info.source_line import SourceLine
    from armexec.objects.prototypes import CType, Prototype

__all__ = ["FunctionSymbol", "Image", "Resolve"]

Resolve: TypeAlias = Callable[[str], int | None]
"""A function from the name of a symbol that the image doesn't define to its address, or None."""


@dataclass(frozen=True)
class FunctionSymbol:
    """A defined function: its linkage name, its name as in the source, its offset and size in bytes."""

    name: str
    source_name: str
    offset: int
    size: int
    image: Image = field(repr=False, compare=False)

    @property
    def prototype(self) -> Prototype | None:
        """The prototype from the debug information, or None. Raises LoadError if that is malformed."""
        return self.image.prototype(self)

    @property
    def extent(self) -> int:
        """Its size in bytes; where the object doesn't say, up to the next function or the end of the section."""
        if self.size:
            return self.size
        image, offset = self.image, self.offset
        ends = [other.offset for other in image.functions if other.offset > offset]
        ends += [s.offset + s.size for s in image.sections if s.offset <= offset < s.offset + s.size]
        return min(ends, default=image.size) - offset

    @property
    def code(self) -> bytes:
        """Its bytes as they are in the object, before any relocation."""
        for segment in self.image.segments:
            if segment.offset <= self.offset < segment.offset + segment.size:
                start = self.offset - segment.offset
                return segment.data[start : start + self.extent]
        return b""


class Image:
    """The code and data of an object, or of several linked together, without an address. Offsets and sizes are in
    bytes.

    `parts` are the objects. `sections` are the places of their loaded sections, `symbols` their symbols, which
    relocations refer to by index; both keep the order of the objects. `initializers` are the offsets of functions to
    call, in order, before any other (constructors). `thread_local` describes what each thread has of thread-local
    variables, None without any. `program_headers` are the offset and the number of an executable's program headers,
    which are in its memory. The base address must be a multiple of `align`.

    Linkage names are as on Linux: the underscore that Mach-O puts before every symbol is left out everywhere but in
    `Symbol.name`.
    """

    is_shared = False
    """Whether it is made of shared libraries."""

    def __init__(
        self, name: str, parts: Sequence[Part], selection: Selection | None = None, own: int | None = None
    ) -> None:
        """Link `parts`, of which there is at least one.

        With a `selection` made of them the image is an executable's: it has an ELF header with program headers,
        and arrays of initializers that its own start-up code calls, instead of `initializers`. The first `own` parts
        are what was loaded, all by default; the others are libraries, whose functions are found after theirs.

        Raises:
            LoadError: the parts have different formats, define a name twice, or don't fit together.
        """
        executable = ExecutableSections(selection) if selection is not None else None
        merged = executable.merged if executable is not None else merge(parts)
        layout = lay_out(name, merged.sections, merged.symbols, merged.references)
        initializers: list[int] = []
        finalizers: list[int] = []
        for (phase, _), index, addend, _ in merged.initializers if executable is None else ():
            symbol = layout.symbols[index]
            if symbol.offset is None:
                wanted = source_name(linkage_name(symbol.name, parts[0].format))
                raise LoadError(f"{name}: initializer {wanted} is not defined")
            (finalizers if phase == FINAL else initializers).append(symbol.offset + addend)
        headers: tuple[int, int] | None = None
        if executable is not None:
            start = next((s.offset for s in layout.symbols if s.name == "_start" and s.offset is not None), 0)
            executable.complete(layout, start)
            headers = executable.headers(layout), executable.count(layout)
        self._take(name, parts, layout, initializers, finalizers[::-1], headers, own)

    def _take(
        self,
        name: str,
        parts: Sequence[Part],
        layout: Layout,
        initializers: list[int],
        finalizers: list[int],
        program_headers: tuple[int, int] | None = None,
        own: int | None = None,
    ) -> None:
        """Take what has been linked; initializers and finalizers are in the order of the calls."""
        self.name = name
        self.parts = tuple(parts)
        self.format = parts[0].format
        self.size = layout.size
        self.align = layout.align
        self.segments = layout.segments
        self.sections = layout.sections
        self.symbols = layout.symbols
        self.relocations = layout.relocations
        self.thread_local = layout.thread_local
        self.initializers = initializers
        self._final = finalizers
        self.program_headers = program_headers
        self.is_executable = program_headers is not None
        """Whether its own start-up code makes the blocks of thread-local variables, and calls the initializers."""
        self._own = own
        self.imported: set[str] = set()
        """The linkage names of undefined symbols for which `resolve` has given an address."""
        self._layout = layout
        self._debug_info = ImageDebugInfo(self.parts, self.sections)

    def __repr__(self) -> str:
        return f"<Image {self.name!r} {self.format}, {self.size} bytes, {len(self.functions)} functions>"

    @classmethod
    def from_code(
        cls,
        name: str,
        sections: Sequence[Section],
        symbols: Sequence[SectionSymbol] = (),
        relocations: Sequence[Reference] = (),
        format: str = "words",
    ) -> Image:
        """The image of code and data that armexec makes itself. Raises LoadError if its parts don't fit together."""
        return cls(name, [Part(name, format, sections, symbols, relocations)])

    def with_parts(self, parts: Sequence[Part]) -> Image:
        """The image linked with more parts. Raises LoadError if they don't fit together."""
        return Image(self.name, [*self.parts, *parts])

    def without_debug_info(self) -> Self:
        """The same image without its debug information."""
        made = copy(self)
        made.parts = tuple(replace(part, debug=None, cache=None, debug_contents=None) for part in self.parts)
        made._debug_info = ImageDebugInfo(made.parts, made.sections)
        return made

    def __getstate__(self) -> dict[str, Any]:
        """What pickles and copies have: what can't be found again, and isn't of this process."""
        kind = type(self)
        state = {k: v for k, v in self.__dict__.items() if not isinstance(getattr(kind, k, None), cached_property)}
        del state["_debug_info"]
        if self.is_executable:
            # It is never linked again, and most of its parts are a library's.
            state["parts"] = tuple(part.linked() for part in self.parts)
        return state | {"imported": set()}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._debug_info = ImageDebugInfo(self.parts, self.sections)

    # Names

    def linkage_name(self, symbol: Symbol) -> str:
        """The symbol's name without the underscore that Mach-O puts before it."""
        return linkage_name(symbol.name, self.format)

    def _learn_names(self) -> None:
        """Learn the source names of symbols from the parts' caches."""
        for part in self.parts:
            if part.cache is not None:
                part.cache.learn_names(part.symbols, part.format)

    @cached_property
    def functions(self) -> list[FunctionSymbol]:
        """The defined functions in the order of their addresses; for aliases, one entry each."""
        self._learn_names()
        found = [
            FunctionSymbol(name, source_name(name), s.offset, s.size, self)
            for s in self.symbols
            if s.kind == "function" and s.offset is not None
            for name in [self.linkage_name(s)]
        ]
        return sorted(found, key=lambda f: f.offset)

    @property
    def own_functions(self) -> list[FunctionSymbol]:
        """The functions of what was loaded, without those of other libraries that it needs."""
        return self.functions

    def _is_own(self, offset: int | None) -> bool:
        """Whether an offset belongs to what was loaded, and not to a library."""
        if self._own is None:
            return True
        return offset is not None and any(start <= offset < end for start, end in self._own_ranges)

    @cached_property
    def _own_ranges(self) -> list[tuple[int, int]]:
        count = sum(len(part.sections) for part in self.parts[: self._own])
        return [(s.offset, s.offset + s.size) for s in self.sections[:count] if s.size]

    @cached_property
    def marks(self) -> list[tuple[int, bool]]:
        """The offsets where code (True) or data (False) begins, as far as the objects say."""
        marks = []
        start = 0
        for part in self.parts:
            for mark in part.marks:
                section = self.sections[start + mark.section]
                if not section.dropped:
                    marks.append((section.offset + mark.offset, mark.code))
            start += len(part.sections)
        return sorted(marks)

    def is_code(self, offset: int) -> bool:
        """Whether an instruction may stand at an offset in the image."""
        if not any(s.executable and s.offset <= offset < s.offset + s.size for s in self.segments):
            return False
        index = bisect_right(self.marks, (offset, True)) - 1
        return index < 0 or self.marks[index][1]

    def data_ranges(self, start: int, end: int) -> list[tuple[int, int]]:
        """The ranges (first offset, end) of data between two offsets in one section of code."""
        section = max((s.offset for s in self.sections if s.offset <= start), default=0)
        ranges: list[tuple[int, int]] = []
        first: int | None = None
        for at, is_code in self.marks[bisect_left(self.marks, (section, False)) :]:
            if at >= end:
                break
            if not is_code:
                first = at if first is None else first
            elif first is not None:
                ranges.append((max(first, start), at))
                first = None
        if first is not None:
            ranges.append((max(first, start), end))
        return [(a, b) for a, b in ranges if a < b]

    @cached_property
    def _names(self) -> dict[str, list[Symbol]]:
        return self._by_name(self.symbols)

    @cached_property
    def _own_names(self) -> dict[str, list[Symbol]]:
        return self._by_name([s for s in self.symbols if self._is_own(s.offset)])

    def _by_name(self, symbols: Iterable[Symbol]) -> dict[str, list[Symbol]]:
        """The defined ones of some symbols by every name that they can be found by."""
        self._learn_names()
        names: dict[str, list[Symbol]] = {}
        for symbol in symbols:
            if not symbol.defined or symbol.kind == "section" or not symbol.name:
                continue
            linkage = self.linkage_name(symbol)
            source = source_name(linkage)
            bare = bare_name(source)
            for key in {
                linkage,
                symbol.name,
                normalize(source),
                bare,
                bare.split("<")[0],
                bare.rsplit("::")[-1],
            }:
                names.setdefault(key, []).append(symbol)
        return names

    def find(self, name: str) -> Symbol:
        """The defined symbol of a linkage name, a source name (`fn(int)`) or, where it is the only one, a
        bare name.

        Raises LoadError if there is none (with the nearest names) or more than one (with all of them).
        """
        found = self._chosen(name, self._own_names) if self._own is not None else None
        found = found or self._chosen(name, self._names)
        if found is None:
            raise LoadError(f"{self.name}: no symbol {name!r}{self._suggest(name)}")
        return found

    def _chosen(self, name: str, names: Mapping[str, list[Symbol]]) -> Symbol | None:
        """The symbol that is meant by a name; None if there is none. Raises LoadError if there is more than one."""
        found = names.get(name) or names.get(normalize(name)) or []
        exact = [s for s in found if name in {self.linkage_name(s), s.name}]
        if exact:
            # A file may have several local symbols of a name, but only one global: that is meant.
            return min(exact, key=lambda s: s.binding == "local")
        full = [s for s in found if normalize(source_name(self.linkage_name(s))) == normalize(name)]
        found = full or [s for s in found if bare_name(source_name(self.linkage_name(s))) == name] or found
        # Not GCC's parts and clones of a function (fn.cold, fn.isra.0).
        found = [s for s in found if "." not in s.name] or found
        if len({s.offset for s in found}) == 1 or (found and full):
            # The variants of a constructor or destructor share a source name; the complete object's is meant.
            return min(found, key=lambda s: not _is_complete(s.name))
        if found:
            known = sorted({source_name(self.linkage_name(s)) for s in found})
            raise LoadError(f"{self.name}: {name!r} may be any of: {', '.join(known)}")
        return None

    def function(self, name: str) -> FunctionSymbol:
        """The function of a name, as `find` takes it; a label of code stands for one too.

        Raises LoadError if there is no such symbol, more than one, or if it isn't in code.
        """
        found = self.find(name)
        linkage = self.linkage_name(found)
        at = [f for f in self.functions if f.offset == found.offset]
        if at:
            return next((f for f in at if f.name == linkage), at[0])
        if found.offset is None or not self.is_code(found.offset):
            raise LoadError(
                f"{self.name}: {name!r} is no function, but {'a number' if found.offset is None else 'data'}"
            )
        return FunctionSymbol(linkage, source_name(linkage), found.offset, found.size, self)

    def has_function(self, bare: str) -> bool:
        """Whether a function has that bare name. Only names that contain it are demangled."""
        likely = (linkage_name(s.name, self.format) for s in self.symbols if s.kind == "function" and bare in s.name)
        return any(bare_name(source_name(name)).rsplit("::")[-1] == bare for name in likely)

    def _suggest(self, name: str) -> str:
        from difflib import get_close_matches

        functions = sorted({f.source_name for f in self.own_functions})
        near = get_close_matches(name, functions, 3, 0.5) or [
            f for f in functions if name.split("(", maxsplit=1)[0] == bare_name(f)
        ]
        if near:
            return f"; did you mean {' or '.join(near)}?"
        if not functions:
            return "; it defines no function"
        shown = ", ".join(functions[:8]) + (", ..." if len(functions) > 8 else "")
        return f"; its functions are {shown}"

    @cached_property
    def _by_offset(self) -> tuple[list[int], list[Symbol]]:
        rank = {"function": 3, "object": 3, "notype": 2, "tls": 2, "section": 1}
        best: dict[int, tuple[int, Symbol]] = {}
        for symbol in self.symbols:
            if symbol.offset is None or not symbol.name:
                continue
            score = rank[symbol.kind] * 2 + (symbol.binding != "local")
            if symbol.offset not in best or score > best[symbol.offset][0]:
                best[symbol.offset] = (score, symbol)
        offsets = sorted(best)
        return offsets, [best[o][1] for o in offsets]

    def symbol_at(self, offset: int) -> tuple[Symbol, int] | None:
        """The last symbol at or before an offset in the image, and the distance from it in bytes."""
        if not 0 <= offset < self.size:
            return None
        offsets, symbols = self._by_offset
        i = bisect_right(offsets, offset) - 1
        if i < 0:
            return None
        segment = next((s for s in self.segments if s.offset <= offset < s.offset + s.size), None)
        if segment is None or offsets[i] < segment.offset:
            return None
        return symbols[i], offset - offsets[i]

    def undefined(self) -> list[str]:
        """The linkage names of undefined symbols that the image refers to; weak ones aren't among them."""
        used = {r.symbol for r in self.relocations if r.type != RelocationType.TLS}
        used |= {r.minus for r in self.relocations if r.minus is not None}
        names = {
            self.linkage_name(self.symbols[i]): None
            for i in sorted(used)
            if not self.symbols[i].defined and self.symbols[i].binding != "weak"
        }
        return list(names)

    @property
    def missing_symbols(self) -> Mapping[str, Sequence[str]]:
        """The linkage names of all undefined symbols, each with the functions, or the libraries, that refer to it."""
        found: dict[str, dict[str, None]] = {name: {} for name in self.undefined()}
        for r in self.relocations:
            for index in (r.symbol, r.minus):
                name = self.linkage_name(self.symbols[index]) if index is not None else ""
                where = self.symbol_at(r.offset) if name in found else None
                if where is not None:
                    found[name][source_name(self.linkage_name(where[0]))] = None
        return {name: tuple(by) for name, by in found.items()}

    def libraries_that_want(self, name: str) -> Sequence[str]:
        """The shared libraries among the image's that refer to an undefined symbol."""
        return ()

    def why_missing(self, name: str) -> str:
        """Why nothing defines an undefined symbol, and what to do; empty where that isn't known."""
        return ""

    @cached_property
    def missing(self) -> MissingSymbols:
        """The undefined symbols, by the places in the image that stand for them."""
        return MissingSymbols(self._layout)

    @property
    def finalizers(self) -> list[int]:
        """The offsets of functions to call, in order, before the image is unloaded: __cxa_finalize, which destroys
        static objects (Itanium C++ ABI, 3.3.6), and those of .fini_array."""
        if self.is_executable:
            return []
        name = "___cxa_finalize" if self.format == "macho" else "__cxa_finalize"
        destroying = [s.offset for s in self.symbols if s.name == name and s.offset is not None][:1]
        return destroying + self._final

    # Debug information

    def prototype(self, function: FunctionSymbol | str) -> Prototype | None:
        """The prototype of a function, or of a declared one by its linkage name; None if there is none.

        Raises LoadError if the debug information is malformed.
        """
        if isinstance(function, str):
            return self._debug_info.declared(function)
        return self._debug_info.prototype(function.offset, function.name)

    def type_names(self) -> list[str]:
        """The names of structs, unions, enums and typedefs in the debug information; tags also with their keyword.

        Raises LoadError if the debug information is malformed.
        """
        return self._debug_info.type_names()

    def type(self, name: str) -> CType | None:
        """The struct, union, enum or typedef of a name (`point`, `struct point`, `n::s`); None if there is none.

        Raises LoadError if the debug information is malformed.
        """
        return self._debug_info.type(name)

    @cached_property
    def variables(self) -> Variables:
        """The variables of the debug information, and other data, by name."""
        return Variables(self, self._debug_info.variables)

    def debug_files(self) -> list[str]:
        """The files that have debug information that the objects only refer to (-gsplit-dwarf)."""
        try:
            return sorted(set(self._debug_info.elsewhere()))
        except LoadError:
            return []

    @cached_property
    def call_frames(self) -> CallFrames:
        """Where functions have saved the registers of their callers, by offsets in the image."""
        from armexec.objects.debug_info.call_frames import CallFrames

        return CallFrames(self._described_frames())

    def _described_frames(self) -> list[FrameProgram]:
        return self._debug_info.described_frames()

    def line_of(self, offset: int) -> SourceLine | None:
        """The source line that the instruction at an offset came from; None where that isn't known."""
        try:
            return self._debug_info.line(offset)
        except LoadError:
            return None

    # Placing

    def place(self, base: int, resolve: Resolve, leave: int | None = None) -> list[tuple[int, bytes]]:
        """Each segment's offset and final bytes for an image at address `base` (memory past the bytes is zero).

        `resolve` gives the address of an undefined symbol by its linkage name, or None. A weak symbol that stays
        undefined is 0, and a call of it does nothing. Any other gets an address in inaccessible pages, and a branch to
        it goes to an undefined instruction; `missing` tells which symbol that stands for. With `leave`, a `bl` to that
        address replaces the undefined instruction.

        Raises LoadError for a target out of a relocation's reach.
        """
        if base % self.align:
            raise LoadError(f"{self.name}: base {base:#x} is not a multiple of {self.align:#x}")
        known: dict[int, int | None] = {}
        try:
            return place(self._layout, base, lambda index: self._address(index, base, resolve, known), leave)
        except Unreachable as error:
            raise LoadError(self._out_of_range(error.relocation, error.why)) from None

    def _address(self, index: int, base: int, resolve: Resolve, known: dict[int, int | None]) -> int | None:
        symbol = self.symbols[index]
        if symbol.offset is not None:
            return base + symbol.offset
        if symbol.absolute is not None:
            return symbol.absolute
        if index not in known:
            name = self.linkage_name(symbol)
            # Without a name it is ELF's symbol 0, whose value is 0.
            address = resolve(name) if name else 0
            if address is not None and not 0 <= address < 1 << 64:
                raise LoadError(f"{self.name}: {name} was resolved to {address:#x}, which is not an address")
            known[index] = address
            if address is not None:
                self.imported.add(name)
        return known[index]

    def _referred(self, offset: int) -> str:
        where = self.symbol_at(offset)
        if where is None or not where[0].name:
            return ""
        line = self.line_of(offset)
        return f", referred to by {source_name(self.linkage_name(where[0]))}" + (f" ({line})" if line else "")

    def _out_of_range(self, r: Relocation, error: OutOfRange) -> str:
        symbol = self.symbols[r.symbol]
        name = source_name(self.linkage_name(symbol)) or "no symbol"
        text = f"{self.name}: relocation {r.type.name} of {name}{self._referred(r.offset)} does not fit: {error}"
        if not symbol.defined:
            text += "; compile with -fPIC to reach a symbol at any distance"
        elif self.size > 1 << 32:
            text += "; compile with -mcmodel=large to reach what stands behind 4 GiB of variables"
        return text


def _is_complete(name: str) -> bool:
    """Whether a mangled constructor or destructor is the complete object's (Itanium C++ ABI, 5.1.4.3)."""
    return "C1E" in name or "D1E" in name
