"""Operands of a builder's methods, and their tokens, which are the same as those of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from armexec.asm.expressions import SyntaxFailure, Tree, tree_text
from armexec.asm.lexer import operand_tokens
from armexec.errors import AssemblyError
from armexec.isa.syntax import Expression, Register, Token

__all__ = ["Label", "Operand", "PreIndexed", "Symbol", "as_int", "symbol_tree", "tokens"]


class Label:
    """A label, made by `Builder.label` and placed by `Builder.bind`."""

    __slots__ = ("builder", "name")

    def __init__(self, name: str, builder: object) -> None:
        self.name = name
        self.builder = builder

    def __repr__(self) -> str:
        return f"<Label {self.name.lstrip(chr(0))}>"


class Symbol(NamedTuple):
    """A symbol with an offset and a relocation operator: `:lo12:name+4`."""

    name: str
    offset: int = 0
    modifier: str = ""


class PreIndexed(NamedTuple):
    """`[base, offset]!`."""

    base: Register
    offset: int | Symbol


Operand: TypeAlias = "Register | int | str | float | Label | Symbol | PreIndexed | list[Operand] | tuple[Operand, ...]"
"""A register, a number, a label, `[base, offset]` as a list, `("lsl", 3)` as a tuple, or any of these as text."""


Mention: TypeAlias = "Callable[[Label], None]"


def tokens(operands: tuple[Operand, ...], mention: Mention) -> list[Token]:
    """The tokens of a call's operands; `mention` is called for each label among them.

    Raises:
        AssemblyError: a value is no operand.
    """
    result: list[Token] = []
    for position, operand in enumerate(operands):
        if position:
            result.append(_COMMA)
        _append(operand, result, mention)
    return result


def symbol_tree(value: Label | Symbol) -> Tree:
    """The expression for the address of a label or a symbol."""
    tree: Tree = ("symbol", value.name)
    if isinstance(value, Symbol) and value.offset:
        return ("binary", "+", tree, ("number", value.offset))
    return tree


def _punctuation(text: str) -> Token:
    return Token("punctuation", text, 0, text)


_COMMA, _OPEN, _CLOSE, _WRITE_BACK = map(_punctuation, ",[]!")


def _append(operand: Operand, result: list[Token], mention: Mention) -> None:
    if isinstance(operand, Register):
        result.append(Token("register", operand, 0, operand.name))
    elif isinstance(operand, bool):
        raise AssemblyError(f"{operand} is not an operand: numbers are ints")
    elif isinstance(operand, int):
        result.append(Token("value", operand, 0, f"#{operand}"))
    elif isinstance(operand, float):
        result.append(Token("float", operand, 0, f"#{operand}"))
    elif isinstance(operand, Label):
        mention(operand)
        shown = operand.name if operand.name.isprintable() else "<label>"
        result.append(Token("value", Expression(shown, tree=symbol_tree(operand)), 0, shown))
    elif isinstance(operand, Symbol):
        expression = Expression(tree_text(symbol_tree(operand)), operand.modifier, symbol_tree(operand))
        result.append(Token("value", expression, 0, str(expression)))
    elif isinstance(operand, str):
        try:
            result += operand_tokens(operand, 1, _no_local_label, _number)
        except SyntaxFailure as failure:
            raise AssemblyError(f"{operand!r}: {failure.message}") from None
    elif isinstance(operand, PreIndexed):
        _append([operand.base, operand.offset], result, mention)
        result.append(_WRITE_BACK)
    elif isinstance(operand, list):
        result.append(_OPEN)
        result += tokens(tuple(operand), mention)
        result.append(_CLOSE)
    elif isinstance(operand, tuple):
        for part in operand:
            _append(part, result, mention)
    else:
        _append(as_int(operand), result, mention)


def as_int(value: object) -> int:
    """The value of an integer of any type, such as NumPy's.

    Raises:
        AssemblyError: it is no integer.
    """
    index = getattr(value, "__index__", None)
    if index is None or isinstance(value, bool):
        raise AssemblyError(f"{value!r} is not an operand: a register, a number, a label, a list or text")
    return int(index())


def _no_local_label(reference: str) -> str:
    raise SyntaxFailure(f"{reference!r}: numeric labels are for text; use Builder.label", 1)


def _number(tree: Tree) -> int | None:
    return tree[1] if tree[0] == "number" else None
