"""The line number program that `.file` and `.loc` describe: the contents of .debug_line.

Source: DWARF 5, section 6.2; DWARF 4 where there is no `.file 0`. View numbers are an extension of GNU as.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from armexec.asm.contents import CodeSection
from armexec.asm.encoding import Relocatable
from armexec.asm.output.subsections import Subsection, leb128
from armexec.asm.where import Where

if TYPE_CHECKING:
    from armexec.asm.output import Output

__all__ = ["DebugLines", "Row"]

_LINE_BASE, _LINE_RANGE, _OPCODE_BASE = -5, 14, 13
_OPERANDS = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
_COPY, _ADVANCE_PC, _ADVANCE_LINE, _SET_FILE, _SET_COLUMN, _NEGATE_STMT = range(1, 7)
_SET_BASIC_BLOCK, _SET_PROLOGUE_END, _SET_EPILOGUE_BEGIN, _SET_ISA = 7, 10, 11, 12
_END_SEQUENCE, _SET_ADDRESS, _SET_DISCRIMINATOR = 1, 2, 4
_PATH, _DIRECTORY_INDEX, _MD5 = 1, 2, 5
_STRING, _UDATA, _DATA16 = 0x08, 0x0F, 0x1E
_MOST_FILES = 1 << 16


class Row(NamedTuple):
    """The contents of one `.loc`; `marks` are "basic_block", "prologue_end", "epilogue_begin"."""

    file: int
    line: int
    column: int
    is_stmt: bool = True
    marks: tuple[str, ...] = ()
    isa: int = 0
    discriminator: int = 0


class _File(NamedTuple):
    directory: str
    name: str
    md5: bytes


class DebugLines:
    """The files and rows of an assembly; .debug_line is made when labels are placed."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._files: dict[int, _File] = {}
        self._rows: dict[CodeSection, list[tuple[Subsection, int, Row]]] = {}
        self._where: Where | None = None
        self._last: tuple[Subsection, int, int] | None = None
        self.is_stmt = True
        self.isa = 0

    def file(self, number: int, directory: str, name: str, md5: bytes, where: Where) -> None:
        """Give a file a number. Raises AssemblyError for a number that stands for another."""
        if not 0 <= number < _MOST_FILES:
            raise where.error(f"file number {number} is out of range 0..{_MOST_FILES - 1}")
        known = self._files.get(number)
        if known is not None and known[:2] != (directory, name):
            raise where.error(f"file number {number} is that of {known.name} already")
        self._begin(where)
        self._files[number] = _File(directory, name, md5)

    def row(self, row: Row, where: Where) -> None:
        """Set the source line of the code from here on."""
        if row.file not in self._files:
            raise where.error(f"there is no .file {row.file}")
        self._begin(where)
        section = self._output.section
        self._rows.setdefault(section.section, []).append((section, section.size, row))

    def view(self) -> int:
        """The view number of the last row: the number of rows before it with the same address."""
        section = self._output.section
        view = 0
        if self._last is not None and self._last[:2] == (section, section.size):
            view = self._last[2] + 1
        self._last = section, section.size, view
        return view

    def reset_view(self) -> None:
        """Count views from 0 again."""
        self._last = None

    def _begin(self, where: Where) -> None:
        if self._where is None:
            self._where = where
            self._output.late.append(self._make)

    def _make(self) -> None:
        """Append the unit to .debug_line."""
        output, where = self._output, self._where
        assert where is not None
        if not self._rows and 0 not in self._files:
            return
        if output.apple:
            section = output.make_section(CodeSection("__DWARF,__debug_line", "", type="regular", attributes="debug"))
        else:
            section = output.make_section(CodeSection(".debug_line", ""))
        start = len(section.data)
        version = 5 if 0 in self._files else 4
        tables = self._tables_5() if version == 5 else self._tables_4()
        fields = bytes([1, 1, 1, _LINE_BASE & 0xFF, _LINE_RANGE, _OPCODE_BASE]) + _OPERANDS
        header = version.to_bytes(2, "little") + (b"\x08\0" if version == 5 else b"")
        header += (len(fields) + len(tables)).to_bytes(4, "little") + fields + tables
        program = bytearray()
        addresses: list[tuple[int, CodeSection, int]] = []
        for code, rows in self._rows.items():
            placed = sorted(((s.position(offset), row) for s, offset, row in rows), key=lambda r: r[0])
            addresses.append((len(program) + 3, code, placed[0][0]))
            program += _sequence(placed, code.size)
        section.data += (len(header) + len(program)).to_bytes(4, "little") + header + program
        section.size = len(section.data)
        for offset, code, position in addresses:
            target = Relocatable(output.symbols.place(Subsection(code), 0), position)
            output.relocate(section, start + 4 + len(header) + offset, "R_AARCH64_ABS64", target, where)

    def _all_files(self) -> tuple[list[str], list[tuple[int, _File]]]:
        """The directories, the compiler's own first, and each file with the number of its directory."""
        directories = [self._files[0].directory if 0 in self._files else ""]
        files = []
        for number in range(0 if 0 in self._files else 1, max(self._files, default=0) + 1):
            file = self._files.get(number, _File("", "", b""))
            if file.directory and file.directory not in directories:
                directories.append(file.directory)
            files.append((directories.index(file.directory) if file.directory else 0, file))
        return directories, files

    def _tables_5(self) -> bytes:
        directories, files = self._all_files()
        with_md5 = all(file.md5 for _, file in files)
        result = bytes([1, _PATH, _STRING]) + leb128(len(directories), signed=False)
        result += b"".join(_string(name) for name in directories)
        formats = [(_PATH, _STRING), (_DIRECTORY_INDEX, _UDATA)] + [(_MD5, _DATA16)] * with_md5
        result += bytes([len(formats), *(byte for pair in formats for byte in pair)])
        result += leb128(len(files), signed=False)
        for directory, file in files:
            result += _string(file.name) + leb128(directory, signed=False) + file.md5 * with_md5
        return result

    def _tables_4(self) -> bytes:
        directories, files = self._all_files()
        result = b"".join(_string(name) for name in directories[1:]) + b"\0"
        for directory, file in files:
            result += _string(file.name or "?") + leb128(directory, signed=False) + b"\0\0"
        return result + b"\0"


