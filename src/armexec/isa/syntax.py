"""Tokens of A64 assembly, and the cursor that operands parse them with.

The assembler's lexer and the builder both make these tokens, so a builder call takes the same path as a line of text.
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Cursor", "Expression", "Mismatch", "OperandError", "Register", "Token", "general_register"]


class Mismatch(Exception):
    """The tokens at `position` aren't what the operand expects: another form may fit."""

    def __init__(self, expected: str, position: int) -> None:
        super().__init__(expected)
        self.expected = expected
        self.position = position


class OperandError(ValueError):
    """An operand of the right shape whose value has no encoding. `column` is where it stands, 0 if not known."""

    def __init__(self, message: str, column: int = 0) -> None:
        super().__init__(message)
        self.column = column


class Register:
    """A register operand. `kind`: x w sp wsp, or b h s d q v; `number` 0-31 (31 of x and w is the zero register).

    `lanes` is the arrangement of a vector ("4s"), `index` its element, `name` how it is written. `shape` is the same
    for registers that the same operands take: the name without the number, but for 31 of x and w.
    """

    __slots__ = ("index", "kind", "lanes", "name", "number", "shape")

    kind: str
    number: int
    lanes: str
    index: int | None
    name: str
    shape: str

    def __init__(self, kind: str, number: int, lanes: str = "", index: int | None = None) -> None:
        # Registers are shared: nobody may change them.
        put = object.__setattr__
        put(self, "kind", kind)
        put(self, "number", number)
        put(self, "lanes", lanes)
        put(self, "index", index)
        if kind in ("sp", "wsp"):
            name = kind
        elif number == 31 and kind in ("x", "w"):
            name = f"{kind}zr"
        else:
            name = f"{kind}{number}" + (f".{lanes}" if lanes else "")
        put(self, "name", name if index is None else f"{name}[{index}]")
        shape = name if number == 31 and kind in ("x", "w") else f"{kind}.{lanes}" + "[]" * (index is not None)
        put(self, "shape", f"%{shape}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{self.name} is constant")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Register) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return self.name


class Expression(NamedTuple):
    """A value not known before layout, with a relocation operator.

    `text` is how it was written; `modifier` is lower case without colons: "lo12", "got", "got_lo12", "page", "pageoff",
    "gotpage", "gotpageoff", "abs_g0" ... or empty; `tree` is whatever the assembler evaluates.
    """

    text: str
    modifier: str = ""
    tree: Any = None

    def __str__(self) -> str:
        return f":{self.modifier}:{self.text}" if self.modifier else self.text


class Token(NamedTuple):
    """A token of an instruction's operands, at a column counted from 1.

    `kind`: "register" (a Register), "value" (int or Expression), "word" (lower-case str), "float", or "punctuation".
    """

    kind: str
    value: Any
    column: int
    text: str


_END = Token("end", "", 0, "end of line")


class Cursor:
    """A position in the tokens of one instruction's operands."""

    __slots__ = ("deferred", "position", "skipped", "tokens")

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.deferred = False
        """Whether a value taken so far is an Expression."""
        self.skipped: Mismatch | None = None
        """Why the last optional part was left out."""

    @property
    def token(self) -> Token:
        return self.tokens[self.position] if self.position < len(self.tokens) else _END

    def fail(self, expected: str) -> Mismatch:
        return Mismatch(expected, self.position)

    def punctuation(self, text: str) -> bool:
        """Take `text` if it is next."""
        token = self.token
        if token.kind == "punctuation" and token.value == text:
            self.position += 1
            return True
        return False

    def expect(self, text: str) -> None:
        token = self.token
        if (token.kind == "punctuation" and token.value == text) or (token.kind == "word" and token.value == text):
            self.position += 1
            return
        raise self.fail(f"'{text}'")

    def word(self, choices: Any, expected: str) -> str:
        """Take a word that is in `choices`."""
        token = self.token
        if token.kind == "word" and token.value in choices:
            self.position += 1
            return str(token.value)
        # A name that is also a symbol's arrives as its value.
        if token.kind == "value":
            name = token.text.lower()
            if name in choices:
                self.position += 1
                return name
        raise self.fail(expected)

    def register(self, kinds: str | tuple[str, ...], expected: str) -> Register:
        token = self.token
        if token.kind == "register" and token.value.kind in kinds:
            self.position += 1
            value: Register = token.value
            return value
        raise self.fail(expected)

    def value(self, expected: str) -> int | Expression:
        """An immediate or an expression; the hash before it is optional.

        Numbers have 64 bits: one with the highest of them set is negative.
        """
        start = self.position
        self.punctuation("#")
        token = self.token
        if token.kind == "value":
            self.position += 1
            value: int | Expression = token.value
            if isinstance(value, Expression):
                self.deferred = True
            elif value >> 63 == 1:
                value -= 1 << 64
            return value
        if token.kind == "word":
            # A word that isn't a keyword here is a symbol.
            self.position += 1
            self.deferred = True
            return Expression(token.text, tree=("symbol", token.text))
        self.position = start
        raise self.fail(expected)

    def number(self, expected: str) -> int:
        """An immediate that must be known by now, as shift amounts and indices are."""
        start = self.position
        value = self.value(expected)
        if isinstance(value, Expression):
            self.position = start
            raise self.fail(expected)
        return value


def general_register(kind: str, number: int, *, sp: bool) -> Register:
    """Register `number` of size `kind` (x or w), where 31 is SP if `sp`, else the zero register."""
    return _GENERAL[kind, number, sp]


_GENERAL = {
    (kind, number, sp): Register({"x": "sp", "w": "wsp"}[kind] if sp and number == 31 else kind, number)
    for kind in "xw"
    for number in range(32)
    for sp in (False, True)
}
