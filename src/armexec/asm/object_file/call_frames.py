"""Call frame information that `.cfi_` directives describe: the contents of .eh_frame and .debug_frame.

Source: DWARF 5, section 6.4; Linux Standard Base 5.0, "Exception Frames"; DWARF for the Arm 64-bit Architecture
(AADWARF64) for the numbers of registers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from armexec.asm.contents import CodeSection
from armexec.asm.encoding import Relocatable
from armexec.asm.output.subsections import Subsection, leb128
from armexec.asm.where import Where

if TYPE_CHECKING:
    from armexec.asm.output import Output

__all__ = ["CallFrames", "Frame"]

_DATA_ALIGNMENT = -4
_STACK_POINTER, _LINK_REGISTER = 31, 30
_DEF_CFA, _NOP = 0x0C, 0
_OMIT, _ABSOLUTE, _PC_RELATIVE, _SDATA4 = 0xFF, 0x00, 0x10, 0x0B
_POINTER_SIZES = {0x0: 8, 0x2: 2, 0x3: 4, 0x4: 8, 0xA: 2, 0xB: 4, 0xC: 8}


class Pointer(NamedTuple):
    """A symbol with its DW_EH_PE encoding."""

    encoding: int
    symbol: str
    addend: int = 0


class Frame:
    """The call frame information of one function; each of `instructions` has the offset from which it holds."""

    def __init__(self, section: Subsection, where: Where, *, simple: bool) -> None:
        self.section = section
        self.where = where
        self.simple = simple
        self.start = section.size
        self.end = section.size
        self.return_column = _LINK_REGISTER
        self.signal = False
        self.b_key = False
        self.mte_tagged = False
        self.personality: Pointer | None = None
        self.lsda: Pointer | None = None
        self.instructions: list[tuple[int, bytes]] = []
        self.cfa_offset = 0
        self.saved_offsets: list[int] = []

    def add(self, instruction: bytes) -> None:
        """Add an instruction, which holds for the code from here on."""
        self.instructions.append((self.section.size, instruction))

    @property
    def common(self) -> tuple[object, ...]:
        """The properties that functions of one CIE share."""
        lsda = self.lsda.encoding if self.lsda else _OMIT
        return (
            self.simple,
            self.return_column,
            self.signal,
            self.b_key,
            self.mte_tagged,
            self.personality,
            lsda,
        )


class CallFrames:
    """The frames of an assembly; their sections are made when labels are placed."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._frames: list[Frame] = []
        self._open: Frame | None = None
        self.eh_frame = True
        self.debug_frame = False

    def begin(self, where: Where, *, simple: bool) -> None:
        """Open a function. Raises AssemblyError if one is open."""
        if self._open is not None:
            raise where.error("a .cfi_startproc before the .cfi_endproc of the one before")
        if self._output.is_absolute:
            raise where.error("a function begins in a section: after .struct, go to one (.text)")
        if not self._frames:
            self._output.late.append(self._make)
        self._open = Frame(self._output.section, where, simple=simple)
        self._frames.append(self._open)

    def end(self, where: Where) -> None:
        """Close the open function. Raises AssemblyError if there is none."""
        frame = self.current(where)
        frame.end = frame.section.size
        self._open = None

    def current(self, where: Where) -> Frame:
        """The open function's frame. Raises AssemblyError if there is none."""
        if self._open is None:
            raise where.error("there is no .cfi_startproc before this")
        if self._output.section is not self._open.section:
            raise where.error("this is in another section than its .cfi_startproc")
        return self._open

    @staticmethod
    def factored(offset: int, where: Where) -> int:
        """An offset in units of the CIE's data alignment. Raises AssemblyError if it isn't a multiple."""
        if offset % _DATA_ALIGNMENT:
            raise where.error(f"the offset {offset} is not a multiple of {-_DATA_ALIGNMENT}")
        return offset // _DATA_ALIGNMENT

    def _make(self) -> None:
        if self._open is not None:
            raise self._open.where.error("this .cfi_startproc has no .cfi_endproc")
        if self.eh_frame:
            _Table(self._output, self._frames, eh=True).make()
        if self.debug_frame:
            _Table(self._output, self._frames, eh=False).make()


