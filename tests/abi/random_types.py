"""Random C types and prototypes, as text."""

from __future__ import annotations

import random
from collections.abc import Sequence

from armexec.objects import CType

__all__ = ["FLOATS", "INTEGERS", "VARIABLE", "RandomTypes", "bits_of"]

INTEGERS = (
    *("_Bool", "char", "signed char", "unsigned char", "short", "unsigned short", "enum e", "int", "unsigned int"),
    *("long", "unsigned long", "void *", "__int128", "unsigned __int128"),
)
FLOATS = ("_Float16", "__bf16", "float", "double", "long double", "_Complex float", "_Complex double")
VECTORS = ("int8x16_t", "float32x2_t", "uint16x4_t", "float64x2_t", "int64x1_t", "float16x8_t", "poly8x8_t")
VECTOR_STRUCTS = ("float32x4x2_t", "int8x8x3_t", "uint64x2x4_t")
VARIABLE = (*INTEGERS[6:], "double", "long double", *FLOATS[-2:], *VECTORS, *VECTOR_STRUCTS)
"""What C's default argument promotions leave as it is."""
_BIT_FIELDS = ("int", "unsigned int", "char", "short", "unsigned long", "_Bool", "enum e", "long")


class RandomTypes:
    """Makes definitions of structs and unions; `text` has all of them. Without `attributes` their alignment can be told
    from their debug information."""

    def __init__(
        self, rng: random.Random, prefix: str, *, attributes: bool = True, floats: Sequence[str] = FLOATS
    ) -> None:
        self.rng = rng
        self.prefix = prefix
        self.attributes = attributes
        self.floats = floats
        self.tags: list[str] = []
        self.definitions: list[str] = ["enum e { A, B, C = 1000 };"]

    @property
    def text(self) -> str:
        return "\n".join(self.definitions)

    def scalar(self) -> str:
        return self.rng.choice(self.rng.choice([INTEGERS, INTEGERS, self.floats, VECTORS]))

    def any(self) -> str:
        """A type that can be passed."""
        kind = self.rng.random()
        if kind < 0.4:
            return self.scalar()
        if kind < 0.45:
            return self.rng.choice(VECTOR_STRUCTS)
        return self.rng.choice(self.tags) if self.tags and kind < 0.7 else self.aggregate()

    def aggregate(self) -> str:
        """A new struct or union."""
        rng = self.rng
        keyword = rng.choice(["struct", "struct", "struct", "union"])
        tag = f"{keyword} {self.prefix}{len(self.tags)}"
        uniform = rng.choice([None, None, *self.floats, *VECTORS, "char", "int"])
        body = " ".join(self.member(f"m{n}", uniform, 0) for n in range(rng.randint(1, rng.choice([2, 4, 6]))))
        self.definitions.append(f"{tag} {{ {body} }}{self.attribute()};")
        self.tags.append(tag)
        return tag

    def attribute(self) -> str:
        if not self.attributes or self.rng.random() > 0.2:
            return ""
        return self.rng.choice(
            [
                " __attribute__((packed))",
                f" __attribute__((aligned({self.rng.choice([2, 8, 16, 32])})))",
                f" __attribute__((packed, aligned({self.rng.choice([2, 4, 16])})))",
            ]
        )

    def member(self, name: str, uniform: str | None, depth: int) -> str:
        rng = self.rng
        if uniform is not None:
            return f"{uniform} {name}{rng.choice(['', '', '[1]', '[2]'])};"
        kind = rng.random()
        if kind < 0.2:
            ctype = rng.choice(_BIT_FIELDS)
            most = {"_Bool": 1, "char": 8, "short": 16, "long": 64, "unsigned long": 64}.get(ctype, 32)
            bits = rng.randint(1, most)
            # Debug information says nothing of these.
            if self.attributes and rng.random() < 0.15:
                return f"{ctype} : {rng.choice([0, bits])};"
            return f"{ctype} {name} : {bits};"
        if kind < 0.3 and depth < 2:
            keyword = rng.choice(["struct", "union"])
            inner = " ".join(self.member(f"{name}_{n}", None, depth + 1) for n in range(rng.randint(1, 3)))
            return f"{keyword} {{ {inner} }}{rng.choice(['', ' ' + name])};"
        if kind < 0.5 and self.tags:
            return f"{rng.choice(self.tags)} {name}{rng.choice(['', '', '[2]'])};"
        before = after = ""
        if self.attributes and rng.random() < 0.1:
            before = f"_Alignas({rng.choice([16, 32])}) "
        elif self.attributes and rng.random() < 0.1:
            after = rng.choice([" __attribute__((packed))", " __attribute__((aligned(8)))"])
        array = rng.choice(["", "", "", "[3]", "[1]", "[2][2]"])
        return f"{before}{self.scalar()} {name}{array}{after};"


def bits_of(ctype: CType) -> int:
    """The bits of a value's bytes that aren't padding, as an int."""
    if ctype.kind == "array" and ctype.target is not None:
        element = bits_of(ctype.target)
        return sum(element << 8 * ctype.target.size * n for n in range(ctype.count or 0))
    if ctype.kind not in ("struct", "union"):
        return (1 << 8 * ctype.size) - 1
    found = 0
    for field in ctype.fields or ():
        if field.bit_size is None:
            found |= bits_of(field.type) << 8 * field.offset
        else:
            assert field.bit_offset is not None
            found |= (1 << field.bit_size) - 1 << field.bit_offset
    return found
