"""Operands of instructions into tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from armexec.asm.expressions import Raw, Reader, Tree, raw_tokens, tree_text
from armexec.isa.syntax import Expression, Register, Token

__all__ = ["operand_tokens", "plain_tokens", "register_named"]

_REGISTERS = {
    **{f"{k}{n}": Register(k, n) for k in "xw" for n in range(31)},
    **{f"{k}{n}": Register(k, n) for k in "bhsdqv" for n in range(32)},
    "xzr": Register("x", 31),
    "wzr": Register("w", 31),
    "sp": Register("sp", 31),
    "wsp": Register("wsp", 31),
    "fp": Register("x", 29),
    "lr": Register("x", 30),
    "ip0": Register("x", 16),
    "ip1": Register("x", 17),
}
_VECTOR = re.compile(r"v([12]?\d|3[01])\.(\d*[bhsdq])", re.ASCII)


def register_named(name: str, aliases: Mapping[str, Register] | None = None) -> Register | None:
    """The register of a name in lower case, which may be one of the `aliases`, or None."""
    register = _REGISTERS.get(name)
    if register is None and (match := _VECTOR.fullmatch(name)) is not None:
        return Register("v", int(match[1]), match[2])
    if register is None and aliases:
        base, dot, lanes = name.rpartition(".")
        register = aliases.get(name)
        if register is None and dot and (vector := aliases.get(base)) is not None and vector.kind == "v":
            return register_named(f"v{vector.number}.{lanes}")
    return register


_PIECES = re.compile(r"-?[\w.$]+|[^\w.$\s]", re.ASCII)
_NUMBER = re.compile(r"-?(?:0x[0-9a-f]{1,16}|0|[1-9]\d{0,17})", re.ASCII)
_SYMBOL = re.compile(r"[a-z_.$][\w.$]+|[a-z_]", re.ASCII)
_known_pieces: dict[str, Token] = {}
_LIMIT = 1 << 16


def plain_tokens(text: str) -> list[Token] | None:
    """The tokens, without columns, of operands that are only registers, numbers, words and punctuation; else None."""
    tokens = []
    for piece in _PIECES.findall(text):
        token = _known_pieces.get(piece)
        if token is None:
            token = _plain_token(piece)
            if token is None:
                return None
            if len(_known_pieces) >= _LIMIT:
                _known_pieces.clear()
            _known_pieces[piece] = token
        tokens.append(token)
    return tokens


def _plain_token(piece: str) -> Token | None:
    if piece in ",[]!#{}":
        return Token("punctuation", piece, 0, piece)
    lower = piece.lower()
    register = register_named(lower)
    if register is not None:
        return Token("register", register, 0, piece)
    if _NUMBER.fullmatch(lower) is not None:
        return Token("value", int(lower, 0), 0, piece)
    if _SYMBOL.fullmatch(lower) is not None:
        return Token("word", lower, 0, piece)
    return None


def operand_tokens(
    text: str,
    column: int,
    local_label: Callable[[str], str],
    value_of: Callable[[Tree], int | None],
    *,
    apple: bool = False,
    aliases: Mapping[str, Register] | None = None,
) -> list[Token]:
    """The operands of an instruction as tokens.

    `value_of` gives the value of an expression that is known already, else None. `aliases` are names of registers, in
    lower case, that the source gave (.req).

    Raises:
        SyntaxFailure: a text is no token, or no valid expression.
    """
    reader = Reader(raw_tokens(text, column), local_label, column, apple=apple)
    tokens: list[Token] = []
    while (raw := reader.next).kind != "end":
        kind, word = raw.kind, raw.text
        register = register_named(word.lower(), aliases) if kind in ("register", "name") else None
        if register is not None:
            reader.position += 1
            tokens.append(Token("register", register, raw.column, word))
        elif kind == "name" and "@" not in word and _stands_alone(reader):
            reader.position += 1
            value = value_of(("symbol", word))
            if value is None:
                tokens.append(Token("word", word.lower(), raw.column, word))
            else:
                tokens.append(Token("value", value, raw.column, word))
        elif kind == "float":
            reader.position += 1
            tokens.append(Token("float", _float(word), raw.column, word))
        elif kind == "punctuation" and word in ("-", "+") and reader.following.kind == "float":
            number = reader.following.text
            reader.position += 2
            tokens.append(Token("float", _float(word + number), raw.column, word + number))
        elif word == "-" and tokens and tokens[-1].kind == "register" and _is_register(reader.following, aliases):
            # A range of registers, in a list.
            reader.position += 1
            tokens.append(Token("punctuation", word, raw.column, word))
        elif kind == "punctuation" and (
            word not in ("-", "+", "~", "(", "!")
            # Not an operator after a register or an address.
            or (word == "!" and tokens and (tokens[-1].kind == "register" or tokens[-1].text == "]"))
        ):
            reader.position += 1
            tokens.append(Token("punctuation", word, raw.column, word))
        else:
            start = reader.position
            tree, modifier = reader.modified()
            value = None if modifier else value_of(tree)
            # Numbers keep their spelling: for FMOV, 0x70 isn't 112.
            shown = word if kind == "number" and reader.position == start + 1 else tree_text(tree)
            tokens.append(
                Token("value", Expression(shown, modifier, tree) if value is None else value, raw.column, shown)
            )
    return tokens


def _is_register(raw: Raw, aliases: Mapping[str, Register] | None) -> bool:
    return raw.kind == "register" or (raw.kind == "name" and register_named(raw.text.lower(), aliases) is not None)


def _float(text: str) -> float:
    if "x" not in text.lower():
        return float(text)
    try:
        return float.fromhex(text)
    except OverflowError:
        return float("inf")


_OPERATORS = frozenset(["+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", "==", "!=", "<>", "<", "<=", ">", ">="])


def _stands_alone(reader: Reader) -> bool:
    """Whether the name at the reader isn't the beginning of a longer expression."""
    following = reader.following
    return following.kind != "punctuation" or following.text not in _OPERATORS
