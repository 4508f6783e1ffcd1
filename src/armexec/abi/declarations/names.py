"""The names of C's scalar types, of <stdint.h>, <stddef.h> and <arm_neon.h>, and what they mean.

Sizes are those of LP64, for both Linux and Apple (AAPCS64, "Arm C and C++ language mappings"). Apple's differences
(developer.apple.com, "Writing ARM64 code for Apple platforms"): `char` and `wchar_t` are signed, and a `long double` is
a `double`.
"""

from __future__ import annotations

import re
from typing import Literal

from armexec.objects import CType, Field

__all__ = ["is_type_name", "named_type"]

_INTEGERS: dict[str, tuple[int, bool]] = {
    "signed char": (1, True),
    "unsigned char": (1, False),
    "short": (2, True),
    "unsigned short": (2, False),
    "int": (4, True),
    "unsigned int": (4, False),
    "long": (8, True),
    "unsigned long": (8, False),
    "long long": (8, True),
    "unsigned long long": (8, False),
    "__int128": (16, True),
    "unsigned __int128": (16, False),
}
_TYPEDEFS: dict[str, tuple[int, bool]] = {
    **{f"int{8 << n}_t": (1 << n, True) for n in range(4)},
    **{f"uint{8 << n}_t": (1 << n, False) for n in range(4)},
    "size_t": (8, False),
    "ssize_t": (8, True),
    "ptrdiff_t": (8, True),
    "intmax_t": (8, True),
    "uintmax_t": (8, False),
    "intptr_t": (8, True),
    "uintptr_t": (8, False),
    "wchar_t": (4, False),
    "char8_t": (1, False),
    "char16_t": (2, False),
    "char32_t": (4, False),
    "__int128_t": (16, True),
    "__uint128_t": (16, False),
    "poly8_t": (1, False),
    "poly16_t": (2, False),
    "poly64_t": (8, False),
}
_FLOATS = {
    "_Float16": 2,
    "__fp16": 2,
    "__bf16": 2,
    "float16_t": 2,
    "bfloat16_t": 2,
    "float": 4,
    "_Float32": 4,
    "float32_t": 4,
    "double": 8,
    "_Float64": 8,
    "_Float32x": 8,
    "float64_t": 8,
    "long double": 16,
    "_Float64x": 16,
    "_Float128": 16,
    "__float128": 16,
}
_BFLOAT16 = {"__bf16", "bfloat16_t"}
_APPLE_SIGNED = {"char", "wchar_t"}
_KEYWORDS = {"float", "double", "long double"}
# Of 8 or 16 bytes; with a second number a struct of so many vectors.
_NEON = re.compile(r"((?:u?int|float|poly|bfloat)(8|16|32|64))x(\d+)(?:x([234]))?_t")


def is_type_name(name: str) -> bool:
    """Whether a name, which is no keyword of C, is that of a known type."""
    return name in _TYPEDEFS or (name in _FLOATS and name not in _KEYWORDS) or _vector(name, False) is not None


def named_type(words: list[str], apple: bool) -> CType | None:
    """The type of a name or of words such as `long unsigned int`, in any order; None for an unknown one."""
    name = " ".join(words)
    if name == "void":
        return CType("void", name="void")
    if name == "_Bool":
        return CType("bool", 1, "_Bool", align=1)
    if name in _TYPEDEFS:
        size, signed = _TYPEDEFS[name]
        signed |= apple and name in _APPLE_SIGNED
        return CType("int", size, name, signed, align=size)
    if name == "char":
        return CType("int", 1, "char", apple, align=1)
    if "_Complex" in words:
        element = named_type([word for word in words if word != "_Complex"] or ["double"], apple)
        if element is None or element.kind != "float":
            return None
        return CType("complex", 2 * element.size, f"_Complex {element.name}", target=element, align=element.align)
    # `double long` in any order.
    if "double" in words:
        name = " ".join(sorted(words, reverse=True))
    if name in _FLOATS:
        size = 8 if apple and name == "long double" else _FLOATS[name]
        format: Literal["", "bfloat16"] = "bfloat16" if name in _BFLOAT16 else ""
        return CType("float", size, name, True, align=size, format=format)
    # `long unsigned int` in any order.
    rest = sorted(word for word in words if word not in ("int", "signed"))
    unsigned = "unsigned" in rest
    if unsigned:
        rest.remove("unsigned")
    key = " ".join(rest) or "int"
    if key == "char":
        key = "signed char" if not unsigned else "char"
    key = f"unsigned {key}" if unsigned else key
    if key in _INTEGERS:
        size, signed = _INTEGERS[key]
        return CType("int", size, key, signed, align=size)
    return _vector(name, apple)


def _vector(name: str, apple: bool) -> CType | None:
    """A type of <arm_neon.h>: `int8x16_t`, `float32x4x2_t`."""
    found = _NEON.fullmatch(name)
    if found is None:
        return None
    element = named_type([f"{found[1]}_t"], apple)
    count = int(found[3])
    if element is None or element.size * count not in (8, 16):
        return None
    size = element.size * count
    vector = CType("vector", size, f"{found[1]}x{count}_t", target=element, count=count, align=size)
    if found[4] is None:
        return vector
    number = int(found[4])
    array = CType("array", number * size, target=vector, count=number, align=size)
    return CType(
        "struct",
        number * size,
        name,
        align=size,
        fields=(Field("val", 0, array),),
        natural_align=size,
        tag=f"struct {name}",
    )
