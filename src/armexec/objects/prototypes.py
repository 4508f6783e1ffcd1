"""C types and function prototypes, as read from DWARF or from a C declaration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["CType", "Field", "Kind", "Parameter", "Prototype"]

Kind = Literal[
    "void",
    "bool",
    "int",
    "float",
    "complex",
    "pointer",
    "struct",
    "union",
    "array",
    "enum",
    "function",
    "vector",
    "unknown",
]


@dataclass(frozen=True)
class Field:
    """A member of a struct or union.

    `offset` is in bytes. For a bit-field `bit_size` is its width, and `bit_offset` counts the bits from the
    start of the struct; otherwise both are None. A base class of C++ is a field without a name.
    """

    name: str
    offset: int
    type: CType
    bit_size: int | None = None
    bit_offset: int | None = None


@dataclass(frozen=True)
class CType:
    """A C type. `str()` gives its C spelling.

    - `size` and `align` are in bytes; 0 where the type has none (void, function, incomplete).
    - `name` is the spelling as in the source (`unsigned int`, `uint64_t`, `struct point`); for a pointer it
      is empty, or `&` or `&&` for a C++ reference. A type that was named by a typedef keeps that name.
    - `signed` holds for `int` (char according to the target) and `enum`.
    - `target` is what a pointer points to, the element of an array or vector, the underlying type of an
      enum where known, the element of a complex type, and the result of a function.
    - `count` is the number of elements of an array or vector; None for an array of unknown length.
    - `fields` are a struct's or union's members in order; None where the type is incomplete. They take no
      part in comparison, because types may refer to themselves.
    - `parameters` and `variadic` describe a function type.
    - `natural_align` is the alignment in bytes that a struct's or union's members give it (AAPCS64, "Composite Types");
      `align` is larger if the type itself has an alignment. It is 0 for other types.
    - `tag` is the own name of a struct, union or enum, which a typedef doesn't change; empty where it has none.
    - `enumerators` are the names and values of an enum; they take no part in comparison.
    - `format` is "bfloat16" for `__bf16`, which has the size of `_Float16`; empty for the formats of IEEE 754.
    - `temporary` is true for a reference to a scalar that may be a copy of a value: `const T &` and `T &&` in C++, and
      what Fortran passes by reference.
    - `by_reference` is true for a C++ class that the Itanium C++ ABI passes by reference (not trivial for
      calls).
    """

    kind: Kind
    size: int = 0
    name: str = ""
    signed: bool = False
    target: CType | None = None
    count: int | None = None
    align: int = 0
    fields: tuple[Field, ...] | None = field(default=None, compare=False, repr=False)
    parameters: tuple[CType, ...] = ()
    variadic: bool = False
    const: bool = False
    by_reference: bool = False
    format: Literal["", "bfloat16"] = ""
    temporary: bool = False
    natural_align: int = 0
    tag: str = ""
    enumerators: tuple[tuple[str, int], ...] = field(default=(), compare=False, repr=False)

    @property
    def is_reference(self) -> bool:
        """Whether it is a reference to a scalar: a number given for it is no address."""
        target = self.target
        named = self.kind == "pointer" and self.name in {"&", "&&"}
        return named and target is not None and target.kind in {"int", "bool", "enum", "float", "complex"}

    def declare(self, declarator: str = "") -> str:
        """The C declaration of `declarator` with this type: `int (*cb)(int)`."""
        qualifier = "const " if self.const else ""
        space = " " if declarator else ""
        if self.kind == "pointer" and self.name in {"", "&", "&&"}:
            inner = (self.name or "*") + ("const" + space if self.const else "") + declarator
            target = self.target or VOID
            if target.kind in {"array", "function"} and not target.name:
                inner = f"({inner})"
            elif inner[:1] not in {"*", "&"}:
                inner = " " + inner
            return target.declare(inner)
        if self.kind == "array" and not self.name:
            element = self.target or VOID
            return element.declare(f"{declarator}[{'' if self.count is None else self.count}]")
        if self.kind == "function" and not self.name:
            names = [str(p) for p in self.parameters] + (["..."] if self.variadic else [])
            return (self.target or VOID).declare(f"{declarator}({', '.join(names) or 'void'})")
        name = self.name or (f"{self.kind} {{...}}" if self.kind in {"struct", "union", "enum"} else self.kind)
        if declarator[:1] == "[":
            space = ""
        return f"{qualifier}{name}{space}{declarator}"

    def __str__(self) -> str:
        return self.declare()


VOID = CType("void", name="void")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function. `name` is empty where it has none."""

    name: str
    type: CType

    def __str__(self) -> str:
        return self.type.declare(self.name)


@dataclass(frozen=True)
class Prototype:
    """A function's name, result and parameters. `str()` gives C: `int fn(int num)`."""

    name: str
    result: CType
    parameters: tuple[Parameter, ...] = ()
    variadic: bool = False

    def __str__(self) -> str:
        parts = [str(p) for p in self.parameters] + (["..."] if self.variadic else [])
        return self.result.declare(f"{self.name}({', '.join(parts) or 'void'})")
