"""Static libraries: ar archives of objects, in GNU's and in BSD's format.

Source: System V ABI (ELF), chapter 7, "Archive File"; ar(5) of GNU and of BSD for symbol tables and long names.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from armexec.errors import LoadError

__all__ = ["MAGIC", "Archive", "Member"]

MAGIC = b"!<arch>\n"
"""What an archive begins with."""
_HEADER = 60
_END = b"`\n"
_GNU_TABLES = {"/": ">I", "/SYM64/": ">Q"}
_BSD_TABLES = {"__.SYMDEF": "<I", "__.SYMDEF SORTED": "<I", "__.SYMDEF_64": "<Q", "__.SYMDEF_64 SORTED": "<Q"}


class Member(NamedTuple):
    """A file in an archive: its name, the place of its header, and those of its first byte and its end."""

    name: str
    header: int
    begin: int
    end: int


class Archive:
    """The members of an archive, and the symbols that they define."""

    def __init__(self, data: bytes, name: str) -> None:
        """Read the table of contents.

        Raises:
            LoadError: it isn't an archive, is truncated, or has no symbol table.
        """
        self.name = name
        self._data = data
        if not data.startswith(MAGIC):
            raise LoadError(f"{name}: not a static library (ar archive)")
        self._long_names = b""
        self._table: tuple[Member, str, bool] | None = None
        self._members = {member.header: member for member in self._read_members()}
        if self._members and self._table is None:
            raise LoadError(f"{name}: the static library has no symbol table: ranlib {name} makes one")

    @property
    def members(self) -> list[Member]:
        """The members in the order of the file, without tables."""
        return list(self._members.values())

    def read(self, member: Member) -> bytes:
        """The bytes of a member."""
        return self._data[member.begin : member.end]

    @cached_property
    def symbols(self) -> dict[str, Member]:
        """The first member that defines each symbol. Raises LoadError for a damaged table."""
        found: dict[str, Member] = {}
        for name, header in self._entries():
            member = self._members.get(header)
            if member is None:
                raise self._bad(f"symbol {name} is in a member at {header:#x}, where there is none")
            found.setdefault(name, member)
        return found

    def _bad(self, text: str) -> LoadError:
        return LoadError(f"{self.name}: corrupted static library: {text}")

    def _read_members(self) -> Iterator[Member]:
        data, at = self._data, len(MAGIC)
        while at < len(data):
            header = data[at : at + _HEADER]
            if len(header) < _HEADER or header[58:] != _END:
                raise self._bad(f"no header of a member at {at:#x}")
            try:
                size = int(header[48:58])
            except ValueError:
                raise self._bad(f"the member at {at:#x} has the size {header[48:58]!r}") from None
            begin, end = at + _HEADER, at + _HEADER + size
            if size < 0 or end > len(data):
                raise self._bad(f"the member at {at:#x} has {size} bytes, past the end of the file")
            raw = header[:16].decode("utf-8", "backslashreplace").rstrip()
            name, begin = self._full_name(raw, at, begin, end)
            member = Member(name, at, begin, end)
            if name in _GNU_TABLES or name in _BSD_TABLES:
                if self._table is None:
                    formats = _GNU_TABLES if name in _GNU_TABLES else _BSD_TABLES
                    self._table = member, formats[name], name in _GNU_TABLES
            elif name == "//":
                self._long_names = data[begin:end]
            else:
                yield member
            at = end + (end & 1)

    def _full_name(self, raw: str, at: int, begin: int, end: int) -> tuple[str, int]:
        """The name of a member, and where its content begins: BSD puts long names before it."""
        if raw in _GNU_TABLES or raw == "//":
            return raw, begin
        number = raw[3:] if raw.startswith("#1/") else raw[1:] if raw.startswith("/") else ""
        if not number:
            return raw.removesuffix("/"), begin
        if not (number.isascii() and number.isdigit()):
            raise self._bad(f"the member at {at:#x} has the name {raw!r}")
        place = int(number)
        if raw.startswith("#1/"):
            if begin + place > end:
                raise self._bad(f"the name of the member at {at:#x} has {place} bytes, more than the member")
            name = self._data[begin : begin + place].rstrip(b"\0")
            return name.decode("utf-8", "backslashreplace"), begin + place
        if place >= len(self._long_names):
            raise self._bad(f"the name of the member at {at:#x} is at {place} of the long names, which isn't there")
        return self._long_names[place:].partition(b"\n")[0].decode("utf-8", "backslashreplace").removesuffix("/"), begin

    def _entries(self) -> Iterator[tuple[str, int]]:
        """Each symbol's name and the place of the header of its member."""
        if self._table is None:
            return
        member, number, is_gnu = self._table
        table = self._data[member.begin : member.end]
        size = struct.calcsize(number)
        try:
            if is_gnu:
                (count,) = struct.unpack_from(number, table)
                places = (
                    struct.unpack_from(f"{number[0]}{count}{number[1]}", table, size) if count <= len(table) else ()
                )
                names = table[size * (1 + count) :].split(b"\0")
                if len(places) != count or len(names) < count:
                    raise self._bad(f"a symbol table of {len(table)} bytes for {count} symbols")
                for name, place in zip(names, places, strict=False):
                    yield name.decode("utf-8", "backslashreplace"), place
                return
            (length,) = struct.unpack_from(number, table)
            if size + length > len(table):
                raise self._bad(f"a symbol table of {len(table)} bytes with entries of {length}")
            text = table[2 * size + length :]
            for at, place in struct.iter_unpack(number + number[1], table[size : size + length]):
                yield text[at:].partition(b"\0")[0].decode("utf-8", "backslashreplace"), place
        except struct.error:
            raise self._bad(f"a symbol table of {len(table)} bytes") from None
