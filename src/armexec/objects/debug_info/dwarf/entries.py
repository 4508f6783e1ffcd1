"""The entries of .debug_info, and the references between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

__all__ = ["Entries"]

# pyelftools' names of the sections that attributes may refer to, and of the others.
_SECTIONS = (
    "debug_info",
    "debug_abbrev",
    "debug_str",
    "debug_ranges",
    "debug_addr",
    "debug_str_offsets",
    "debug_line_str",
    "debug_rnglists",
    "debug_loc",
    "debug_loclists",
)
_UNUSED = (
    "debug_aranges",
    "debug_frame",
    "eh_frame",
    "debug_line",
    "debug_pubtypes",
    "debug_pubnames",
    "debug_sup",
    "gnu_debugaltlink",
    "debug_types",
)
_CPLUSPLUS = {0x04, 0x1A, 0x21, 0x2B, 0x3A}  # DW_LANG_C_plus_plus, _11, _14, _17, _20
_FORTRAN = {0x07, 0x08, 0x0E, 0x22, 0x23, 0x2D}  # DW_LANG_Fortran77, 90, 95, 03, 08, 18


class Entries:
    """All entries of .debug_info, read once in the order of the section. pyelftools' own walk follows DW_AT_sibling,
    which may point back in a malformed file.
    """

    def __init__(self, sections: dict[str, bytes]) -> None:
        from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DwarfConfig, DWARFInfo

        given: dict[str, Any] = {f"{name}_sec": None for name in (*_SECTIONS, *_UNUSED)}
        for name in _SECTIONS:
            if name in sections:
                data = sections[name]
                given[f"{name}_sec"] = DebugSectionDescriptor(BytesIO(data), f".{name}", 0, len(data), 0)
        self._dwarf = DWARFInfo(DwarfConfig(True, "AArch64", 8), **given)
        self._size = len(sections["debug_info"])
        self._addresses = sections.get("debug_addr", b"")
        self._stream = given["debug_info_sec"].stream
        self._dies: dict[int, Any] = {}
        self._children: dict[int, list[Any]] = {}
        self._scopes: dict[int, int] = {}  # the entry that holds a type or a namespace
        self.subprograms: list[Any] = []
        self._languages: dict[int, int] = {}
        self.split: list[str] = []  # the files with the rest of the information
        for cu in self._dwarf.iter_CUs():
            self._read_unit(cu)

    def _read_unit(self, cu: Any) -> None:
        from elftools.dwarf.die import DIE

        top = cu.get_top_DIE()
        split = top.attributes.get("DW_AT_dwo_name") or top.attributes.get("DW_AT_GNU_dwo_name")
        if split is not None:
            self.split.append(split.value.decode("utf-8", "backslashreplace"))
        language = top.attributes.get("DW_AT_language")
        self._languages[cu.cu_offset] = language.value if language is not None else 0
        offset = cu.cu_die_offset
        end = min(cu.cu_offset + cu.size, self._size)
        stack: list[int] = []
        while offset < end:
            die = top if offset == top.offset else DIE(cu, self._stream, offset)
            offset += die.size
            if die.is_null():
                if stack:
                    stack.pop()
                if not stack:
                    break
                continue
            self._dies[die.offset] = die
            if stack:
                self._children[stack[-1]].append(die)
                self._scopes[die.offset] = stack[-1]
            if die.tag == "DW_TAG_subprogram":
                self.subprograms.append(die)
            if die.has_children:
                stack.append(die.offset)
                self._children[die.offset] = []
            elif not stack:
                break

    def reference(self, die: Any, attribute: str) -> Any:
        """The entry that an attribute refers to, or None."""
        found = die.attributes.get(attribute)
        if found is None or found.form in {"DW_FORM_ref_sig8", "DW_FORM_ref_sup4", "DW_FORM_ref_sup8"}:
            return None
        offset = found.value + (0 if found.form == "DW_FORM_ref_addr" else die.cu.cu_offset)
        return self._dies[offset]

    def chain(self, die: Any) -> list[Any]:
        """An entry, its abstract instance and the declaration it completes."""
        chain = [die]
        while len(chain) < 8:
            last = chain[-1]
            further = self.reference(last, "DW_AT_abstract_origin") or self.reference(last, "DW_AT_specification")
            if further is None:
                break
            chain.append(further)
        return chain

    def __iter__(self) -> Iterator[Any]:
        """All entries, in the order of the section."""
        return iter(self._dies.values())

    def at(self, offset: int) -> Any:
        """The entry at an offset of the section."""
        return self._dies[offset]

    def name(self, die: Any, attribute: str = "DW_AT_name") -> str:
        for entry in self.chain(die):
            found = entry.attributes.get(attribute)
            if found is not None and isinstance(found.value, bytes):
                return str(found.value.decode("utf-8", "backslashreplace"))
        return ""

    def linkage_name(self, die: Any) -> str:
        return self.name(die, "DW_AT_linkage_name") or self.name(die, "DW_AT_MIPS_linkage_name")

    def children(self, die: Any) -> Sequence[Any]:
        """The entries directly within one."""
        return self._children.get(die.offset, ())

    def scopes(self, die: Any) -> Iterator[Any]:
        """The entries around an entry, from the inside out."""
        at = die.offset
        while at in self._scopes:
            at = self._scopes[at]
            yield self._dies[at]

    def is_cplusplus(self, die: Any) -> bool:
        return self._languages[die.cu.cu_offset] in _CPLUSPLUS

    def is_fortran(self, die: Any) -> bool:
        return self._languages[die.cu.cu_offset] in _FORTRAN

    @staticmethod
    def number(die: Any, attribute: str) -> int | None:
        """An attribute that is a number, or None."""
        found = die.attributes.get(attribute)
        return found.value if found is not None and isinstance(found.value, int) else None

    def address(self, die: Any, index: int) -> int:
        """An address of .debug_addr, by its number in the table of an entry's unit.

        Several threads may ask: pyelftools would move a position in the section.
        """
        top = die.cu.get_top_DIE()
        base = self.number(top, "DW_AT_addr_base") or self.number(top, "DW_AT_GNU_addr_base") or 0
        data = self._addresses[base + 8 * index : base + 8 * index + 8]
        if len(data) < 8:
            raise ValueError(f"address {index} is outside of .debug_addr")
        return int.from_bytes(data, "little")

    @staticmethod
    def location(die: Any) -> bytes:
        """The expression of a variable that has the same location everywhere; empty for any other."""
        found = die.attributes.get("DW_AT_location")
        is_expression = found is not None and found.form.startswith(("DW_FORM_exprloc", "DW_FORM_block"))
        return bytes(found.value) if is_expression else b""

    def unit_name(self, die: Any) -> str:
        """The name of the source file that an entry's unit was compiled from, without its folders."""
        return self.name(die.cu.get_top_DIE()).replace("\\", "/").rsplit("/", 1)[-1]

    def locations(self, die: Any) -> list[bytes]:
        """The location expressions of a variable, in the order of the code that they hold for."""
        from elftools.dwarf.locationlists import LocationEntry, LocationExpr, LocationParser

        found = die.attributes.get("DW_AT_location")
        if found is None:
            return []
        parsed = LocationParser(self._dwarf.location_lists()).parse_from_attribute(found, die.cu["version"], die)
        entries = [parsed] if isinstance(parsed, LocationExpr) else parsed
        return [bytes(entry.loc_expr) for entry in entries if isinstance(entry, LocationEntry | LocationExpr)]