def _string(text: str) -> bytes:
    return text.encode(errors="surrogateescape").replace(b"\0", b"") + b"\0"


def _sequence(rows: Iterable[tuple[int, Row]], end: int) -> bytes:
    """The rows of one section, from DW_LNE_set_address to DW_LNE_end_sequence."""
    program = bytearray([0, 9, _SET_ADDRESS]) + bytes(8)
    address = -1
    state = Row(1, 1, 0)
    for position, row in rows:
        if address < 0:
            address = position
        if row.file != state.file:
            program += bytes([_SET_FILE]) + leb128(row.file, signed=False)
        if row.column != state.column:
            program += bytes([_SET_COLUMN]) + leb128(row.column, signed=False)
        if row.isa != state.isa:
            program += bytes([_SET_ISA]) + leb128(row.isa, signed=False)
        if row.is_stmt != state.is_stmt:
            program.append(_NEGATE_STMT)
        if row.discriminator:
            value = leb128(row.discriminator, signed=False)
            program += bytes([0, 1 + len(value), _SET_DISCRIMINATOR]) + value
        for mark in row.marks:
            program.append({"basic_block": _SET_BASIC_BLOCK, "prologue_end": _SET_PROLOGUE_END}.get(mark, 11))
        program += _advance(position - address, row.line - state.line)
        address, state = position, row
    if end > address:
        program += bytes([_ADVANCE_PC]) + leb128(end - max(address, 0), signed=False)
    return bytes(program + bytes([0, 1, _END_SEQUENCE]))


def _advance(bytes_further: int, lines_further: int) -> bytes:
    """The opcodes that advance to a row by these distances."""
    result = b""
    if not _LINE_BASE <= lines_further < _LINE_BASE + _LINE_RANGE:
        result += bytes([_ADVANCE_LINE]) + leb128(lines_further, signed=True)
        lines_further = 0
    opcode = lines_further - _LINE_BASE + _LINE_RANGE * bytes_further + _OPCODE_BASE
    if opcode > 255:
        result += bytes([_ADVANCE_PC]) + leb128(bytes_further, signed=False)
        opcode = lines_further - _LINE_BASE + _OPCODE_BASE
    return result + bytes([opcode])
