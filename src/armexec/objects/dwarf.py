"""Prototypes and source lines from DWARF (versions 2 to 5)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any

from armexec.errors import LoadError
from armexec.objects.prototypes import VOID, CType, Field, Kind, Parameter, Prototype

if TYPE_CHECKING:
    from armexec.objects.image import SourceLine

__all__ = ["DebugInfo"]

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
_DW_CC_NOCALL, _DW_CC_PASS_BY_REFERENCE = 3, 4
_ENCODINGS: dict[int, tuple[Kind, bool]] = {  # DW_ATE_*: kind, signed
    0x01: ("int", False),
    0x02: ("bool", False),
    0x03: ("complex", False),
    0x04: ("float", True),
    0x05: ("int", True),
    0x06: ("int", True),
    0x07: ("int", False),
    0x08: ("int", False),
    0x10: ("int", False),
}
_AGGREGATES = {
    "DW_TAG_structure_type": "struct",
    "DW_TAG_class_type": "struct",
    "DW_TAG_union_type": "union",
}
_POINTERS = {
    "DW_TAG_pointer_type": "",
    "DW_TAG_reference_type": "&",
    "DW_TAG_rvalue_reference_type": "&&",
}
_NOT_PASSED = {"__in_chrg", "__vtt_parm"}  # GCC: parameters that a complete object's destructor doesn't have
_MAX_DEPTH = 100


class DebugInfo:
    """The debug information of an image. `sections` are by name without dot or underscores; addresses in
    them are offsets in the image.
    """

    def __init__(self, name: str, sections: dict[str, bytes]) -> None:
        self.name = name
        self._sections = sections

    def prototype(self, offset: int, linkage_name: str) -> Prototype | None:
        """The prototype of the function at an offset. Raises LoadError if the information is malformed."""
        return self._ask(lambda reader: reader.defined(offset, linkage_name))

    def declared(self, linkage_name: str) -> Prototype | None:
        """The prototype of a function by its linkage name, defined or not. Raises LoadError if malformed."""
        return self._ask(lambda reader: reader.named(linkage_name))

    def line(self, offset: int) -> SourceLine | None:
        """The source line of the instruction at an offset. Malformed tables are left out."""
        starts, lines = self._lines
        i = bisect_right(starts, offset) - 1
        return lines[i] if i >= 0 else None

    def _ask(self, question: Callable[[_Reader], Prototype | None]) -> Prototype | None:
        if not self._sections.get("debug_info") or not self._sections.get("debug_abbrev"):
            return None
        if isinstance(self._reader, LoadError):
            raise self._reader
        try:
            return question(self._reader)
        except Exception as e:
            raise self._malformed(e) from None

    @cached_property
    def _reader(self) -> _Reader | LoadError:
        try:
            return _Reader(self._sections)
        except Exception as e:
            return self._malformed(e)

    def _malformed(self, error: Exception) -> LoadError:
        # pyelftools raises whatever Python does on malformed input.
        detail = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return LoadError(f"{self.name}: malformed debug information ({detail})")

    @cached_property
    def _lines(self) -> tuple[list[int], list[SourceLine | None]]:
        from armexec.objects.lines import read_lines

        return read_lines(
            self._sections.get("debug_line", b""),
            self._sections.get("debug_line_str", b""),
            self._sections.get("debug_str", b""),
        )


class _Reader:
    """Reads every entry once, in the order of the section: pyelftools' own walk follows DW_AT_sibling,
    which in a malformed file may lead back.
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
        self._stream = given["debug_info_sec"].stream
        self._dies: dict[int, Any] = {}
        self._children: dict[int, list[Any]] = {}
        self._scopes: dict[int, int] = {}  # of a type or namespace: the entry it stands in
        self._subprograms: list[Any] = []
        self._cplusplus: dict[int, bool] = {}
        self._types: dict[int, CType] = {}
        self._open: dict[int, list[CType]] = {}  # by id: copies of an aggregate whose fields are still being read
        for cu in self._dwarf.iter_CUs():
            self._read_unit(cu)

    def _read_unit(self, cu: Any) -> None:
        from elftools.dwarf.die import DIE

        top = cu.get_top_DIE()
        language = top.attributes.get("DW_AT_language")
        self._cplusplus[cu.cu_offset] = language is not None and language.value in _CPLUSPLUS
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
                self._subprograms.append(die)
            if die.has_children:
                stack.append(die.offset)
                self._children[die.offset] = []
            elif not stack:
                break

    def defined(self, offset: int, linkage_name: str) -> Prototype | None:
        die = self._by_offset.get(offset)
        return self._prototype(die) if die is not None else self.named(linkage_name)

    def named(self, linkage_name: str) -> Prototype | None:
        die = self._by_name.get(linkage_name)
        return self._prototype(die) if die is not None else None

    @cached_property
    def _by_offset(self) -> dict[int, Any]:
        found: dict[int, Any] = {}
        for die in self._subprograms:
            low = die.attributes.get("DW_AT_low_pc") or die.attributes.get("DW_AT_entry_pc")
            if low is not None:
                found.setdefault(low.value, die)
        return found

    @cached_property
    def _by_name(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for die in self._subprograms:
            found.setdefault(self._linkage_name(die) or self._name(die), die)
        return found

    def _reference(self, die: Any, attribute: str) -> Any:
        """The entry that an attribute refers to, or None."""
        found = die.attributes.get(attribute)
        if found is None or found.form in {"DW_FORM_ref_sig8", "DW_FORM_ref_sup4", "DW_FORM_ref_sup8"}:
            return None
        offset = found.value + (0 if found.form == "DW_FORM_ref_addr" else die.cu.cu_offset)
        return self._dies[offset]

    def _chain(self, die: Any) -> list[Any]:
        """An entry, its abstract instance and the declaration it completes."""
        chain = [die]
        while len(chain) < 8:
            last = chain[-1]
            further = self._reference(last, "DW_AT_abstract_origin") or self._reference(last, "DW_AT_specification")
            if further is None:
                break
            chain.append(further)
        return chain

    def _name(self, die: Any, attribute: str = "DW_AT_name") -> str:
        for entry in self._chain(die):
            found = entry.attributes.get(attribute)
            if found is not None and isinstance(found.value, bytes):
                return str(found.value.decode("utf-8", "backslashreplace"))
        return ""

    def _linkage_name(self, die: Any) -> str:
        return self._name(die, "DW_AT_linkage_name") or self._name(die, "DW_AT_MIPS_linkage_name")

    def _prototype(self, die: Any) -> Prototype | None:
        name = self._name(die)
        convention = die.attributes.get("DW_AT_calling_convention")
        if not name or (convention is not None and convention.value == _DW_CC_NOCALL):
            return None  # a clone whose parameters the compiler has changed
        chain = self._chain(die)
        # The abstract instance has all parameters, an optimized one perhaps not.
        declaring = [d for d in chain if "DW_AT_specification" not in d.attributes]
        holder = next((d for d in reversed(chain) if self._has_parameters(d)), die)
        if holder is declaring[-1] and len(chain) > 1:
            holder = next((d for d in reversed(chain[:-1]) if self._has_parameters(d)), holder)
        result = next((self._type_of(d) for d in chain if "DW_AT_type" in d.attributes), VOID)
        parameters = []
        variadic = False
        for child in self._children.get(holder.offset, []):
            if child.tag == "DW_TAG_formal_parameter":
                if self._name(child) in _NOT_PASSED and "DW_AT_artificial" in child.attributes:
                    continue
                origin = self._chain(child)[-1]
                typed = child if "DW_AT_type" in child.attributes else origin
                parameters.append(Parameter(self._name(child), self._type_of(typed)))
            variadic |= child.tag == "DW_TAG_unspecified_parameters"
        # Before C23, `int f()` says nothing of its parameters; it is not variadic.
        variadic &= self._cplusplus[die.cu.cu_offset] or any("DW_AT_prototyped" in d.attributes for d in chain)
        return Prototype(name, result, tuple(parameters), variadic)

    def _has_parameters(self, die: Any) -> bool:
        return any(
            c.tag in {"DW_TAG_formal_parameter", "DW_TAG_unspecified_parameters"}
            for c in self._children.get(die.offset, [])
        )

    # Types

    def _type_of(self, die: Any, depth: int = 0) -> CType:
        """The type that an entry's DW_AT_type says; void without one."""
        if "DW_AT_type" not in die.attributes:
            return VOID
        target = self._reference(die, "DW_AT_type")
        return CType("unknown", name="unknown type") if target is None else self._type(target, depth + 1)

    def _type(self, die: Any, depth: int) -> CType:
        if depth > _MAX_DEPTH:
            raise ValueError(f"types nested more than {_MAX_DEPTH} deep")
        known = self._types.get(die.offset)
        if known is None:
            known = self._make_type(die, depth)
            self._types[die.offset] = known
        return known

    def _number(self, die: Any, attribute: str) -> int | None:
        found = die.attributes.get(attribute)
        return found.value if found is not None and isinstance(found.value, int) else None

    def _make_type(self, die: Any, depth: int) -> CType:
        tag = die.tag
        name = self._name(die)
        size = self._number(die, "DW_AT_byte_size") or 0
        if tag in _AGGREGATES:
            return self._aggregate(die, depth, size)
        if tag == "DW_TAG_base_type":
            kind, signed = _ENCODINGS.get(self._number(die, "DW_AT_encoding") or 0, ("unknown", False))
            return CType(kind, size, name, signed, align=size // 2 if kind == "complex" else size)
        if tag in _POINTERS:
            return CType("pointer", size or 8, _POINTERS[tag], target=self._type_of(die, depth), align=8)
        if tag == "DW_TAG_unspecified_type":  # decltype(nullptr)
            return CType("pointer", 8, name, target=VOID, align=8)
        if tag == "DW_TAG_ptr_to_member_type":
            # The Itanium C++ ABI: an offset, or a function and an adjustment of `this`.
            to = self._type_of(die, depth)
            return CType("unknown", 16 if to.kind == "function" else 8, "pointer to member", target=to, align=8)
        if tag == "DW_TAG_typedef":
            # A pointer's or array's own name is how a typedef of it is spelled.
            return self._copy(self._type_of(die, depth), name=name)
        if tag == "DW_TAG_const_type":
            return self._copy(self._type_of(die, depth), const=True)
        if tag in {
            "DW_TAG_volatile_type",
            "DW_TAG_restrict_type",
            "DW_TAG_atomic_type",
            "DW_TAG_template_alias",
        }:
            return self._type_of(die, depth)
        if tag == "DW_TAG_enumeration_type":
            under = self._type_of(die, depth)
            signed = under.signed or any(
                (self._number(c, "DW_AT_const_value") or 0) < 0 for c in self._children.get(die.offset, [])
            )
            spelled = self._spell(die, "enum")
            target = under if under.kind == "int" else None
            return CType("enum", size or under.size, spelled, signed, target, align=size or under.align)
        if tag == "DW_TAG_array_type":
            return self._array(die, depth, size)
        if tag == "DW_TAG_subroutine_type":
            children = self._children.get(die.offset, [])
            return CType(
                "function",
                target=self._type_of(die, depth),
                parameters=tuple(self._type_of(c, depth) for c in children if c.tag == "DW_TAG_formal_parameter"),
                variadic=any(c.tag == "DW_TAG_unspecified_parameters" for c in children),
            )
        return CType("unknown", size, name or str(tag))

    def _copy(self, type: CType, **changes: Any) -> CType:
        copy = replace(type, **changes)
        pending = self._open.get(id(type))
        if pending is not None:
            pending.append(copy)
            self._open[id(copy)] = pending
        return copy

    def _spell(self, die: Any, keyword: str) -> str:
        """`struct s` in C, `n::s` in C++."""
        name = self._name(die)
        if not self._cplusplus[die.cu.cu_offset]:
            return f"{keyword} {name}" if name else f"{keyword} {{...}}"
        scopes = [name or f"{keyword} {{...}}"]
        at = die.offset
        while at in self._scopes and len(scopes) < 20:
            at = self._scopes[at]
            if self._dies[at].tag in {"DW_TAG_namespace", *_AGGREGATES}:
                scopes.append(self._name(self._dies[at]) or "(anonymous namespace)")
        return "::".join(reversed(scopes))

    def _array(self, die: Any, depth: int, size: int) -> CType:
        counts: list[int | None] = []
        for child in self._children.get(die.offset, []):
            if child.tag == "DW_TAG_subrange_type":
                count = self._number(child, "DW_AT_count")
                upper = self._number(child, "DW_AT_upper_bound")
                counts.append(count if count is not None else None if upper is None else upper + 1)
        type = self._type_of(die, depth)
        if "DW_AT_GNU_vector" in die.attributes:
            count = counts[0] if counts else None
            size = size or type.size * (count or 0)
            return CType("vector", size, f"{type.name} vector", target=type, count=count, align=min(size, 16))
        if len(counts) > 16:
            raise ValueError("an array of more than 16 dimensions")
        for count in reversed(counts or [None]):
            type = CType("array", type.size * max(count or 0, 0), target=type, count=count, align=type.align)
        return type

    def _aggregate(self, die: Any, depth: int, size: int) -> CType:
        kind: Kind = "union" if die.tag == "DW_TAG_union_type" else "struct"
        name = self._spell(die, "class" if die.tag == "DW_TAG_class_type" else kind)
        by_reference = self._number(die, "DW_AT_calling_convention") == _DW_CC_PASS_BY_REFERENCE
        made = CType(kind, size, name, by_reference=by_reference)
        # Known before its fields are read: they may point to it.
        self._types[die.offset] = made
        if "DW_AT_declaration" in die.attributes:
            return made
        pending = [made]
        self._open[id(made)] = pending
        fields = []
        for child in self._children.get(die.offset, []):
            static = "DW_AT_external" in child.attributes or "DW_AT_declaration" in child.attributes
            if child.tag == "DW_TAG_inheritance" or (child.tag == "DW_TAG_member" and not static):
                fields.append(self._field(child, depth))
        align = self._number(die, "DW_AT_alignment") or max((f.type.align for f in fields), default=1) or 1
        # DWARF doesn't say that a struct is packed; a field off its alignment does.
        while align > 1 and (size % align or any(f.offset % min(f.type.align or 1, align) for f in fields)):
            align //= 2
        for copy in pending:
            object.__setattr__(copy, "fields", tuple(fields))
            object.__setattr__(copy, "align", align)
            del self._open[id(copy)]
        return made

    def _field(self, die: Any, depth: int) -> Field:
        type = self._type_of(die, depth)
        name = "" if die.tag == "DW_TAG_inheritance" else self._name(die)
        offset = self._number(die, "DW_AT_data_member_location") or 0
        bits = self._number(die, "DW_AT_bit_size")
        if bits is None:
            return Field(name, offset, type)
        first = self._number(die, "DW_AT_data_bit_offset")
        if first is None:  # before DWARF 4: counted from the most significant bit of the storage unit
            unit = 8 * (self._number(die, "DW_AT_byte_size") or type.size)
            first = 8 * offset + unit - (self._number(die, "DW_AT_bit_offset") or 0) - bits
        storage = 8 * (type.size or 1)
        return Field(name, first // storage * type.size, type, bits, first)
