"""Sections, symbols and relocations -> the segments of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from armexec.errors import LoadError
from armexec.objects.relocations import BRANCHES, GOT_TYPES, THREAD_LOCAL_TYPES, RelocationType, field_size
from armexec.objects.thread_local import BlockLayout, ThreadLocalBlock

__all__ = [
    "ABSOLUTE",
    "MAX_ALIGN",
    "MAX_IMAGE",
    "NOWHERE",
    "PAGE",
    "PROVIDED",
    "VENEER_SIZE",
    "Binding",
    "Layout",
    "Mark",
    "PlacedSection",
    "Reference",
    "Relocation",
    "Section",
    "SectionSymbol",
    "Segment",
    "Symbol",
    "SymbolKind",
    "lay_out",
]

PAGE = 0x4000
"""The granule of segments: 16 KiB, the largest page of the hosts supported."""
MAX_IMAGE = 1 << 40
"""Maximum size of an image in bytes. Of a variable of more than 4 GiB, ADRP may still reach the beginning."""
MAX_ALIGN = 1 << 30
"""Maximum alignment of a section."""
_LARGE = 1 << 30
_MAX_PADDING = 1 << 26
ABSOLUTE = -1
"""The section of a SectionSymbol whose value is a plain number."""
NOWHERE = -2
"""What linkers write in debug information for addresses of what is left out (-1 has a meaning in .debug_ranges)."""
VENEER_SIZE = 16
HOLE = 0x10000
"""Bytes of inaccessible memory around the address that stands for an undefined symbol."""

PROVIDED = ("__dso_handle", "___dso_handle", "_GLOBAL_OFFSET_TABLE_")
"""Symbols that a linker defines: the image itself (an argument of __cxa_atexit) and its GOT."""

SymbolKind = Literal["function", "object", "section", "tls", "notype"]
Binding = Literal["local", "global", "weak"]


class Section(NamedTuple):
    """A section to be placed. `size` are its bytes in memory, if more than the data.

    `flags` is "rx", "r" or "rw", or "tls" for the initial contents of thread-local variables, which are only read.
    A `dropped` one has been left out, and is empty.
    """

    name: str
    data: bytes
    flags: str = "rx"
    align: int = 4
    size: int = 0
    dropped: bool = False


class PlacedSection(NamedTuple):
    """A section's name, its offset in the image and its size, in bytes; whether it has been left out."""

    name: str
    offset: int
    size: int
    dropped: bool = False


class SectionSymbol(NamedTuple):
    """A symbol at `value` in a section, given by its index; None for an undefined symbol, ABSOLUTE for a number."""

    name: str
    section: int | None
    value: int = 0
    size: int = 0
    kind: SymbolKind = "notype"
    binding: Binding = "global"


class Mark(NamedTuple):
    """An offset in a section, given by its index, where code or data begins; it extends to the next mark."""

    section: int
    offset: int
    code: bool


class Reference(NamedTuple):
    """A relocation at `offset` in a section; section and symbols are given by their indexes.

    With `minus`, the address of that symbol is subtracted (ABS64 and ABS32 only).
    """

    section: int
    offset: int
    type: int
    symbol: int
    addend: int = 0
    minus: int | None = None


@dataclass
class Symbol:
    """A symbol of an image.

    `name` is as in the object; `offset` is relative to the image, None if undefined or absolute; `absolute`
    is the value of an absolute symbol, for a thread-local variable the offset from the thread pointer; `size` in bytes,
    0 if not known.
    """

    name: str
    offset: int | None
    size: int
    kind: SymbolKind
    binding: Binding
    defined: bool
    absolute: int | None = None


@dataclass
class Segment:
    """Whole pages of one protection. `offset` is a multiple of PAGE; memory past `data`, up to `size`, is zero."""

    offset: int
    size: int
    data: bytes
    writable: bool
    executable: bool


