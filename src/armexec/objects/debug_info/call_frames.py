"""Call frame information: where a function has saved the registers of its caller, at each of its instructions.

It is in .eh_frame, or in .debug_frame. Expressions, which compilers use for signal handlers alone, aren't followed.
Sources: DWARF 5, 6.4; Linux Standard Base 5.0, "Exception Frames".
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

__all__ = ["CallFrames", "FrameProgram", "FrameRow", "read_call_frames"]

_OMITTED = 0xFF
_PC_RELATIVE, _ABSOLUTE = 0x10, 0x00
_FORMATS: Mapping[int, str] = {0x00: "<Q", 0x02: "<H", 0x03: "<I", 0x04: "<Q", 0x0A: "<h", 0x0B: "<i", 0x0C: "<q"}
"""DW_EH_PE: absptr, udata2, udata4, udata8, sdata2, sdata4, sdata8."""


class FrameRow(NamedTuple):
    """How to find a caller's registers, by their numbers in DWARF.

    The canonical frame address (CFA) is what `register` holds plus `offset`: the stack pointer before the call. `saved`
    registers are at these distances from it; None: lost. Others are as they are. `link` is the register that has the
    address to return to.
    """

    register: int
    offset: int
    saved: Mapping[int, int | None]
    link: int


class _Cie(NamedTuple):
    code_alignment: int
    data_alignment: int
    link: int
    encoding: int
    has_augmentation: bool
    program: bytes
    is_understood: bool


class FrameProgram(NamedTuple):
    """What describes the frames of a function, that begins at an address and has a size."""

    begin: int
    size: int
    cie: _Cie
    program: bytes


class _Reader:
    """Reads numbers from bytes, one after the other. IndexError and struct.error: they have ended."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def number(self, kind: str) -> int:
        (value,) = struct.unpack_from(kind, self.data, self.at)
        self.at += struct.calcsize(kind)
        return int(value)

    def uleb(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def sleb(self) -> int:
        start = self.at
        value = self.uleb()
        bits = 7 * (self.at - start)
        return value - (1 << bits) if value >> bits - 1 else value

    def text(self) -> bytes:
        end = self.data.index(b"\0", self.at)
        found = self.data[self.at : end]
        self.at = end + 1
        return found


def read_call_frames(
    data: bytes, *, is_eh: bool, address: int = 0, begins: Callable[[int], int | None] | None = None
) -> Iterator[FrameProgram]:
    """The functions that a section describes. What is malformed is left out.

    Args:
        is_eh: it is .eh_frame, and not .debug_frame.
        address: where the section is; of .eh_frame, the addresses are relative to it.
        begins: gives the address of a function by where its entry is in the section, None for one that has been left
            out; by default what the entry says.
    """
    cies: dict[int, _Cie | None] = {}
    for at, end, pointer in _records(data, is_eh):
        try:
            if pointer is None:
                cies[at] = _cie(data, at, end, is_eh)
                continue
            cie = cies.get(pointer)
            if cie is None:
                continue
            reader = _Reader(data, at + 8)
            begin = _pointer(reader, cie.encoding, address)
            size = _pointer(reader, cie.encoding & 0x0F, 0)
            if cie.has_augmentation:
                length = reader.uleb()
                reader.at += length
            found = begins(at) if begins is not None else begin
            if found is not None:
                yield FrameProgram(found, size, cie, data[reader.at : end])
        except (IndexError, ValueError, struct.error):
            continue


def _records(data: bytes, is_eh: bool) -> Iterator[tuple[int, int, int | None]]:
    """Of each record its begin, its end, and the place of its CIE; None for a CIE."""
    at = 0
    while at + 8 <= len(data):
        length, pointer = struct.unpack_from("<II", data, at)
        if not length:
            at += 4
            continue
        end = at + 4 + length
        # 64-bit records have the length 0xFFFFFFFF.
        if length < 4 or end > len(data):
            return
        if is_eh:
            yield at, end, at + 4 - pointer if pointer else None
        else:
            yield at, end, pointer if pointer != 0xFFFFFFFF else None
        at = end


def _pointer(reader: _Reader, encoding: int, address: int) -> int:
    kind = _FORMATS.get(encoding & 0x0F)
    if kind is None or encoding & 0x70 not in (_PC_RELATIVE, _ABSOLUTE):
        raise ValueError("an encoding that isn't known")
    place = address + reader.at
    value = reader.number(kind)
    return value + place & (1 << 64) - 1 if encoding & 0x70 == _PC_RELATIVE else value


def _cie(data: bytes, at: int, end: int, is_eh: bool) -> _Cie | None:
    reader = _Reader(data, at + 8)
    version = reader.number("<B")
    augmentation = reader.text()
    if not is_eh and version >= 4 and (reader.number("<B"), reader.number("<B")) != (8, 0):
        return None
    code, factor = reader.uleb(), reader.sleb()
    link = reader.number("<B") if version == 1 else reader.uleb()
    encoding = _ABSOLUTE
    is_understood = True
    if augmentation[:1] == b"z":
        length = reader.uleb()
        rest = reader.at + length
        for letter in augmentation[1:].decode("latin1"):
            if letter == "R":
                encoding = reader.number("<B")
            elif letter == "L":
                reader.number("<B")
            elif letter == "P":
                kind = reader.number("<B")
                _pointer(reader, kind & 0x0F, 0)
            elif letter not in "BG":
                # A signal's frame has another link; what isn't known may mean anything.
                is_understood = False
                break
        reader.at = rest
    elif augmentation:
        return None
    return _Cie(code, factor, link, encoding, augmentation[:1] == b"z", data[reader.at : end], is_understood)


class CallFrames:
    """The call frame information of some functions."""

    def __init__(self, functions: Iterable[FrameProgram]) -> None:
        self._functions = sorted(functions, key=lambda function: function.begin)
        self._begins = [function.begin for function in self._functions]

    def row(self, address: int) -> FrameRow | None:
        """What is so before the instruction at an address; None where that isn't known."""
        index = bisect_right(self._begins, address) - 1
        if index < 0:
            return None
        function = self._functions[index]
        if not address < function.begin + function.size or not function.cie.is_understood:
            return None
        try:
            return _row(function, address)
        except (IndexError, ValueError, struct.error):
            return None


class _Machine:
    """What the rules are while a program is executed. `register` is None where the CFA is an expression."""

    def __init__(self) -> None:
        self.register: int | None = None
        self.offset = 0
        self.saved: dict[int, int | None] = {}
        self.initial: dict[int, int | None] = {}
        self.unknown: set[int] = set()

    def restore(self, register: int) -> None:
        self.saved.pop(register, None)
        self.unknown.discard(register)
        if register in self.initial:
            self.saved[register] = self.initial[register]


def _row(function: FrameProgram, address: int) -> FrameRow | None:
    machine = _Machine()
    _execute(machine, function.cie, function.cie.program, function.begin, None)
    machine.initial = dict(machine.saved)
    _execute(machine, function.cie, function.program, function.begin, address)
    if machine.register is None or machine.unknown:
        return None
    return FrameRow(machine.register, machine.offset, machine.saved, function.cie.link)


def _execute(m: _Machine, cie: _Cie, program: bytes, at: int, until: int | None) -> None:
    """Execute a program up to the row that holds `until`."""
    reader = _Reader(program)
    stack: list[tuple[int | None, int, dict[int, int | None], set[int]]] = []
    factor = cie.data_alignment
    while reader.at < len(program):
        operation = reader.number("<B")
        low = operation & 0x3F
        step: int | None = None
        if operation >> 6 == 1:
            step = low
        elif operation >> 6 == 2:
            m.saved[low] = reader.uleb() * factor
        elif operation >> 6 == 3:
            m.restore(low)
        elif operation in (0x02, 0x03, 0x04):
            step = reader.number({0x02: "<B", 0x03: "<H", 0x04: "<I"}[operation])
        elif operation in (0x05, 0x11):
            register = reader.uleb()
            m.saved[register] = (reader.uleb() if operation == 0x05 else reader.sleb()) * factor
        elif operation == 0x06:
            m.restore(reader.uleb())
        elif operation == 0x07:
            m.saved[reader.uleb()] = None
        elif operation == 0x08:
            m.saved.pop(reader.uleb(), None)
        elif operation == 0x0A:
            stack.append((m.register, m.offset, dict(m.saved), set(m.unknown)))
        elif operation == 0x0B:
            m.register, m.offset, m.saved, m.unknown = stack.pop()
        elif operation in (0x0C, 0x12):
            m.register = reader.uleb()
            m.offset = reader.uleb() if operation == 0x0C else reader.sleb() * factor
        elif operation == 0x0D:
            m.register = reader.uleb()
        elif operation in (0x0E, 0x13):
            m.offset = reader.uleb() if operation == 0x0E else reader.sleb() * factor
        elif operation == 0x0F:
            m.register = None
            length = reader.uleb()
            reader.at += length
        elif operation in (0x10, 0x16):
            m.unknown.add(reader.uleb())
            length = reader.uleb()
            reader.at += length
        elif operation in (0x09, 0x14, 0x15):
            # In another register, or a value that is computed.
            m.unknown.add(reader.uleb())
            reader.uleb()
        elif operation == 0x2E:
            reader.uleb()
        elif operation not in (0x00, 0x2D):
            raise ValueError("an operation that isn't known")
        if step is not None:
            at += step * cie.code_alignment
            if until is not None and at > until:
                return
