"""From a host pc in translated code to the guest instruction it belongs to, worked out only when somebody asks.

The unit is built once more, with a debug location on every line of its text: its line is the guest instruction's place.
Debug locations don't change the code that LLVM makes, so the line table of this second build describes the first.
"""

from __future__ import annotations

import io
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from armexec.translate.codegen.debug_locations import MARK, Offsets, marked_offset, offset_of, with_locations
from armexec.translate.codegen.llvm import compile_object
from armexec.translate.policy import Policy

__all__ = ["LineRows", "LineTable", "marked_for_faults"]

_FAR = 1 << 40

_VALUE = re.compile(r"%[\w.]+")
_KEPT = re.compile(r"ptr %[xfqds]\w*$")
_POINTER = ("getelementptr i8, ptr null, ", "getelementptr i8, ptr @memory, ")
"""How the pointers to the guest's memory begin, without a sandbox and with one (`machines/llvm/memory.py`)."""
_MASK = ", 4294967295"
_OWN_ACCESS = ("atomicrmw", "cmpxchg", "call", "load atomic")
_CASTS = ("bitcast", "zext", "sext", "trunc", "fpext", "insertelement", "extractelement", "shufflevector")
"""What a load may go through on its way into the instruction that it becomes a part of."""


def _functions(text: str) -> Iterator[list[str]]:
    """The lines of a text, those of a function together."""
    function: list[str] = []
    for line in text.split("\n"):
        if function or line.startswith("define "):
            function.append(line)
            if line == "}":
                yield function
                function = []
        else:
            yield [line]


def marked_for_faults(text: str) -> Iterator[str]:
    """The lines of a text, where what computes with a loaded value says that it belongs to the load.

    A load that is used once may become part of the host's instruction that uses it, which then faults in its stead, and
    which has the location of what is computed. Of several operands, the last is the one that becomes part of it.
    """
    for lines in _functions(text):
        yield from _marked_function(lines) if lines[1:] else lines


def _readers(text: str) -> dict[int, int]:
    """Of each store whose place is loaded from before in the same block, the offset of that load, by the store's.

    The host may do both by one instruction.
    """
    found: dict[int, int] = {}
    for lines in _functions(text):
        here = 0
        sums: dict[str, str] = {}
        places: dict[str, str] = {}
        loaded: dict[str, int] = {}
        for line in lines:
            if line.startswith(MARK):
                here = marked_offset(line)
                continue
            if line.endswith(":"):
                loaded.clear()
            name, _, operation = line.partition(" = ")
            if operation.startswith("and i64 ") and operation.endswith(_MASK):
                sums[name] = operation
            elif operation.startswith("add i64 "):
                # In a sandbox the sum is one of a masked value, whose mask each access has for itself.
                sums[name] = _masked_sum(operation, sums)
            elif operation.startswith(_POINTER):
                address = operation.rpartition(" ")[2]
                places[name] = sums.get(address, address)
            elif operation.startswith("load "):
                loaded.setdefault(places.get(operation.partition(", ptr ")[2].partition(",")[0], ""), here)
            elif line.startswith("store "):
                place = places.get(line.partition(", ptr ")[2].partition(",")[0], "")
                if place and place in loaded:
                    found.setdefault(here, loaded[place])
    return found


def _masked_sum(operation: str, sums: Mapping[str, str]) -> str:
    """The text of a sum, with what masked values are made of."""

    def shown(used: re.Match[str]) -> str:
        known = sums.get(used[0], "")
        return known if known.startswith("and") else used[0]

    return _VALUE.sub(shown, operation)


def _sources(text: str) -> dict[int, int]:
    """By the offset of what computes with a loaded value, however long ago it was loaded, the offset of the load."""
    found: dict[int, int] = {}
    for lines in _functions(text):
        here = 0
        loaded: dict[str, int] = {}
        for line in lines:
            if line.startswith(MARK):
                here = marked_offset(line)
                continue
            name, assigned, operation = line.partition(" = ")
            operation = operation.lstrip()
            if not assigned or operation.startswith(_POINTER):
                continue
            name = name.strip()
            if operation.startswith("load ") and not _KEPT.search(operation.partition(", align")[0]):
                loaded[name] = here
                continue
            source = next((loaded[used] for used in reversed(_VALUE.findall(operation)) if used in loaded), None)
            if source is not None:
                loaded[name] = source
                found.setdefault(here, source)
    return found


def _uses(lines: Sequence[str]) -> Counter[str]:
    """How often each value of a function is used, not counting what computes what isn't, and what keeps registers.

    Those are kept in variables of the function, most of which LLVM has no use for.
    """
    uses: Counter[str] = Counter()
    for line in reversed(lines):
        if line.startswith("store ") and _KEPT.search(line):
            continue
        name, assigned, operation = line.partition(" = ")
        if not assigned or uses[name.strip()] or operation.lstrip().startswith(("call", "load", "atomic", "cmpxchg")):
            uses.update(_VALUE.findall(operation if assigned else line))
    return uses