@dataclass
class Relocation:
    """A place, relative to the image, to be written once the addresses are known.

    `type` is a RelocationType, `symbol` and `minus` are indexes of the image's symbols. With `got`, the
    target is that slot (a byte offset in the image) instead of the symbol.
    """

    offset: int
    type: RelocationType
    symbol: int
    addend: int = 0
    minus: int | None = None
    got: int | None = None


@dataclass
class Layout:
    """The places of sections and symbols in an image; `sections` keep the order given.

    `stubs` maps each branch to an undefined symbol, or pointer that is only called, to an undefined instruction, both
    by their offsets. `exit` is the offset of a veneer that these, and references to thread-local variables, may branch
    to; 0 if there are none. `holes` maps each undefined symbol with other references to the offset that stands for it,
    in pages of no segment.
    `thread_local` describes what each thread has of thread-local variables; their symbols are absolute, as offsets from
    the thread pointer.
    """

    size: int
    align: int
    segments: list[Segment]
    symbols: list[Symbol]
    relocations: list[Relocation]
    sections: list[PlacedSection]
    got: int
    veneers: dict[int, int] = field(default_factory=dict)
    stubs: dict[int, int] = field(default_factory=dict)
    exit: int = 0
    holes: dict[int, int] = field(default_factory=dict)
    thread_local: ThreadLocalBlock | None = None


def too_large(name: str, what: str, size: int) -> LoadError:
    """The error for an image that is larger than the maximum."""
    return LoadError(f"{name}: {what} takes {size} bytes, and all of it may have {MAX_IMAGE >> 30} GiB of memory")


def _up(value: int, align: int) -> int:
    return (value + align - 1) & -align


