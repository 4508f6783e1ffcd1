"""ELF objects of different assemblers, compared by what a linker would make of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_RELOC_TYPE_AARCH64
from elftools.elf.relocation import RelocationSection

from armexec.objects import RelocationType
from armexec.objects.relocations import apply

__all__ = ["Contents", "differences"]

_NAMES = {number: name.removeprefix("R_AARCH64_") for name, number in ENUM_RELOC_TYPE_AARCH64.items() if number != "_"}
_BRANCHES = ("CALL26", "JUMP26", "CONDBR19", "TSTBR14", "LD_PREL_LO19", "ADR_PREL_LO21", "PREL32", "PREL64")
# The bits of a word that a relocation fills.
_FIELDS = [
    (("CALL26", "JUMP26"), 0x3FFFFFF),
    (("CONDBR19", "LD_PREL", "GOT_LD_PREL", "TLSDESC_LD_PREL", "TLSIE_LD_GOTTPREL"), 0xFFFFE0),
    (("TSTBR14",), 0x7FFE0),
    (("TLSDESC_LDR", "TLSDESC_ADD", "TLSDESC_CALL"), 0),
    (("MOVW", "TLSLE_MOVW", "TLSLD_MOVW", "TLSGD_MOVW", "TLSIE_MOVW", "TLSDESC_OFF"), 0x1FFFE0),
    (("ADR_", "TLSDESC_ADR", "TLSGD_ADR", "TLSLD_ADR", "TLSIE_ADR"), 0x60FFFFE0),
]
_LOW_12 = 0x3FFC00
_DATA = {"ABS64": 8, "PREL64": 8, "ABS32": 4, "PREL32": 4, "PLT32": 4, "GOTPCREL32": 4, "ABS16": 2, "PREL16": 2}


class Contents:
    """The sections of an object with their bytes, relocations and symbols, in terms that all assemblers share.

    `loaded`: only the sections that are loaded; those that hold call frames are left out, since each assembler encodes
    them in its own way.
    """

    def __init__(self, data: bytes, *, loaded: bool = True) -> None:
        self.elf = ELFFile(BytesIO(data))
        self.sections: dict[str, bytes] = {}
        self.attributes: dict[str, tuple[Any, ...]] = {}
        self.relocations: dict[str, list[tuple[Any, ...]]] = {}
        self._keys: dict[int, str] = {}
        table = self.elf.get_section_by_name(".symtab")
        self._symbols = list(table.iter_symbols()) if table is not None else []
        counts: Counter[str] = Counter()
        for index, section in enumerate(self.elf.iter_sections()):
            flags = section["sh_flags"]
            key = f"{section.name}#{counts[section.name]}"
            counts[section.name] += 1
            self._keys[index] = key
            wanted = flags & SH_FLAGS.SHF_ALLOC or (not loaded and section.name.startswith(".debug"))
            if not wanted or section["sh_size"] == 0 or section.name == ".eh_frame":
                continue
            nobits = section["sh_type"] == "SHT_NOBITS"
            self.sections[key] = b"\0" * section["sh_size"] if nobits else section.data()
            self.attributes[key] = section["sh_type"], flags & ~SH_FLAGS.SHF_INFO_LINK, section["sh_addralign"]
        for section in self.elf.iter_sections():
            if isinstance(section, RelocationSection) and self._keys[section["sh_info"]] in self.sections:
                self._relocate(self._keys[section["sh_info"]], section)

    def _place(self, number: int, addend: int) -> tuple[Any, ...]:
        """A symbol plus an addend, as a section and an offset in it where it is defined here."""
        symbol = self._symbols[number]
        index = symbol["st_shndx"]
        weak = symbol["st_info"]["bind"] == "STB_WEAK"
        if isinstance(index, int) and not weak:
            merged = self.elf.get_section(index)["sh_flags"] & SH_FLAGS.SHF_MERGE
            place = (self._keys[index], symbol["st_value"] + addend)
            return (*place, "merged") if merged else place
        if index == "SHN_ABS" or number == 0:
            return "number", symbol["st_value"] + addend
        return symbol.name, addend

    def _relocate(self, key: str, section: RelocationSection) -> None:
        found = []
        data = bytearray(self.sections[key])
        for r in section.iter_relocations():
            kind, offset = _NAMES.get(r["r_info_type"], str(r["r_info_type"])), r["r_offset"]
            target = self._place(r["r_info_sym"], r["r_addend"])
            if kind in _BRANCHES and target[0] == key:
                apply(data, offset, RelocationType[kind], target[1], offset, 0)
                continue
            _blank(data, offset, kind)
            found.append((offset, kind, target[:2]))
        self.sections[key] = bytes(data)
        self.relocations[key] = sorted(found, key=repr)

    def symbols(self) -> dict[str, tuple[Any, ...]]:
        """The named symbols: place, type, binding, visibility and size."""
        found = {}
        for number, symbol in enumerate(self._symbols):
            kind, name = symbol["st_info"]["type"], symbol.name
            if not name or name.startswith(("$", ".L")) or kind in ("STT_SECTION", "STT_FILE"):
                continue
            index = symbol["st_shndx"]
            if isinstance(index, int) and self._keys[index] not in self.sections and symbol["st_size"] == 0:
                continue
            place = (self._keys[index], symbol["st_value"]) if isinstance(index, int) else (index, symbol["st_value"])
            other = symbol["st_other"]["visibility"]
            found[name] = place, kind, symbol["st_info"]["bind"], other, symbol["st_size"]
            assert number
        return found


def _blank(data: bytearray, offset: int, kind: str) -> None:
    if kind in _DATA:
        data[offset : offset + _DATA[kind]] = bytes(_DATA[kind])
        return
    mask = next((mask for names, mask in _FIELDS if kind.startswith(names)), _LOW_12)
    word = int.from_bytes(data[offset : offset + 4], "little")
    data[offset : offset + 4] = (word & ~mask).to_bytes(4, "little")


def differences(ours: bytes, theirs: bytes, *, loaded: bool = True) -> Iterator[str]:
    """The places where two objects aren't the same."""
    a, b = Contents(ours, loaded=loaded), Contents(theirs, loaded=loaded)
    for key in sorted(a.sections.keys() | b.sections.keys()):
        if key not in a.sections or key not in b.sections:
            yield f"section {key}: only {'ours' if key in a.sections else 'theirs'}"
            continue
        mine, other = _stripped(a.sections[key], b.sections[key])
        if mine != other:
            shorter = min(len(mine), len(other))
            at = next((i for i in range(shorter) if mine[i] != other[i]), shorter) & ~3
            shown = f"{mine[at : at + 4].hex()} / {other[at : at + 4].hex()}"
            yield f"section {key}: {len(mine)} / {len(other)} bytes, first difference at {at:#x}: {shown}"
        if a.attributes[key][:2] != b.attributes[key][:2]:
            yield f"section {key}: attributes {a.attributes[key]} / {b.attributes[key]}"
        mine_r, other_r = Counter(a.relocations.get(key, [])), Counter(b.relocations.get(key, []))
        for relocation in sorted((mine_r - other_r).elements(), key=repr):
            yield f"section {key}: relocation only ours: {relocation}"
        for relocation in sorted((other_r - mine_r).elements(), key=repr):
            yield f"section {key}: relocation only theirs: {relocation}"
    yield from _symbol_differences(a.symbols(), b.symbols())


_NOP = bytes.fromhex("1f2003d5")


def _stripped(first: bytes, second: bytes) -> tuple[bytes, bytes]:
    """Two contents without what GNU as appends to fill the alignment of a section."""
    short, long = sorted((first, second), key=len)
    rest = long[len(short) :]
    if len(rest) < 64 and (not any(rest) or rest == _NOP * (len(rest) // 4)) and long.startswith(short):
        return short, short
    return first, second


def _symbol_differences(mine: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    for name in sorted(mine.keys() | theirs.keys()):
        x, y = mine.get(name), theirs.get(name)
        if x is None or y is None:
            # A symbol that nothing refers to may be left out.
            if (x or y)[0][0] != "SHN_UNDEF":
                yield f"symbol {name}: only {'ours' if x else 'theirs'}: {x or y}"
        elif x != y:
            yield f"symbol {name}: {x} / {y}"
