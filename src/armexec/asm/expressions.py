"""Expressions of assembly text, as trees, and their arithmetic.

Precedence and arithmetic are LLVM's, which differ between ELF (as GNU as has them) and Mach-O.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

__all__ = [
    "CHARACTER",
    "STRING",
    "Raw",
    "Reader",
    "SyntaxFailure",
    "Tree",
    "operate",
    "parse_expression",
    "quoted_name",
    "raw_tokens",
    "symbols_of",
    "tree_text",
    "with_place",
]

Tree: TypeAlias = "tuple[Any, ...]"
"""An expression: ("number", n), ("symbol", name), ("unary", op, tree), ("binary", op, tree, tree)."""

STRING = r'"(?:[^"\\\n]|\\.)*"'
CHARACTER = r"'(?:[^\\\n]|\\.)'?"

_MASK = 0xFFFF_FFFF_FFFF_FFFF
# Evaluation is recursive; real expressions are far smaller.
_MOST_OPERATORS = 200
_DEEPEST = 120


class SyntaxFailure(Exception):
    """Text that can't be read, at a column counted from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


class Raw(NamedTuple):
    """A token of text, such as a register, a number or a name, before expressions are parsed."""

    kind: str
    text: str
    column: int


_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<register>[xw](?:[12]?\d|30)|[xw]zr|w?sp|[bhsdq](?:[12]?\d|3[01])|v(?:[12]?\d|3[01])(?:\.\d*[bhsdq])?)(?![\w.$@])
    | (?P<float>\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+|0x[0-9a-f]+(?:\.[0-9a-f]*)?p[-+]?\d+)(?![\w.])
    | (?P<number>0x[0-9a-f]+|0b[01]+|0o[0-7]+|\d+)(?![\w.$])
    | (?P<local>\d+[fb])(?![\w.$])
    | (?P<modifier>:\w+:)
    | (?P<name>[a-z_.$][\w.$]*(?:@\w+)?)
    | (?P<character>{CHARACTER})
    | (?P<string>{STRING})
    | (?P<punctuation>&&|\|\||<<|>>|<=|>=|==|!=|<>|[-\[\]{{}},!\#()+*/%&|^~<>=])
    | (?P<end>$)
    )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
# Most expressions.
_NUMBER = re.compile(r"-?(?:[1-9]\d{0,17}|0)", re.ASCII)
_NAME = re.compile(r"[A-Za-z_.$][\w.$]*", re.ASCII)
_CLOSING = {"(": ")", "[": "]"}
# Neither assembler has other escapes here: '\0' is the digit.
_ESCAPES = {"n": 10, "t": 9, "r": 13, "b": 8, "f": 12}


def _levels(*rows: str) -> dict[str, int]:
    """The precedence of operators; the rows go from the lowest to the highest."""
    return {operator: level for level, row in enumerate(rows, 1) for operator in row.split()}


_GNU = _levels("||", "&&", "== != <> < <= > >=", "+ -", "| & ^ !", "* / % << >>")
_DARWIN = _levels("|| &&", "| & ^", "== != <> < <= > >=", "<< >>", "+ -", "* / %")


def raw_tokens(text: str, column: int) -> list[Raw]:
    """The tokens of a text that begins at a column.

    Raises:
        SyntaxFailure: a character that begins nothing.
    """
    result = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position:].lstrip()
            raise SyntaxFailure(_unexpected(rest), column + len(text) - len(rest))
        kind = match.lastgroup
        assert kind is not None
        if kind == "end":
            break
        result.append(Raw(kind, match[kind], column + match.start(kind)))
        position = match.end()
    return result


def _unexpected(rest: str) -> str:
    if rest[0] == "@":
        return "unexpected '@': a comment begins with //"
    if rest[0] == '"':
        return 'a string without its closing "'
    if rest[0].isdigit():
        word = re.match(r"[\w.$]+", rest)
        assert word is not None
        return f"{word[0][:30]!r} is not a number"
    return f"unexpected {rest[0]!r}"