def lay_out(
    name: str,
    sections: Sequence[Section],
    symbols: Sequence[SectionSymbol],
    references: Sequence[Reference],
    block: BlockLayout | None = None,
) -> Layout:
    """Place the sections in segments by protection, and make room for GOT slots, veneers and undefined symbols.

    Code comes first, then read-only data, then data, each in the order given, data without content last. Thread-local
    variables follow those that `block` has already.
    Raises LoadError for sections that are too large, wrongly aligned, or writable and executable.
    """
    for section in sections:
        _check_section(name, section)
    _check_references(name, sections, symbols, references)

    slots: dict[tuple[int, int], int] = {}
    branched: dict[int, int] = {}
    branches: list[Reference] = []  # to undefined symbols
    missing: dict[int, int] = {}  # undefined symbols referred to otherwise
    known = {*PROVIDED, *_encapsulating(sections, [0] * len(sections))}
    references = [_thread_local_reference(r, sections, symbols) for r in references]
    thread_local = any(r.type == RelocationType.TLS for r in references)
    for r in references:
        symbol = symbols[r.symbol]
        undefined = symbol.section is None and symbol.name not in known
        if r.type in GOT_TYPES:
            slots.setdefault((r.symbol, r.addend), 8 * len(slots))
        elif (r.type in BRANCHES or r.type == RelocationType.PLT32) and undefined:
            branched.setdefault(r.symbol, VENEER_SIZE * len(branched))
        if not undefined or symbol.binding == "weak" or not symbol.name:
            continue
        if r.type in BRANCHES:
            branches.append(r)
        elif r.type != RelocationType.TLS:
            missing.setdefault(r.symbol, HOLE * len(missing))

    groups: dict[str, list[int]] = {"rx": [], "r": [], "tls": [], "rw": []}
    for index, section in enumerate(sections):
        groups[section.flags].append(index)
    _sort_encapsulated(sections, groups)
    groups["tls"].sort(key=lambda i: not sections[i].data)
    block = block or BlockLayout()
    thread_pointer = 0  # as an offset in the image, for the contents of thread-local variables
    # Large variables come last, to keep the others in reach.
    groups["rw"].sort(key=lambda i: 0 if sections[i].data else 1 if sections[i].size < _LARGE else sections[i].size)

    placed = [0] * len(sections)
    segments: list[Segment] = []
    # ADRP counts pages of 4 KiB; larger pages are multiples of that.
    end, align, got, veneers, stubs, exit, padding = 0, 0x1000, 0, 0, 0, 0, 0
    for flags, members in groups.items():
        start = end = _up(end, PAGE)
        alignment = max((sections[i].align for i in members), default=1)
        start = end = _up(end, max(alignment, PAGE))
        align = max(align, alignment)
        data = bytearray()
        for i in members:
            section = sections[i]
            end = _up(end, section.align)
            placed[i] = end
            if section.data:
                padding += end - start - len(data)
                if padding > _MAX_PADDING:
                    raise LoadError(f"{name}: more than {_MAX_PADDING >> 20} MiB of padding to align its sections")
                data.extend(bytes(end - start - len(data)))
                data += section.data
            end += max(section.size, len(section.data))
            if end > MAX_IMAGE:
                raise too_large(name, f"section {section.name}", section.size)
        if flags == "rx" and (branched or thread_local):
            veneers = end = _up(end, 8)
            stubs = veneers + VENEER_SIZE * len(branched)
            end = stubs + 4 * len(branches)  # zeros are UDF
            if branches or thread_local:
                exit = _up(end, 8)
                end = exit + VENEER_SIZE
            data.extend(bytes(end - start - len(data)))
        elif flags == "r" and slots:
            got = end = _up(end, 8)
            end += 8 * len(slots)
            data.extend(bytes(end - start - len(data)))
        if flags == "tls" and end > start:
            try:
                thread_pointer = start - block.add(start, len(data), end - start, alignment, start)
            except LoadError as error:
                raise LoadError(f"{name}: {error}") from None
        if end > start:
            segments.append(Segment(start, end - start, bytes(data), flags == "rw", flags == "rx"))

    if missing:
        holes = _up(end, PAGE) + HOLE // 2
        end = _up(end, PAGE) + HOLE * len(missing)
        missing = {symbol: holes + offset for symbol, offset in missing.items()}
        if end > MAX_IMAGE:
            raise too_large(name, f"room for {len(missing)} undefined symbols", end)
    provided = {symbol: got if symbol == "_GLOBAL_OFFSET_TABLE_" else 0 for symbol in PROVIDED}
    provided |= _encapsulating(sections, placed)
    made = [_place_symbol(name, s, sections, placed, provided, thread_pointer) for s in symbols]
    relocations = [
        Relocation(
            placed[r.section] + r.offset,
            RelocationType(r.type),
            r.symbol,
            r.addend,
            r.minus,
            got + slots[r.symbol, r.addend] if r.type in GOT_TYPES else None,
        )
        for r in references
        if field_size(r.type)
    ]
    for (index, addend), slot in slots.items():
        relocations.append(Relocation(got + slot, RelocationType.ABS64, index, addend))
    if not segments:
        raise LoadError(f"{name}: no code and no data")
    return Layout(
        size=_up(end, PAGE),
        align=align,
        segments=segments,
        symbols=made,
        relocations=relocations,
        sections=[
            PlacedSection(s.name, offset, max(s.size, len(s.data)), s.dropped)
            for s, offset in zip(sections, placed, strict=True)
        ],
        got=got,
        veneers={symbol: veneers + offset for symbol, offset in branched.items()},
        stubs={placed[r.section] + r.offset: stubs + 4 * i for i, r in enumerate(branches)},
        exit=exit,
        holes=missing,
        thread_local=block.finished(),
    )


def _sort_encapsulated(sections: Sequence[Section], groups: Mapping[str, list[int]]) -> None:
    """Bring the sections of each C identifier together, so that __start_ and __stop_ symbols enclose them."""
    first: dict[str, int] = {}
    for index, section in enumerate(sections):
        if section.name.isidentifier():
            first.setdefault(section.name, index)
    if first:
        for members in groups.values():
            members.sort(key=lambda i: first.get(sections[i].name, i))