def _marked_function(lines: Sequence[str]) -> Iterator[str]:
    uses = _uses(lines)
    here = ""
    loads: dict[str, str] = {}
    pointers: set[str] = set()
    for line in lines:
        if line.startswith(MARK):
            here = line
        elif line.endswith(":"):
            loads.clear()
        name, assigned, operation = line.partition(" = ")
        name = name.strip()
        there = ""
        if assigned and here:
            operation = operation.lstrip()
            if operation.startswith(_OWN_ACCESS):
                # It faults by itself, whatever its operands are.
                pass
            elif operation.startswith(_POINTER):
                pointers.add(name)
            elif operation.startswith("load "):
                if not pointers.isdisjoint(_VALUE.findall(operation)):
                    loads[name] = here
            else:
                # Loads that are joined are made again as one.
                joins = operation.startswith("shufflevector")
                used = [n for n in _VALUE.findall(operation) if n in loads and (joins or uses[n] == 1)]
                there = loads[used[-1]] if used else ""
            if there and operation.startswith(_CASTS):
                loads[name] = there
        yield from (there, line, here) if there else (line,)


def _with_others_far(data: bytes, elf: Any, section: int) -> bytes:
    """A relocatable object in which only what is in one section has small addresses.

    There the sections all begin at 0, and the rows of cold code would be taken for those of the rest.
    """
    patched = bytearray(data)
    table = elf.get_section_by_name(".symtab")
    value = table.structs.Elf_Sym.sizeof() - 16  # st_value and st_size, of 8 bytes each, end an entry (ELF-64).
    for index, symbol in enumerate(table.iter_symbols()):
        if isinstance(symbol["st_shndx"], int) and symbol["st_shndx"] != section:
            at = table["sh_offset"] + index * table["sh_entsize"] + value
            patched[at : at + 8] = (symbol["st_value"] + _FAR).to_bytes(8, "little")
    return bytes(patched)


class LineRows:
    """The rows of a line table by their addresses."""

    def __init__(self, info: Any) -> None:
        rows: list[tuple[int, int]] = []
        for unit in info.iter_CUs():
            program = info.line_program_for_CU(unit)
            for entry in program.get_entries() if program is not None else ():
                state = entry.state
                if state is not None:
                    rows.append((state.address, 0 if state.end_sequence else state.line))
        # Of several rows of a place the last counts.
        rows.sort(key=lambda row: row[0])
        self._starts = [start for start, _ in rows]
        self._lines = [line for _, line in rows]

    def line(self, address: int) -> int:
        """The line of the instruction at an address; 0 where that isn't known."""
        index = bisect_right(self._starts, address) - 1
        return self._lines[index] if index >= 0 else 0


class LineTable:
    """The line table of a unit of some guest instructions. `size`: of its code in bytes, from the symbol `begin`.

    `readers`: of stores, by their offsets, those of loads from the same places. `sources`: of what computes with loaded
    values, those of the loads.
    """

    def __init__(self, text: str, tier: str, instructions: int, policy: Policy) -> None:
        from elftools.elf.elffile import ELFFile

        self.readers = _readers(text)
        self.sources = _sources(text)
        text = with_locations("\n".join(marked_for_faults(text)), Offsets())
        data = compile_object(text, tier=tier, size=instructions, policy=policy)
        elf: Any = ELFFile(io.BytesIO(data))
        begin = elf.get_section_by_name(".symtab").get_symbol_by_name("begin")[0]
        elf = ELFFile(io.BytesIO(_with_others_far(data, elf, begin["st_shndx"])))
        table = elf.get_section_by_name(".symtab")
        section = elf.get_section(begin["st_shndx"])
        self.size = section["sh_size"] - begin["st_value"]
        self._begin = begin["st_value"]
        self._rows = LineRows(elf.get_dwarf_info(relocate_dwarf_sections=True))
        self._functions = sorted(
            (symbol["st_value"] - begin["st_value"], symbol.name)
            for symbol in table.iter_symbols()
            if symbol["st_shndx"] == begin["st_shndx"] and symbol["st_info"]["type"] == "STT_FUNC"
        )

    def offset(self, position: int) -> int | None:
        """The guest offset of the instruction whose code holds the byte `position` from `begin`."""
        if not 0 <= position < self.size:
            return None
        return offset_of(self._rows.line(position + self._begin))

    def function(self, position: int) -> str | None:
        """The name in the object of the host function that holds the byte `position` from `begin`."""
        if not 0 <= position < self.size:
            return None
        index = bisect_right(self._functions, position, key=lambda function: function[0]) - 1
        return self._functions[index][1] if index >= 0 else None
