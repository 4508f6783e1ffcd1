"""Literal loads: `ldr x0, =value`."""

from __future__ import annotations

from armexec.asm.expressions import Tree
from armexec.asm.output import Output
from armexec.asm.where import Where
from armexec.isa.syntax import Expression, Token

__all__ = ["with_literal"]


def with_literal(output: Output, mnemonic: str, tokens: list[Token], where: Where) -> tuple[str, list[Token]]:
    """The instruction that `ldr x0, =value` becomes, and its tokens: MOVZ if possible, else a load from the pool.

    Any other instruction stays as it is. Raises AssemblyError.
    """
    if mnemonic not in ("ldr", "ldrsw") or len(tokens) < 4 or tokens[2].text != "=":
        return mnemonic, tokens
    register, value, column = tokens[0].value, tokens[3].value, tokens[3].column
    kind = getattr(register, "kind", "")
    if isinstance(value, Expression):
        tree: Tree = value.tree
        if value.modifier:
            raise where.error(f"the operator :{value.modifier}: can't stand after '='", column=column)
    elif tokens[3].kind == "word":
        tree = ("symbol", tokens[3].text)
    elif isinstance(value, int):
        tree = ("number", value)
    else:
        raise where.error("expected a number or a symbol after '='", column=column)
    if len(tokens) > 4:
        raise where.error("expected the end of the line after the value", column=tokens[4].column)
    if tree[0] == "number" and mnemonic == "ldr" and kind in ("x", "w") and -(1 << 63) <= tree[1] < 1 << 64:
        shift = _wide_shift(tree[1] & 0xFFFF_FFFF_FFFF_FFFF, 64 if kind == "x" else 32)
        if shift is not None:
            number = Token("value", (tree[1] & 0xFFFF_FFFF_FFFF_FFFF) >> shift, column, tokens[3].text)
            comma = tokens[1]
            lsl = [comma, Token("word", "lsl", column, "lsl"), Token("value", shift, column, str(shift))]
            return "movz", [*tokens[:2], number, *lsl]
    size = 4 if kind in ("w", "s") or mnemonic == "ldrsw" else 16 if kind == "q" else 8
    name = output.literal(tree, size, where.at(column))
    expression = Expression(tokens[3].text, tree=("symbol", name))
    return mnemonic, [*tokens[:2], Token("value", expression, column, tokens[3].text)]


def _wide_shift(value: int, size: int) -> int | None:
    """The shift of the MOVZ that makes a value, as LLVM looks for it: at least 16 bits, but for low zeros."""
    for shift in range(0, size, 16):
        if value >> shift << shift == value and value >> shift <= 0xFFFF:
            return shift
    return None
