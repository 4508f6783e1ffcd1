"""What a builder's methods take, and how it becomes the tokens that text becomes too."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from armexec.asm.expressions import SyntaxFailure
from armexec.asm.lexer import operand_tokens
from armexec.errors import AssemblyError
from armexec.isa.syntax import Expression, Register, Token

__all__ = ["Label", "Operand", "PreIndexed", "Symbol", "tokens"]


class Label:
    """A place in the code, made by `Builder.label` and given its place by `Builder.bind`."""

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


def tokens(operands: tuple[Operand, ...]) -> list[Token]:
    """The tokens of a call's operands.

    Raises:
        AssemblyError: something that is no operand.
    """
    result: list[Token] = []
    for position, operand in enumerate(operands):
        if position:
            result.append(_punctuation(","))
        _append(operand, result)
    return result


def _punctuation(text: str) -> Token:
    return Token("punctuation", text, 0, text)


def _append(operand: Operand, result: list[Token]) -> None:
    if isinstance(operand, Register):
        result.append(Token("register", operand, 0, operand.name))
    elif isinstance(operand, bool):
        raise AssemblyError(f"{operand} is not an operand")
    elif isinstance(operand, int):
        result.append(Token("value", operand, 0, f"#{operand}"))
    elif isinstance(operand, float):
        result.append(Token("float", operand, 0, f"#{operand}"))
    elif isinstance(operand, Label):
        result.append(Token("value", Expression(operand.name, tree=("symbol", operand.name)), 0, operand.name))
    elif isinstance(operand, Symbol):
        tree = ("binary", "+", ("symbol", operand.name), ("number", operand.offset))
        result.append(Token("value", Expression(operand.name, operand.modifier, tree), 0, operand.name))
    elif isinstance(operand, str):
        try:
            result += operand_tokens(operand, 1, _no_local_label, _unknown)
        except SyntaxFailure as failure:
            raise AssemblyError(f"{operand!r}: {failure.message}") from None
    elif isinstance(operand, PreIndexed):
        _append([operand.base, operand.offset], result)
        result.append(_punctuation("!"))
    elif isinstance(operand, list):
        result.append(_punctuation("["))
        result += tokens(tuple(operand))
        result.append(_punctuation("]"))
    elif isinstance(operand, tuple):
        for part in operand:
            _append(part, result)
    else:
        index = getattr(operand, "__index__", None)
        if index is None:
            raise AssemblyError(f"{operand!r} is not an operand: a register, a number, a label, a list or text")
        _append(index(), result)


def _no_local_label(reference: str) -> str:
    raise SyntaxFailure(f"{reference!r}: numeric labels are for text; use Builder.label", 1)


def _unknown(tree: tuple[object, ...]) -> int | None:
    if tree[0] == "number":
        number = tree[1]
        assert isinstance(number, int)
        return number
    if tree[0] == "unary" and tree[1] == "-":
        operand = tree[2]
        assert isinstance(operand, tuple)
        value = _unknown(operand)
        return None if value is None else -value
    return None
