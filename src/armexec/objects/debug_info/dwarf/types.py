"""Types, from their entries."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import Any

from armexec.objects.debug_info.dwarf.entries import Entries
from armexec.objects.prototypes import VOID, CType, Field, Kind

__all__ = ["CHARACTER", "Types"]

_DW_CC_PASS_BY_REFERENCE = 4
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
# The floating-point types of two bytes: DW_ATE_float says nothing of their format.
_HALF = {"_Float16", "__fp16", "half", "f16", "real(kind=2)"}
_BFLOAT16 = {"__bf16", "bf16", "bfloat16", "std::bfloat16_t"}
_BITS = re.compile(r"(?:(?:unsigned )?_BitInt\(|[iu])(\d+)\)?")
_MAX_DEPTH = 100
_COMPLEX_ELEMENTS = {
    2 * size: CType("float", size, name, True, align=size)
    for size, name in ((2, "_Float16"), (4, "float"), (8, "double"), (16, "long double"))
}

CHARACTER = CType("int", 1, "character", align=1)


class Types:
    """The types of an object's debug information, each made once."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._types: dict[int, CType] = {}
        self._open: dict[int, list[CType]] = {}  # by id: copies of an aggregate whose fields aren't all read yet

    @cached_property
    def _named(self) -> dict[str, Any]:
        """The entries of types that have a definition and a name, by their names."""
        found: dict[str, Any] = {}
        typedefs: dict[str, Any] = {}
        for die in self._entries:
            keyword = _AGGREGATES.get(die.tag) or ("enum" if die.tag == "DW_TAG_enumeration_type" else "")
            own = "DW_AT_name" in die.attributes and "DW_AT_declaration" not in die.attributes
            if not own or not (keyword or die.tag == "DW_TAG_typedef"):
                continue
            name = self._qualified(die, self._entries.name(die))
            if keyword:
                found.setdefault(f"{keyword} {name}", die)
                found.setdefault(name, die)
            else:
                typedefs.setdefault(name, die)
        # In C a typedef may have the name of another type's tag.
        return found | typedefs

    def names(self) -> list[str]:
        """The names of all structs, unions, enums and typedefs; a tag is there with and without its keyword."""
        return list(self._named)

    def named(self, name: str) -> CType | None:
        """The struct, union, enum or typedef of a name: `point`, `struct point`, `n::s`."""
        die = self._named.get(name)
        return self._type(die, 0) if die is not None else None

    def type_of(self, die: Any, depth: int = 0) -> CType:
        """The type in an entry's DW_AT_type; void without one."""
        if "DW_AT_type" not in die.attributes:
            return VOID
        target = self._entries.reference(die, "DW_AT_type")
        return CType("unknown", name="unknown type") if target is None else self._type(target, depth + 1)

    def _type(self, die: Any, depth: int) -> CType:
        if depth > _MAX_DEPTH:
            raise ValueError(f"types nested more than {_MAX_DEPTH} deep")
        known = self._types.get(die.offset)
        if known is None:
            known = self._make_type(die, depth)
            self._types[die.offset] = known
        return known

    def _make_type(self, die: Any, depth: int) -> CType:
        tag = die.tag
        name = self._entries.name(die)
        size = self._entries.number(die, "DW_AT_byte_size") or 0
        if tag in _AGGREGATES:
            return self._aggregate(die, depth, size)
        if tag == "DW_TAG_base_type":
            return self._base_type(die, name, size)
        if tag in _POINTERS:
            to = self.type_of(die, depth)
            temporary = tag == "DW_TAG_rvalue_reference_type" or (tag == "DW_TAG_reference_type" and to.const)
            return CType("pointer", size or 8, _POINTERS[tag], target=to, align=8, temporary=temporary)
        if tag == "DW_TAG_unspecified_type":  # decltype(nullptr)
            return CType("pointer", 8, name, target=VOID, align=8)
        if tag == "DW_TAG_ptr_to_member_type":
            # The Itanium C++ ABI: an offset, or a function and an adjustment of `this`.
            to = self.type_of(die, depth)
            return CType("unknown", 16 if to.kind == "function" else 8, "pointer to member", target=to, align=8)
        if tag == "DW_TAG_typedef":
            named = self.type_of(die, depth)
            # A pointer's or array's own name is how a typedef of it is spelled. A reference's says that it is one.
            if named.name in {"&", "&&"}:
                return named
            aligned = self._entries.number(die, "DW_AT_alignment")
            return self._copy(named, name=name, **({"align": aligned} if aligned else {}))
        if tag == "DW_TAG_const_type":
            return self._copy(self.type_of(die, depth), const=True)
        if tag in {
            "DW_TAG_volatile_type",
            "DW_TAG_restrict_type",
            "DW_TAG_atomic_type",
            "DW_TAG_template_alias",
        }:
            return self.type_of(die, depth)
        if tag == "DW_TAG_enumeration_type":
            return self._enum(die, depth, size)
        if tag == "DW_TAG_array_type":
            return self._array(die, depth, size)
        if tag == "DW_TAG_string_type":  # Fortran's character(len=n)
            return CType("array", size, target=CHARACTER, count=size or None, align=1)
        if tag == "DW_TAG_subroutine_type":
            children = self._entries.children(die)
            return CType(
                "function",
                target=self.type_of(die, depth),
                parameters=tuple(self.type_of(c, depth) for c in children if c.tag == "DW_TAG_formal_parameter"),
                variadic=any(c.tag == "DW_TAG_unspecified_parameters" for c in children),
            )
        return CType("unknown", size, name or str(tag))

    def _enum(self, die: Any, depth: int, size: int) -> CType:
        under = self.type_of(die, depth)
        given = [c for c in self._entries.children(die) if c.tag == "DW_TAG_enumerator"]
        values = [self._entries.number(c, "DW_AT_const_value") or 0 for c in given]
        signed = under.signed or any(value < 0 for value in values)
        size = size or under.size
        # DW_FORM_data* has the bits of a negative number.
        bits = 8 * size
        values = [v - (1 << bits) if signed and bits and v >> bits - 1 == 1 else v for v in values]
        names = [self._entries.name(c) for c in given]
        spelled = self._spell(die, "enum")
        return CType(
            "enum",
            size,
            spelled,
            signed,
            under if under.kind == "int" else None,
            align=size or under.align,
            tag=spelled if self._entries.name(die) else "",
            enumerators=tuple(zip(names, values, strict=True)),
        )

    def _base_type(self, die: Any, name: str, size: int) -> CType:
        kind, signed = _ENCODINGS.get(self._entries.number(die, "DW_AT_encoding") or 0, ("unknown", False))
        if size == 0:  # Rust's () and !
            return CType("void", name=name)
        bits = self._entries.number(die, "DW_AT_bit_size") or int((_BITS.fullmatch(name) or (0, 8 * size))[1])
        if bits != 8 * size or (kind == "float" and size == 2 and name not in _HALF | _BFLOAT16):
            # _BitInt(N), Zig's integers: their other bits may be anything.
            kind = "unknown"
        if kind == "complex":
            element = _COMPLEX_ELEMENTS.get(size)
            if element is None:
                return CType("unknown", size, name)
            spelled = f"_Complex {element.name}" if name == "complex" else name
            return CType(kind, size, spelled, target=element, align=element.align)
        is_bfloat16 = kind == "float" and size == 2 and name in _BFLOAT16
        return CType(kind, size, name, signed, align=size, format="bfloat16" if is_bfloat16 else "")

    def _copy(self, type: CType, **changes: Any) -> CType:
        copy = replace(type, **changes)
        pending = self._open.get(id(type))
        if pending is not None:
            pending.append(copy)
            self._open[id(copy)] = pending
        return copy

    def _spell(self, die: Any, keyword: str) -> str:
        """`struct s` in C, `n::s` in C++."""
        name = self._entries.name(die)
        if not self._entries.is_cplusplus(die):
            return f"{keyword} {name}" if name else f"{keyword} {{...}}"
        return self._qualified(die, name or f"{keyword} {{...}}")

    def _qualified(self, die: Any, name: str) -> str:
        """A name with those of the namespaces and classes around it."""
        scopes = [name]
        if self._entries.is_cplusplus(die):
            for outer in self._entries.scopes(die):
                if outer.tag in {"DW_TAG_namespace", *_AGGREGATES} and len(scopes) < 20:
                    scopes.append(self._entries.name(outer) or "(anonymous namespace)")
        return "::".join(reversed(scopes))

    def _array(self, die: Any, depth: int, size: int) -> CType:
        counts: list[int | None] = []
        is_fortran = self._entries.is_fortran(die)
        for child in self._entries.children(die):
            if child.tag == "DW_TAG_subrange_type":
                count = self._entries.number(child, "DW_AT_count")
                upper = self._entries.number(child, "DW_AT_upper_bound")
                if count is None and upper is not None:
                    lower = self._entries.number(child, "DW_AT_lower_bound")
                    # DWARF 5, 5.13: the language's own lower bound, where none is given.
                    count = upper - (lower if lower is not None else int(is_fortran)) + 1
                counts.append(count)
        if is_fortran:
            # The first index varies fastest; in C that is the last.
            counts.reverse()
        type = self.type_of(die, depth)
        if "DW_AT_data_location" in die.attributes:  # Fortran's assumed shape, allocatable and pointer
            return CType("unknown", 0, f"{type.name or type}, dimension({', '.join(':' for _ in counts)})", target=type)
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
        by_reference = self._entries.number(die, "DW_AT_calling_convention") == _DW_CC_PASS_BY_REFERENCE
        made = CType(kind, size, name, by_reference=by_reference, tag=name if self._entries.name(die) else "")
        # Registered before its fields are read, which may point to it.
        self._types[die.offset] = made
        if "DW_AT_declaration" in die.attributes:
            return made
        pending = [made]
        self._open[id(made)] = pending
        fields: list[Field] = []
        aligns: list[int] = []
        for child in self._entries.children(die):
            static = "DW_AT_external" in child.attributes or "DW_AT_declaration" in child.attributes
            # Where a virtual base class is, only an object's table says.
            virtual = self._entries.number(child, "DW_AT_virtuality") and child.tag == "DW_TAG_inheritance"
            if static or virtual or child.tag not in {"DW_TAG_inheritance", "DW_TAG_member"}:
                continue
            # clang has a member without bits between bit-fields that `int : 0` separates.
            if self._entries.number(child, "DW_AT_bit_size") != 0:
                fields.append(self._field(child, depth))
                if not _is_within(fields[-1], size):
                    raise ValueError(f"member {fields[-1].name} of {name} is outside of its {size} bytes")
                aligns.append(self._entries.number(child, "DW_AT_alignment") or 0)
        given = self._entries.number(die, "DW_AT_alignment") or 0
        natural = self._natural_align(size, fields, aligns)
        for copy in pending:
            object.__setattr__(copy, "fields", tuple(fields))
            # A copy may be that of a typedef with an alignment of its own.
            object.__setattr__(copy, "align", copy.align or max(given, natural))
            object.__setattr__(copy, "natural_align", natural)
            del self._open[id(copy)]
        return made

    @staticmethod
    def _natural_align(size: int, fields: list[Field], aligns: list[int]) -> int:
        """The alignment that members give their struct. `aligns` are those that the members' declarations give."""
        natural = max((max(f.type.align, given) for f, given in zip(fields, aligns, strict=True)), default=1) or 1

        def fits(f: Field) -> bool:
            if f.bit_size is None or f.bit_offset is None:
                return f.offset % min(f.type.align or 1, natural) == 0
            return f.bit_offset % (8 * f.type.size) + f.bit_size <= 8 * f.type.size

        # DWARF doesn't say that a struct is packed; a field off its alignment does.
        while natural > 1 and (size % natural or not all(map(fits, fields))):
            if not all(f.bit_size is None or fits(f) for f in fields):
                return max(aligns, default=1) or 1
            natural //= 2
        return natural

    def _field(self, die: Any, depth: int) -> Field:
        type = self.type_of(die, depth)
        name = "" if die.tag == "DW_TAG_inheritance" else self._entries.name(die)
        offset = self._entries.number(die, "DW_AT_data_member_location") or 0
        bits = self._entries.number(die, "DW_AT_bit_size")
        if bits is None:
            return Field(name, offset, type)
        first = self._entries.number(die, "DW_AT_data_bit_offset")
        if first is None:  # before DWARF 4: counted from the most significant bit of the storage unit
            unit = 8 * (self._entries.number(die, "DW_AT_byte_size") or type.size)
            first = 8 * offset + unit - (self._entries.number(die, "DW_AT_bit_offset") or 0) - bits
        storage = 8 * (type.size or 1)
        return Field(name, first // storage * type.size, type, bits, first)


def _is_within(field: Field, size: int) -> bool:
    """Whether a member is within the bytes of its struct."""
    if field.bit_size is None or field.bit_offset is None:
        return 0 <= field.offset <= size - field.type.size
    return 0 <= field.bit_offset <= 8 * size - field.bit_size
