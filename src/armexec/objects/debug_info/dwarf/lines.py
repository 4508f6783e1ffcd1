"""The line number program of DWARF (versions 2 to 5, section 6.2 of the standard).

It is decoded here, because pyelftools trusts the counts in a header, and loops forever on malformed ones; it also makes
an object of every row.
"""

from __future__ import annotations

from contextlib import suppress

from armexec.objects.debug_info.source_line import SourceLine

__all__ = ["read_lines"]

_DW_LNCT_PATH, _DW_LNCT_DIRECTORY = 1, 2


class _Malformed(Exception):
    """A table that can't be read further."""


class _Cursor:
    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data = data
        self.at = at
        self.end = end

    def uint(self, size: int) -> int:
        if size < 0 or self.at + size > self.end:
            raise _Malformed
        value = int.from_bytes(self.data[self.at : self.at + size], "little")
        self.at += size
        return value

    def uleb(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self.uint(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value
        raise _Malformed

    def sleb(self) -> int:
        start = self.at
        value = self.uleb()
        bits = 7 * (self.at - start)
        return value - (1 << bits) if value >> (bits - 1) & 1 else value

    def string(self) -> str:
        end = self.data.find(b"\0", self.at, self.end)
        if end < 0:
            raise _Malformed
        text = self.data[self.at : end]
        self.at = end + 1
        return text.decode("utf-8", "backslashreplace")


def read_lines(section: bytes, line_strings: bytes, strings: bytes) -> tuple[list[int], list[SourceLine | None]]:
    """Sorted addresses, and the source line from each to the next; None for code without one.

    `section` is .debug_line, the others .debug_line_str and .debug_str. Malformed tables are left out.
    """
    rows: dict[int, SourceLine | None] = {}
    ends: set[int] = set()
    at = 0
    while at + 4 <= len(section):
        length = int.from_bytes(section[at : at + 4], "little")
        word, start = 4, at + 4
        if length == 0xFFFFFFFF:
            length, word, start = int.from_bytes(section[at + 4 : at + 12], "little"), 8, at + 12
        end = min(start + length, len(section))
        with suppress(_Malformed):
            _Program(_Cursor(section, start, end), word, line_strings, strings).run(rows, ends)
        at = max(end, at + 4)
    for address in ends:
        rows.setdefault(address, None)
    starts = sorted(rows)
    return starts, [rows[a] for a in starts]


class _Program:
    """One unit's header and its state machine; the names are the standard's."""

    def __init__(self, cursor: _Cursor, word: int, line_strings: bytes, strings: bytes) -> None:
        self.cursor = c = cursor
        self.tables = {0x1F: line_strings, 0x0E: strings}  # DW_FORM_line_strp, DW_FORM_strp
        self.word = word
        version = c.uint(2)
        if not 2 <= version <= 5:
            raise _Malformed
        if version >= 5:
            c.uint(2)  # address_size, segment_selector_size
        header = c.uint(word)
        program = c.at + header
        self.minimum = c.uint(1)
        if version >= 4:
            c.uint(1)  # maximum_operations_per_instruction, 1 for AArch64
        c.uint(1)  # default_is_stmt
        self.line_base = (c.uint(1) ^ 0x80) - 0x80
        self.line_range = c.uint(1)
        self.opcode_base = c.uint(1)
        if not self.line_range or not self.opcode_base:
            raise _Malformed
        self.lengths = [c.uint(1) for _ in range(self.opcode_base - 1)]
        self.files: list[str]
        if version >= 5:
            directories = [d for d, _ in self._entries()]
            self.files = [_join(directories, i, name) for name, i in self._entries()]
        else:
            directories, self.files = [""], [""]
            while text := c.string():
                directories.append(text)
            while text := c.string():
                index, _, _ = c.uleb(), c.uleb(), c.uleb()
                self.files.append(_join(directories, index, text))
        if program > c.end:
            raise _Malformed
        c.at = program

    def _entries(self) -> list[tuple[str, int]]:
        """Version 5's directories or files: name and directory index."""
        c = self.cursor
        formats = [(c.uleb(), c.uleb()) for _ in range(c.uint(1))]
        count = c.uleb()
        if count and (not formats or count > c.end - c.at):
            raise _Malformed
        entries = []
        for _ in range(count):
            name, directory = "", 0
            for content, form in formats:
                value = self._form(form)
                if content == _DW_LNCT_PATH:
                    name = str(value)
                elif content == _DW_LNCT_DIRECTORY and isinstance(value, int):
                    directory = value
            entries.append((name, directory))
        return entries

    def _form(self, form: int) -> str | int:
        c = self.cursor
        if form == 0x08:  # DW_FORM_string
            return c.string()
        if form in self.tables:
            table = self.tables[form]
            return _Cursor(table, min(c.uint(self.word), len(table)), len(table)).string()
        if form == 0x0F:  # DW_FORM_udata
            return c.uleb()
        sizes = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16}  # DW_FORM_data1, 2, 4, 8, 16
        if form not in sizes:
            raise _Malformed
        return c.uint(sizes[form])

    def run(self, rows: dict[int, SourceLine | None], ends: set[int]) -> None:
        c = self.cursor
        address, file, line, column = 0, 1, 1, 0
        known: dict[tuple[int, int, int], SourceLine] = {}
        while c.at < c.end:
            opcode = c.uint(1)
            emit = False
            if opcode >= self.opcode_base:
                step = opcode - self.opcode_base
                address += step // self.line_range * self.minimum
                line += self.line_base + step % self.line_range
                emit = True
            elif opcode == 0:
                size = c.uleb()
                following = c.at + size
                if not size or following > c.end:
                    raise _Malformed
                kind = c.uint(1)
                if kind == 1:  # DW_LNE_end_sequence
                    ends.add(address)
                    address, file, line, column = 0, 1, 1, 0
                elif kind == 2:  # DW_LNE_set_address
                    address = c.uint(size - 1)
                c.at = following
            elif opcode == 1:  # DW_LNS_copy
                emit = True
            elif opcode == 2:  # DW_LNS_advance_pc
                address += c.uleb() * self.minimum
            elif opcode == 3:  # DW_LNS_advance_line
                line += c.sleb()
            elif opcode == 4:  # DW_LNS_set_file
                file = c.uleb()
            elif opcode == 5:  # DW_LNS_set_column
                column = c.uleb()
            elif opcode == 8:  # DW_LNS_const_add_pc
                address += (255 - self.opcode_base) // self.line_range * self.minimum
            elif opcode == 9:  # DW_LNS_fixed_advance_pc
                address += c.uint(2)
            else:
                for _ in range(self.lengths[opcode - 1]):
                    c.uleb()
            if emit and line <= 0:  # code that comes from no line
                rows[address] = None
            elif emit:
                key = (file, line, column)
                if key not in known:
                    name = self.files[file] if file < len(self.files) else ""
                    known[key] = SourceLine(name, line, column)
                rows[address] = known[key]


def _join(directories: list[str], index: int, name: str) -> str:
    # Directory 0 is the compiler's working directory: names there stay relative.
    if index == 0 or index >= len(directories) or name.startswith("/"):
        return name
    return f"{directories[index]}/{name}"
