"""NumPy's types of the guest's scalars.

A type is chosen by its size and kind: `long` and `long long` are both NumPy's type for 64-bit integers, that of arrays
of Python's ints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from armexec.abi.integers import INTEGER_KINDS
from armexec.errors import SignatureError
from armexec.objects import CType, Prototype

__all__ = ["Operand", "operand", "scalar_operands"]


class Operand(NamedTuple):
    """A scalar as NumPy has it: its C type, the name of NumPy's type, and that type's number in NumPy's C API."""

    ctype: CType
    dtype: str
    number: int


def operand(ctype: CType) -> Operand | None:
    """NumPy's type of a scalar; None where it has none, such as `__int128`, `__bf16` and 128-bit `long double`."""
    import numpy as np

    size, name = ctype.size, ""
    if ctype.kind == "bool" and size == 1:
        name = "bool"
    elif ctype.kind in INTEGER_KINDS and size in (1, 2, 4, 8):
        name = f"{'int' if ctype.signed else 'uint'}{8 * size}"
    elif ctype.kind == "float" and size in (2, 4, 8) and not ctype.format:
        name = f"float{8 * size}"
    elif ctype.kind == "complex" and size in (8, 16):
        name = f"complex{8 * size}"
    return Operand(ctype, name, np.dtype(name).num) if name else None


def scalar_operands(prototype: Prototype) -> Sequence[Operand]:
    """NumPy's types of the parameters, and of the result at the end.

    Raises:
        SignatureError: a ufunc can't be made of such a function.
    """
    if prototype.variadic:
        raise SignatureError(f"`{prototype}` is variadic: a ufunc has a fixed number of arguments; wrap it in C")
    if not prototype.parameters:
        raise SignatureError(f"`{prototype}` has no parameters: a ufunc needs at least one input")
    if prototype.result.kind == "void":
        raise SignatureError(f"`{prototype}` returns nothing: a ufunc needs an output")
    found = []
    types = [*(parameter.type for parameter in prototype.parameters), prototype.result]
    for position, ctype in enumerate(types, 1):
        made = operand(ctype)
        if made is None:
            where = f"parameter {position}" if position < len(types) else "the result"
            hint = "NumPy has no type for it"
            if ctype.kind == "pointer":
                hint = 'a ufunc takes scalars; with pointers and lengths, see .gufunc("(n),(n)->()")'
            elif ctype.kind in ("struct", "union", "array", "vector", "function"):
                hint = "a ufunc takes scalars"
            raise SignatureError(f"`{prototype}`: {where} has type {ctype}: {hint}")
        found.append(made)
    return found