class Reader:
    """A reader of raw tokens, which parses expressions."""

    def __init__(self, raw: list[Raw], local_label: Callable[[str], str], column: int, *, apple: bool) -> None:
        self.raw = raw
        self.position = 0
        self.local_label = local_label
        self.end_column = raw[-1].column + len(raw[-1].text) if raw else column
        self._levels = _DARWIN if apple else _GNU
        self._operators = 0
        self._depth = 0

    @property
    def next(self) -> Raw:
        if self.position < len(self.raw):
            return self.raw[self.position]
        return Raw("end", "", self.end_column)

    @property
    def following(self) -> Raw:
        """The token after `next`."""
        if self.position + 1 < len(self.raw):
            return self.raw[self.position + 1]
        return Raw("end", "", self.end_column)

    def take(self) -> Raw:
        token = self.next
        self.position += 1
        return token

    def modified(self) -> tuple[Tree, str]:
        """An expression and its relocation operator, `:lo12:symbol` or `symbol@PAGE`."""
        modifier = ""
        self._operators = 0
        if self.next.kind == "modifier":
            modifier = self.take().text[1:-1].lower()
        tree, apple = _split_at(self.expression())
        return tree, modifier or apple

    def expression(self, level: int = 1) -> Tree:
        """An expression of operators of the precedence `level` or higher."""
        tree = self._unary()
        while (token := self.next).kind == "punctuation" and (binds := self._levels.get(token.text, 0)) >= level:
            self.take()
            self._count(token)
            right = self.expression(binds + 1)
            if tree[0] == right[0] == "number" and not (token.text in "/%" and right[1] == 0):
                tree = ("number", operate(token.text, tree[1], right[1]))
            else:
                tree = ("binary", token.text, tree, right)
        return tree

    def _count(self, token: Raw) -> None:
        self._operators += 1
        if self._operators > _MOST_OPERATORS:
            raise SyntaxFailure(f"an expression has more than {_MOST_OPERATORS} operators", token.column)

    def _unary(self) -> Tree:
        token = self.take()
        if token.kind == "number":
            value = _number(token)
            # Arithmetic has 64 bits; a single literal may have the 128 bits of a Q register.
            if value > _MASK and (self._operators or self._depth or self.next.text in self._levels):
                raise SyntaxFailure("the number has more than 64 bits", token.column)
            return ("number", value)
        if token.kind == "character":
            body = token.text[1:].removesuffix("'") if len(token.text) > 2 else token.text[1:]
            return ("number", _ESCAPES.get(body[1:], ord(body[-1])) if body[0] == "\\" else ord(body))
        if token.kind == "local":
            return ("symbol", self.local_label(token.text))
        if token.kind in ("name", "register"):
            return ("symbol", token.text)
        if token.kind == "string":
            return ("symbol", quoted_name(token.text, token.column))
        if token.kind == "punctuation":
            if token.text in ("-", "+", "~", "!"):
                self._count(token)
                operand = self._nested(self._unary, token)
                if operand[0] == "number":
                    return ("number", operate(token.text, operand[1]))
                return ("unary", token.text, operand)
            if token.text in _CLOSING:
                tree = self._nested(self.expression, token)
                closing = self.take()
                if closing.text != _CLOSING[token.text]:
                    raise SyntaxFailure(f"expected {_CLOSING[token.text]!r}", closing.column)
                return tree
        shown = repr(token.text) if token.text else "the end of the line"
        raise SyntaxFailure(f"expected a number or a symbol, not {shown}", token.column)

    def _nested(self, read: Callable[[], Tree], token: Raw) -> Tree:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise SyntaxFailure(f"an expression is nested deeper than {_DEEPEST} levels", token.column)
        tree = read()
        self._depth -= 1
        return tree


def _number(token: Raw) -> int:
    digits = token.text.lower()
    base = 8 if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit() else 0
    try:
        value = int(digits, base) if len(digits) <= 130 else 1 << 128
    except ValueError:
        raise SyntaxFailure(
            f"{token.text} is not an octal number, as one that begins with 0 is", token.column
        ) from None
    if value >> 128:
        raise SyntaxFailure("the number has more than 128 bits", token.column)
    return value