class _Table:
    """One section of call frame information."""

    def __init__(self, output: Output, frames: list[Frame], *, eh: bool) -> None:
        self.output = output
        self.frames = frames
        self.eh = eh
        self.section = output.make_section(CodeSection(".eh_frame", "r") if eh else CodeSection(".debug_frame", ""))
        self.section.align = max(self.section.align, 8)
        self.data = self.section.data

    def make(self) -> None:
        known: dict[tuple[object, ...], int] = {}
        for frame in self.frames:
            key = frame.common
            if key not in known:
                known[key] = self._cie(frame)
            self._fde(frame, known[key])
        self.section.size = len(self.data)

    def _close(self, start: int) -> None:
        """Fill an entry up, and write its length."""
        self.data += bytes([_NOP]) * (-len(self.data) % 8)
        self.data[start : start + 4] = (len(self.data) - start - 4).to_bytes(4, "little")

    def _cie(self, frame: Frame) -> int:
        start, data = len(self.data), self.data
        data += bytes(4) + (bytes(4) if self.eh else b"\xff\xff\xff\xff")
        augmentation = ""
        if self.eh:
            augmentation = "z" + "P" * (frame.personality is not None) + "L" * (frame.lsda is not None) + "R"
            augmentation += "S" * frame.signal + "B" * frame.b_key + "G" * frame.mte_tagged
        data += b"\x01" + augmentation.encode() + b"\0"
        data += leb128(1, signed=False) + leb128(_DATA_ALIGNMENT, signed=True) + bytes([frame.return_column & 0xFF])
        if self.eh:
            size = 1 + (1 + _size(frame.personality) if frame.personality else 0) + (frame.lsda is not None)
            data += leb128(size, signed=False)
            if frame.personality is not None:
                data.append(frame.personality.encoding)
                self._pointer(frame.personality, frame.where)
            if frame.lsda is not None:
                data.append(frame.lsda.encoding)
            data.append(_PC_RELATIVE | _SDATA4)
        if not frame.simple:
            data += bytes([_DEF_CFA, _STACK_POINTER, 0])
        self._close(start)
        return start

    def _fde(self, frame: Frame, cie: int) -> None:
        start, data = len(self.data), self.data
        code = frame.section.section
        first, last = frame.section.position(frame.start), frame.section.position(frame.end)
        data += bytes(4)
        if self.eh:
            data += (len(data) - cie).to_bytes(4, "little")
            self._relocate("R_AARCH64_PREL32", 4, code, first, frame.where)
            data += (last - first).to_bytes(4, "little")
            data += leb128(_size(frame.lsda) if frame.lsda else 0, signed=False)
            if frame.lsda is not None:
                self._pointer(frame.lsda, frame.where)
        else:
            self._relocate("R_AARCH64_ABS32", 4, self.section, cie, frame.where)
            self._relocate("R_AARCH64_ABS64", 8, code, first, frame.where)
            data += (last - first).to_bytes(8, "little")
        place = first
        for offset, instruction in frame.instructions:
            position = frame.section.position(offset)
            data += _advance(position - place) + instruction
            place = position
        self._close(start)

    def _relocate(self, kind: str, size: int, section: CodeSection, addend: int, where: Where) -> None:
        target = Relocatable(self.output.symbols.place(Subsection(section), 0), addend)
        self.output.relocate(self.section, len(self.data), kind, target, where)
        self.data += bytes(size)

    def _pointer(self, pointer: Pointer, where: Where) -> None:
        size = _size(pointer)
        kind = f"R_AARCH64_{'PREL' if pointer.encoding & 0x70 == _PC_RELATIVE else 'ABS'}{8 * size}"
        target = Relocatable(pointer.symbol, pointer.addend)
        self.output.relocate(self.section, len(self.data), kind, target, where)
        self.data += bytes(size)


def _size(pointer: Pointer | None) -> int:
    return _POINTER_SIZES.get(pointer.encoding & 0xF, 8) if pointer is not None else 0


def _advance(distance: int) -> bytes:
    if distance == 0:
        return b""
    if distance < 0x40:
        return bytes([0x40 | distance])
    size = 1 if distance < 1 << 8 else 2 if distance < 1 << 16 else 4
    return bytes([{1: 2, 2: 3, 4: 4}[size]]) + distance.to_bytes(size, "little")
