"""Unwind tables: the .eh_frame of several objects as one, and the search table .eh_frame_hdr.

Source: Linux Standard Base 5.0, "Exception Frames". The pointers to functions are relocations here, so their encoding
needn't be known.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from armexec.errors import LoadError
from armexec.objects.layout import Reference
from armexec.objects.linking.part import Part

__all__ = ["HEADER_ENTRY", "HEADER_SIZE", "fde_references", "join_frames", "search_table"]

_PC_BEGIN = 8
"""The offset of an FDE's first pointer, which is that to its function."""
HEADER_SIZE, HEADER_ENTRY = 12, 8
"""Bytes of .eh_frame_hdr before its table, and of each entry."""


class _Record(NamedTuple):
    """A CIE, or an FDE of the CIE at the offset `cie` (None for a CIE itself), with its relocations."""

    begin: int
    end: int
    cie: int | None
    references: Sequence[Reference]


def _records(part: Part) -> Iterator[_Record]:
    unwind = part.unwind
    if unwind is None:
        return
    data = unwind.data
    references = sorted(unwind.references, key=lambda r: r.offset)
    at = number = 0
    while at + 4 <= len(data):
        (length,) = struct.unpack_from("<I", data, at)
        if not length:
            at += 4
            continue
        end = at + 4 + length
        if length < 4 or end > len(data):  # 64-bit records have the length 0xFFFFFFFF
            raise LoadError(f"{part.name}: corrupted ELF file: .eh_frame has a record of {length} bytes at {at:#x}")
        (pointer,) = struct.unpack_from("<I", data, at + 4)
        begin = number
        while number < len(references) and references[number].offset < end:
            number += 1
        yield _Record(at, end, at + 4 - pointer if pointer else None, references[begin:number])
        at = end


def _function_section(part: Part, record: _Record) -> int | None:
    """The section of an FDE's function, None if it isn't known."""
    for reference in record.references:
        if reference.offset == record.begin + _PC_BEGIN and 0 <= reference.symbol < len(part.symbols):
            return part.symbols[reference.symbol].section
    return None


def fde_references(part: Part) -> Iterator[tuple[int, list[int]]]:
    """For each function with an FDE its section, and the symbols that the FDE and its CIE refer to."""
    cies: dict[int, list[int]] = {}
    for record in _records(part):
        symbols = [r.symbol for r in record.references]
        if record.cie is None:
            cies[record.begin] = symbols
            continue
        section = _function_section(part, record)
        if section is not None and section >= 0:
            yield section, [*symbols, *cies.get(record.cie, ())]


def join_frames(
    parts: Sequence[Part], dropped: Sequence[Collection[int]]
) -> tuple[bytes, list[list[Reference]], list[int]]:
    """One .eh_frame of the parts, without FDEs of sections that are dropped.

    Returns its bytes; its relocations for each part, whose symbols are that part's; and the offsets of the FDEs.
    """
    joined = bytearray()
    references: list[list[Reference]] = []
    fdes: list[int] = []
    for part, gone in zip(parts, dropped, strict=True):
        references.append([])
        by_cie: defaultdict[int, list[_Record]] = defaultdict(list)
        cies: dict[int, _Record] = {}
        for record in _records(part):
            if record.cie is None:
                cies[record.begin] = record
                continue
            section = _function_section(part, record)
            if section is not None and section >= 0 and section not in gone:
                by_cie[record.cie].append(record)
        for begin, frames in by_cie.items():
            if begin not in cies:
                raise LoadError(f"{part.name}: corrupted ELF file: .eh_frame has no CIE at {begin:#x}")
            assert part.unwind is not None
            cie = len(joined)
            for record in (cies[begin], *frames):
                at = len(joined)
                joined += part.unwind.data[record.begin : record.end]
                if record.cie is not None:
                    struct.pack_into("<I", joined, at + 4, at + 4 - cie)
                    fdes.append(at)
                references[-1] += [r._replace(offset=r.offset - record.begin + at) for r in record.references]
    return bytes(joined) + bytes(4), references, fdes


def search_table(header: int, frames: int, functions: Mapping[int, int]) -> bytes:
    """The content of .eh_frame_hdr at the offset `header` of an image, for .eh_frame at `frames`.

    `functions` are the offsets of functions by those of their FDEs; all offsets are in the image.

    Raises LoadError for a distance of more than 31 bits.
    """
    # Version 1; .eh_frame as a PC-relative sdata4, the count as udata4, the table as sdata4 relative to the header.
    try:
        out = bytearray(struct.pack("<BBBBiI", 1, 0x1B, 0x03, 0x3B, frames - header - 4, len(functions)))
        for fde, function in sorted(functions.items(), key=lambda item: item[1]):
            out += struct.pack("<ii", function - header, fde - header)
    except struct.error:
        raise LoadError("the unwind tables describe a function that is more than 2 GiB away from them") from None
    return bytes(out)
