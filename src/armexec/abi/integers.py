"""The integer types of C, and the values that they hold."""

from __future__ import annotations

from armexec.objects import CType

__all__ = ["INTEGER_KINDS", "integer_range"]

INTEGER_KINDS = frozenset({"bool", "int", "enum"})


def integer_range(ctype: CType) -> tuple[int, int]:
    """The least and the greatest value of an integer type."""
    if ctype.kind == "bool":
        return 0, 1
    bits = ctype.size * 8
    # The declaration of an enum doesn't tell whether its underlying type is signed: values of both are accepted.
    if ctype.kind == "enum" and ctype.target is None:
        return -(1 << bits - 1), (1 << bits) - 1
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if ctype.signed else (0, (1 << bits) - 1)
