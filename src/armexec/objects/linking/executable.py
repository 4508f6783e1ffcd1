"""What a linker adds to an executable: the ELF header with program headers, arrays of initializers, unwind tables.

Start-up code and the C library find these in memory: by the program headers, and by symbols such as __init_array_start.

Source: System V ABI (ELF), chapters 4 and 5; Linux Standard Base 5.0, "Exception Frames".
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from dataclasses import replace

from armexec.errors import LoadError
from armexec.objects.layout import Layout, Reference, Section, SectionSymbol
from armexec.objects.linking.merge import Merged, merge
from armexec.objects.linking.part import FINAL, Part
from armexec.objects.linking.selection import Selection
from armexec.objects.linking.unwind import HEADER_ENTRY, HEADER_SIZE, join_frames, search_table
from armexec.objects.relocations import RelocationType

__all__ = ["PROGRAM_HEADER", "PROGRAM_HEADERS", "ExecutableSections"]

ELF_HEADER, PROGRAM_HEADER = 64, 56
"""Sizes in bytes."""
PROGRAM_HEADERS = ELF_HEADER
"""The offset of the program headers in the section that holds the ELF header."""
_MOST_SEGMENTS = 4
_PT_LOAD, _PT_PHDR, _PT_TLS = 1, 6, 7
_PT_GNU_EH_FRAME, _PT_GNU_STACK = 0x6474E550, 0x6474E551
_X, _W, _R = 1, 2, 4
_HEADER, _INIT, _FINI, _FRAMES, _TABLE = range(5)


class ExecutableSections:
    """The sections that are added to the parts of a selection."""

    def __init__(self, selection: Selection) -> None:
        """Merge the parts and the added sections into `merged`. Raises LoadError as `merge` does."""
        added = Part(
            "the linker's own part",
            selection.parts[0].format,
            [
                Section(".elf_header", bytes(ELF_HEADER + (_MOST_SEGMENTS + 4) * PROGRAM_HEADER), "r", 8),
                *(Section(name, b"", "r", 8) for name in (".init_array", ".fini_array", ".eh_frame", ".eh_frame_hdr")),
            ],
            [
                SectionSymbol("__ehdr_start", _HEADER),
                SectionSymbol("__preinit_array_start", _INIT),
                SectionSymbol("__preinit_array_end", _INIT),
                SectionSymbol("__init_array_start", _INIT),
                SectionSymbol("__init_array_end", _INIT),
                SectionSymbol("__fini_array_start", _FINI),
                SectionSymbol("__fini_array_end", _FINI),
            ],
        )
        merged = merge([*selection.parts, added], [*selection.dropped, ()], executable=True)
        sections, symbols = list(merged.sections), list(merged.symbols)
        references = list(merged.references)
        self._start = len(sections) - len(added.sections)
        for section, last, final in ((_INIT, "__init_array_end", False), (_FINI, "__fini_array_end", True)):
            functions = [i for i in merged.initializers if (i.order[0] == FINAL) == final]
            self._fill(sections, section, bytes(8 * len(functions)))
            for number, function in enumerate(functions):
                references.append(
                    Reference(self._start + section, 8 * number, RelocationType.ABS64, function.symbol, function.addend)
                )
            for index, symbol in enumerate(symbols):
                if symbol.name == last and symbol.section == self._start + section:
                    symbols[index] = symbol._replace(value=8 * len(functions))
        self._frames: list[int] = []
        if selection.unwind:
            references += self._add_frames(selection.parts, selection.dropped, merged, sections)
        self.merged = Merged(sections, symbols, references, merged.initializers, merged.numbers)

    def _fill(self, sections: list[Section], added: int, data: bytes) -> None:
        index = self._start + added
        sections[index] = sections[index]._replace(data=data)

    def _add_frames(
        self, parts: Sequence[Part], dropped: Sequence[Collection[int]], merged: Merged, sections: list[Section]
    ) -> list[Reference]:
        data, of_parts, self._frames = join_frames(parts, dropped)
        self._fill(sections, _FRAMES, data)
        self._fill(sections, _TABLE, bytes(HEADER_SIZE + HEADER_ENTRY * len(self._frames)))
        return [
            r._replace(section=self._start + _FRAMES, symbol=own[r.symbol])
            for references, own in zip(of_parts, merged.numbers, strict=False)
            for r in references
        ]

    def headers(self, layout: Layout) -> int:
        """The offset of the program headers in the image."""
        return layout.sections[self._start + _HEADER].offset + PROGRAM_HEADERS

    def count(self, layout: Layout) -> int:
        """The number of program headers."""
        return len(layout.segments) + 2 + (layout.thread_local is not None) + bool(self._frames)

    def complete(self, layout: Layout, entry: int) -> None:
        """Write what depends on the layout: the headers, and the search table for unwinding.

        `entry` is the offset where the program begins. The addresses in the headers are offsets in the image.
        """
        if self._frames:
            frames, table = (layout.sections[self._start + i].offset for i in (_FRAMES, _TABLE))
            functions = {}
            wanted = {frames + offset + 8 for offset in self._frames}
            for r in layout.relocations:
                if r.offset in wanted:
                    target = layout.symbols[r.symbol].offset
                    if target is not None:
                        functions[r.offset - 8] = target + r.addend
            if len(functions) != len(self._frames):
                raise LoadError("the unwind tables describe functions that aren't there")
            _write(layout, table, search_table(table, frames, functions))
        start = layout.sections[self._start + _HEADER].offset
        count = self.count(layout)
        header = struct.pack(
            "<16sHHIQQQIHHHHHH",
            b"\x7fELF\2\1\1",
            3,  # ET_DYN: it may be at any address
            183,  # EM_AARCH64
            1,
            entry,
            PROGRAM_HEADERS,
            0,
            0,
            ELF_HEADER,
            PROGRAM_HEADER,
            count,
            64,
            0,
            0,
        )
        _write(layout, start, header + self._program_headers(layout, start, count))

    def _program_headers(self, layout: Layout, start: int, count: int) -> bytes:
        size = count * PROGRAM_HEADER
        found = [_program_header(_PT_PHDR, _R, start + PROGRAM_HEADERS, size, size, 8)]
        for segment in layout.segments:
            flags = _R | (_W if segment.writable else 0) | (_X if segment.executable else 0)
            # A kernel can't clear the rest of a page that is only read; of thread-local variables nobody reads it.
            size = segment.size if segment.writable else len(segment.data)
            found.append(_program_header(_PT_LOAD, flags, segment.offset, len(segment.data), size, 0x1000))
        if layout.thread_local is not None:
            ((place, at, initialized),) = layout.thread_local.templates
            size = layout.thread_local.size - place
            found.append(_program_header(_PT_TLS, _R, at, initialized, size, layout.thread_local.align))
        if self._frames:
            table = layout.sections[self._start + _TABLE]
            found.append(_program_header(_PT_GNU_EH_FRAME, _R, table.offset, table.size, table.size, 4))
        found.append(_program_header(_PT_GNU_STACK, _R | _W, 0, 0, 0, 16))
        return b"".join(found)


def _program_header(type: int, flags: int, offset: int, file_size: int, size: int, align: int) -> bytes:
    return struct.pack("<IIQQQQQQ", type, flags, offset, offset, offset, file_size, size, align)


def _write(layout: Layout, offset: int, data: bytes) -> None:
    for number, segment in enumerate(layout.segments):
        at = offset - segment.offset
        if at >= 0 and at + len(data) <= len(segment.data):
            layout.segments[number] = replace(segment, data=segment.data[:at] + data + segment.data[at + len(data) :])
            return
    raise AssertionError("the linker's own sections are in a segment")