def quoted_name(text: str, column: int) -> str:
    """The symbol's name in quotes.

    Raises:
        SyntaxFailure: a character that can't be in a name.
    """
    name = text[1:-1]
    if not name or not name.isprintable():
        raise SyntaxFailure(f"{name[:30]!r} is no name of a symbol", column)
    return name


def _split_at(tree: Tree) -> tuple[Tree, str]:
    """Take Apple's `symbol@PAGE` operator out of a tree."""
    if tree[0] == "symbol" and "@" in tree[1]:
        name, _, modifier = tree[1].partition("@")
        return ("symbol", name), modifier.lower()
    if tree[0] == "binary":
        left, modifier = _split_at(tree[2])
        return ("binary", tree[1], left, tree[3]), modifier
    return tree, ""


def parse_expression(
    text: str, column: int, local_label: Callable[[str], str], *, apple: bool = False
) -> tuple[Tree, str]:
    """Parse `text` as an expression with a relocation operator.

    Raises:
        SyntaxFailure: it can't be read.
    """
    if _NUMBER.fullmatch(text) is not None:
        return ("number", int(text)), ""
    if _NAME.fullmatch(text) is not None:
        return ("symbol", text), ""
    reader = Reader(raw_tokens(text, column), local_label, column, apple=apple)
    tree, modifier = reader.modified()
    if reader.next.kind != "end":
        raise SyntaxFailure(f"unexpected {reader.next.text[:30]!r}", reader.next.column)
    return tree, modifier


def tree_text(tree: Tree) -> str:
    """The expression as text."""
    if tree[0] in ("number", "symbol"):
        return str(tree[1])
    if tree[0] == "unary":
        return f"{tree[1]}{tree_text(tree[2])}"
    return f"({tree_text(tree[2])}{tree[1]}{tree_text(tree[3])})"


def symbols_of(tree: Tree) -> set[str]:
    """The names in an expression."""
    if tree[0] == "symbol":
        return {tree[1]}
    return set().union(*(symbols_of(t) for t in tree[2:])) if tree[0] != "number" else set()


def with_place(tree: Tree, place: str) -> Tree:
    """The tree with `.` replaced by a symbol."""
    if tree[0] == "symbol":
        return ("symbol", place) if tree[1] == "." else tree
    if tree[0] == "number":
        return tree
    return (tree[0], tree[1], *(with_place(t, place) for t in tree[2:]))


def operate(operator: str, left: int, right: int | None = None) -> int:
    """64-bit arithmetic. Comparisons give -1 for true, shifts right are of the 64 bits.

    Raises:
        ZeroDivisionError: of `/` and `%`.
    """
    result = _unary(operator, left) if right is None else _binary(operator, left, right)
    # A value of 64 bits stays unsigned; a value that has wrapped is signed.
    if -(1 << 63) <= result <= _MASK:
        return result
    result &= _MASK
    return result - (1 << 64) if result >> 63 else result


def _unary(operator: str, value: int) -> int:
    return {"-": -value, "+": value, "~": ~value, "!": int(not value)}[operator]


def _binary(operator: str, left: int, right: int) -> int:
    match operator:
        case "/" | "%":
            quotient = abs(left) // abs(right)
            quotient = quotient if (left < 0) == (right < 0) else -quotient
            return quotient if operator == "/" else left - quotient * right
        case "<<" | ">>":
            if not 0 <= right < 64:
                return 0
            return left << right if operator == "<<" else (left & _MASK) >> right
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "|":
            return left | right
        case "&":
            return left & right
        case "^":
            return left ^ right
        case "!":
            return left | ~right
        case "==":
            return -(left == right)
        case "!=" | "<>":
            return -(left != right)
        case "<":
            return -(left < right)
        case "<=":
            return -(left <= right)
        case ">":
            return -(left > right)
        case ">=":
            return -(left >= right)
        case "&&":
            return int(bool(left and right))
        case _:
            return int(bool(left or right))
