"""Fixups as programs of opcodes (LC_DYLD_INFO, LC_DYLD_INFO_ONLY), as libraries for systems before macOS 12 have them.

Source: Apple's mach-o/loader.h, REBASE_OPCODE_* and BIND_OPCODE_*.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from armexec.errors import LoadError
from armexec.objects.dylib.fixups import Bind

__all__ = ["binds", "rebases"]

_POINTER = 1
_MOST = 1 << 24
_MASK = (1 << 64) - 1
_WEAK_IMPORT = 1


class _Program:
    """A program, and the place that it writes to next."""

    def __init__(self, data: bytes, name: str, segments: Sequence[tuple[int, int]]) -> None:
        self._data = data
        self._segments = segments
        self._segment: tuple[int, int] | None = None
        self._offset = 0
        self._written = 0
        self.name = name
        self.at = 0

    def bad(self, text: str) -> LoadError:
        return LoadError(f"{self.name}: corrupted Mach-O file: {text}")

    def opcodes(self) -> Iterator[tuple[int, int]]:
        """The opcodes with their immediate values."""
        while self.at < len(self._data):
            byte = self._data[self.at]
            self.at += 1
            yield byte & 0xF0, byte & 0x0F

    def unsigned(self) -> int:
        """A ULEB128 number."""
        value = shift = 0
        while True:
            if self.at >= len(self._data) or shift > 63:
                raise self.bad("its fixups end in a number")
            byte = self._data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value & _MASK

    def signed(self) -> int:
        """A SLEB128 number."""
        start = self.at
        value = self.unsigned()
        bits = 7 * (self.at - start)
        return value - (1 << bits) if bits <= 63 and value >> (bits - 1) & 1 else (value ^ 1 << 63) - (1 << 63)

    def text(self) -> str:
        end = self._data.find(b"\0", self.at)
        if end < 0:
            raise self.bad("its fixups end in a name")
        text = self._data[self.at : end].decode("utf-8", "backslashreplace")
        self.at = end + 1
        return text

    def go_to(self, segment: int) -> None:
        if segment >= len(self._segments):
            raise self.bad(f"fixups in segment {segment}, which isn't there")
        self._segment = self._segments[segment]
        self._offset = self.unsigned()

    def skip(self, distance: int) -> None:
        self._offset = (self._offset + distance) & _MASK

    def place(self) -> int:
        """The address of the next word; the one after it is next then."""
        if self._segment is None or self._offset + 8 > self._segment[1]:
            raise self.bad("a fixup outside of its segment")
        self._written += 1
        if self._written > _MOST:
            raise self.bad(f"more than {_MOST} fixups")
        address = self._segment[0] + self._offset
        self._offset += 8
        return address

    def check_type(self, kind: int) -> None:
        if kind != _POINTER:
            raise LoadError(f"{self.name}: fixups of type {kind}, and only pointers (1) are supported")


def rebases(data: bytes, name: str, segments: Sequence[tuple[int, int]]) -> Iterator[int]:
    """The addresses of the words that hold an address in the library; `segments` are their addresses and sizes.

    Raises:
        LoadError: the program is malformed.
    """
    program = _Program(data, name, segments)
    for opcode, value in program.opcodes():
        match opcode:
            case 0x00:
                return
            case 0x10:
                program.check_type(value)
            case 0x20:
                program.go_to(value)
            case 0x30:
                program.skip(program.unsigned())
            case 0x40:
                program.skip(8 * value)
            case 0x50:
                yield from (program.place() for _ in range(value))
            case 0x60:
                yield from (program.place() for _ in range(program.unsigned()))
            case 0x70:
                yield program.place()
                program.skip(program.unsigned())
            case 0x80:
                count, distance = program.unsigned(), program.unsigned()
                for _ in range(count):
                    yield program.place()
                    program.skip(distance)
            case _:
                raise program.bad(f"the rebase opcode {opcode:#x}")


def binds(data: bytes, name: str, segments: Sequence[tuple[int, int]], *, lazy: bool = False) -> Iterator[Bind]:
    """The words that are bound to symbols; the `lazy` ones are a program each.

    Raises:
        LoadError: the program is malformed, or is arm64e's.
    """
    program = _Program(data, name, segments)
    bound = Bind(0, "", 0)
    for opcode, value in program.opcodes():
        match opcode:
            case 0x00:
                if not lazy:
                    return
            case 0x10:
                bound = bound._replace(ordinal=value)
            case 0x20:
                bound = bound._replace(ordinal=program.unsigned())
            case 0x30:
                bound = bound._replace(ordinal=value - 16 if value else 0)
            case 0x40:
                bound = bound._replace(name=program.text(), weak=bool(value & _WEAK_IMPORT))
            case 0x50:
                program.check_type(value)
            case 0x60:
                bound = bound._replace(addend=program.signed())
            case 0x70:
                program.go_to(value)
            case 0x80:
                program.skip(program.unsigned())
            case 0x90:
                yield bound._replace(address=program.place())
            case 0xA0:
                yield bound._replace(address=program.place())
                program.skip(program.unsigned())
            case 0xB0:
                yield bound._replace(address=program.place())
                program.skip(8 * value)
            case 0xC0:
                count, distance = program.unsigned(), program.unsigned()
                for _ in range(count):
                    yield bound._replace(address=program.place())
                    program.skip(distance)
            case 0xD0:
                raise LoadError(f"{name}: its pointers are signed, as those of arm64e are: compile for arm64")
            case _:
                raise program.bad(f"the bind opcode {opcode:#x}")