def _encapsulating(sections: Sequence[Section], placed: Sequence[int]) -> dict[str, int]:
    """The symbols __start_NAME and __stop_NAME of sections whose name is a C identifier."""
    found: dict[str, int] = {}
    for section, offset in zip(sections, placed, strict=True):
        if section.name.isidentifier() and not section.dropped:
            start, stop = f"__start_{section.name}", f"__stop_{section.name}"
            found[start] = min(found.get(start, offset), offset)
            found[stop] = max(found.get(stop, 0), offset + max(section.size, len(section.data)))
    return found


def _thread_local_reference(r: Reference, sections: Sequence[Section], symbols: Sequence[SectionSymbol]) -> Reference:
    """The reference, of the type TLS if it is one to a thread-local variable that isn't defined."""
    if r.type not in THREAD_LOCAL_TYPES:
        return r
    section = symbols[r.symbol].section
    is_defined = section is not None and 0 <= section < len(sections) and sections[section].flags == "tls"
    return r if is_defined else r._replace(type=RelocationType.TLS)


def _check_section(name: str, section: Section) -> None:
    if section.flags not in {"rx", "r", "rw", "tls"}:
        raise LoadError(
            f"{name}: section {section.name} wants protection {section.flags!r}; "
            "no memory may be writable and executable"
        )
    if section.align <= 0 or section.align & (section.align - 1):
        raise LoadError(f"{name}: section {section.name} has alignment {section.align}, which is no power of two")
    if section.align > MAX_ALIGN:
        raise LoadError(
            f"{name}: section {section.name} has alignment {section.align:#x}, and {MAX_ALIGN:#x} is the largest"
            " that memory is aligned to"
        )
    if section.size > MAX_IMAGE:
        raise too_large(name, f"section {section.name}", section.size)


def _check_references(
    name: str,
    sections: Sequence[Section],
    symbols: Sequence[SectionSymbol],
    references: Sequence[Reference],
) -> None:
    for r in references:
        try:
            size = field_size(RelocationType(r.type))
        except ValueError:
            raise LoadError(
                f"{name}: relocation of type {r.type} at {r.offset:#x} in a section is not supported"
            ) from None
        if not 0 <= r.section < len(sections):
            raise LoadError(f"{name}: relocation in section {r.section}, which isn't there")
        section = sections[r.section]
        if not 0 <= r.offset <= len(section.data) - size:
            raise LoadError(f"{name}: relocation at {r.offset:#x} is outside section {section.name}")
        for index in (r.symbol, r.minus if r.minus is not None else r.symbol):
            if not 0 <= index < len(symbols):
                raise LoadError(
                    f"{name}: relocation at {section.name}+{r.offset:#x} of symbol {index}, which isn't there"
                )


def _place_symbol(
    name: str,
    symbol: SectionSymbol,
    sections: Sequence[Section],
    placed: Sequence[int],
    provided: Mapping[str, int],
    thread_pointer: int,
) -> Symbol:
    section = symbol.section
    if section is None and symbol.name in provided:
        return Symbol(symbol.name, provided[symbol.name], 0, "notype", "local", True)
    if section is None or section == ABSOLUTE:
        absolute = None if section is None else symbol.value
        defined = section is not None
        return Symbol(symbol.name, None, symbol.size, symbol.kind, symbol.binding, defined, absolute)
    if not 0 <= section < len(sections):
        raise LoadError(f"{name}: symbol {symbol.name} is in section {section}, which isn't there")
    extent = max(sections[section].size, len(sections[section].data))
    if not 0 <= symbol.value <= extent:
        raise LoadError(
            f"{name}: symbol {symbol.name} at {symbol.value:#x} is outside section {sections[section].name}"
        )
    size = min(symbol.size, extent - symbol.value)
    if sections[section].flags == "tls":
        at = placed[section] + symbol.value - thread_pointer
        return Symbol(symbol.name, None, size, "tls", symbol.binding, True, at)
    return Symbol(symbol.name, placed[section] + symbol.value, size, symbol.kind, symbol.binding, True)
