"""C's integer constant expressions, as enumerators and the sizes of arrays have them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["NotConstant", "constant"]

_BINARY: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "|": operator.or_,
    "&": operator.and_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
}
_UNARY: dict[str, Callable[[int], int]] = {"-": operator.neg, "+": operator.pos, "~": operator.invert}
_CHARACTERS = {"n": 10, "t": 9, "r": 13, "0": 0, "\\": 92, "'": 39}
_MOST_BITS = 128


class NotConstant(Exception):
    """The expression isn't an integer constant, or one of a form that isn't read."""


def constant(node: Any, names: Mapping[str, int], size_of: Callable[[Any], int]) -> int:
    """The value of pycparser's expression. `names` are the enumerators so far, `size_of` gives the size of a type.

    Raises NotConstant.
    """
    from pycparser import c_ast

    def value(node: Any) -> int:
        if isinstance(node, c_ast.Constant):
            return _literal(node.value)
        if isinstance(node, c_ast.ID) and node.name in names:
            return names[node.name]
        if isinstance(node, c_ast.UnaryOp) and node.op in _UNARY:
            return _UNARY[node.op](value(node.expr))
        if isinstance(node, c_ast.UnaryOp) and node.op == "sizeof" and isinstance(node.expr, c_ast.Typename):
            return size_of(node.expr.type)
        if isinstance(node, c_ast.BinaryOp) and node.op in _BINARY:
            left, right = value(node.left), value(node.right)
            if node.op in ("<<", ">>") and not 0 <= right < _MOST_BITS:
                raise NotConstant
            found = _BINARY[node.op](left, right)
            if found.bit_length() > _MOST_BITS:
                raise NotConstant
            return found
        if isinstance(node, c_ast.BinaryOp) and node.op in ("/", "%"):
            left, right = value(node.left), value(node.right)
            if not right:
                raise NotConstant
            quotient = abs(left) // abs(right) * (-1 if (left < 0) != (right < 0) else 1)
            return quotient if node.op == "/" else left - quotient * right
        raise NotConstant

    return value(node)


def _literal(text: str) -> int:
    if text[:1] == "'":
        inner = text[1:-1]
        if len(inner) == 1:
            return ord(inner)
        if len(inner) == 2 and inner[0] == "\\" and inner[1] in _CHARACTERS:
            return _CHARACTERS[inner[1]]
        raise NotConstant
    digits = text.rstrip("uUlL")
    try:
        return int(digits, 8 if digits[:1] == "0" and digits.isdigit() and digits != "0" else 0)
    except ValueError:
        raise NotConstant from None
