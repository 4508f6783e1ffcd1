"""How host code that LLVM has made is unwound, worked out only when somebody asks.

The text is compiled once more, with a debug location on each line, as for the line table. LLVM then describes the
frames of all functions, and which functions it has put into others. Whether the code is the same is looked at.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from armexec.objects.debug_info.call_frames import CallFrames, FrameRow, read_call_frames
from armexec.translate.codegen.debug_locations import Offsets, Watched, offset_of, with_locations
from armexec.translate.codegen.host_object import read_object
from armexec.translate.codegen.line_table import LineRows, marked_for_faults
from armexec.translate.codegen.llvm import compile_object
from armexec.translate.codegen.value_locations import value_of, variables
from armexec.translate.policy import Policy

__all__ = ["HostFrames", "Scope"]


class Scope(NamedTuple):
    """A function of the text at a place in host code, or one that has been put into it there.

    `offset`: the guest's offset of the instruction there, None where it belongs to none. `entry`: where the debug
    information describes the function.
    """

    function: str
    offset: int | None
    entry: Any


class _Described(Offsets):
    """Without it, LLVM describes only those functions into which it has put others."""

    full = True


class HostFrames:
    """The frames of the code that a text becomes. Positions are those from where it is linked, all its sections.

    `watched`: the values of which `value` tells.
    """

    def __init__(
        self, text: str, tier: str, instructions: int, policy: Policy, watched: Watched = MappingProxyType({})
    ) -> None:
        from elftools.elf.elffile import ELFFile

        text = with_locations("\n".join(marked_for_faults(text)), _Described(), watched)
        data = compile_object(text, tier=tier, size=instructions, policy=policy)
        self._object = read_object(data)
        elf: Any = ELFFile(io.BytesIO(_with_places(data, self._object.places)))
        self._info: Any = elf.get_dwarf_info(relocate_dwarf_sections=True)
        self._rows = LineRows(self._info)
        frames = self._info.debug_frame_sec
        content = b"" if frames is None else frames.stream.getvalue()
        self._frames = CallFrames(read_call_frames(content, is_eh=False))

    def describes(self, running: bytes) -> bool:
        """Whether `running` is the same code, linked."""
        running_code = bytearray(running)
        for section in self._object.sections:
            own = bytearray(section.data)
            end = section.offset + len(own)
            other = running_code[section.offset : end]
            for relocation in self._object.relocations:
                # The linker writes the field, and what kind of instruction it is in.
                first, last = relocation.offset - 3 - section.offset, relocation.offset + 8 - section.offset
                if last > 0 and first < len(own):
                    first, last = max(first, 0), min(last, len(own))
                    own[first:last] = other[first:last] = bytes(last - first)
            if own != other:
                return False
        return True

    def row(self, position: int) -> FrameRow | None:
        """Where the caller's registers are."""
        return self._frames.row(position)

    def scopes(self, position: int) -> list[Scope]:
        """The functions at a position: the innermost first, the one that is a function of the host's last."""
        line = self._rows.line(position)
        scopes = []
        for entry in reversed(list(self._entries(position))):
            scopes.append(Scope(self._name(entry), offset_of(line), entry))
            called = entry.attributes.get("DW_AT_call_line")
            line = called.value if called is not None else 0
        return scopes

    def values(
        self, position: int, depth: int, registers: Mapping[int, int], word: Callable[[int], int | None]
    ) -> dict[str, int]:
        """The watched values that the code has at a position, in the function that is `depth` further out than the
        innermost there.

        `registers`: the host's, by DWARF's numbers. `word` gives words of the stack.
        """
        entries = list(self._entries(position))
        if not entries:
            return {}
        found = {}
        for name, entry in variables(entries[-1 - depth]).items():
            value = value_of(entry, position, registers, word, entries[0], self._info)
            if value is not None:
                found[f"%{name}"] = value
        return found

    def _entries(self, address: int) -> Iterator[Any]:
        """The entries of the functions at an address, the outermost first."""
        for unit in self._info.iter_CUs():
            entries = unit.get_top_DIE().iter_children()
            while True:
                entry = next((e for e in entries if self._holds(e, address)), None)
                if entry is None:
                    break
                if entry.tag in ("DW_TAG_subprogram", "DW_TAG_inlined_subroutine"):
                    yield entry
                entries = entry.iter_children()

    def _holds(self, entry: Any, address: int) -> bool:
        attributes = entry.attributes
        if "DW_AT_low_pc" in attributes and "DW_AT_high_pc" in attributes:
            low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
            end = high.value if high.form == "DW_FORM_addr" else low + high.value
            return bool(low <= address < end)
        if "DW_AT_ranges" not in attributes:
            return False
        ranges = self._info.range_lists()
        base = entry.cu.get_top_DIE().attributes.get("DW_AT_low_pc")
        start = base.value if base is not None else 0
        for part in ranges.get_range_list_at_offset(attributes["DW_AT_ranges"].value, entry.cu):
            if not hasattr(part, "begin_offset"):
                start = part.base_address
                continue
            first = 0 if getattr(part, "is_absolute", False) else start
            if first + part.begin_offset <= address < first + part.end_offset:
                return True
        return False

    @staticmethod
    def _name(entry: Any) -> str:
        while "DW_AT_name" not in entry.attributes and "DW_AT_abstract_origin" in entry.attributes:
            entry = entry.get_DIE_from_attribute("DW_AT_abstract_origin")
        name = entry.attributes.get("DW_AT_name")
        return name.value.decode() if name is not None else ""


def _with_places(data: bytes, places: Mapping[int, int]) -> bytes:
    """A relocatable object whose debug information has the places of its sections."""
    header = struct.unpack_from("<16sHHIQQQIHHHHHH", data)
    at, count = header[6], header[12]
    patched = bytearray(data)
    for number in range(count):
        _, kind, _, _, start, size, *_ = struct.unpack_from("<IIQQQQIIQQ", data, at + 64 * number)
        if kind != _SHT_SYMTAB:
            continue
        for entry in range(start, start + size, 24):
            section, value = struct.unpack_from("<6xHQ", data, entry)
            if section in places:
                struct.pack_into("<Q", patched, entry + 8, value + places[section])
    return bytes(patched)


_SHT_SYMTAB = 2
