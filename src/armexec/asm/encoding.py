"""Encoding of a mnemonic and its tokens as a word, by the forms that fit, or a message if none does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from armexec.asm.suffixes import split_suffix, unsuffixed
from armexec.isa import Form, forms_of, mnemonics
from armexec.isa.operands import Label
from armexec.isa.syntax import Cursor, Expression, Mismatch, OperandError, Token
from armexec.isa.template import Parsed

__all__ = ["Candidate", "EncodingFailure", "Relocatable", "absolute", "encode", "match", "not_deferred"]


class EncodingFailure(Exception):
    """The message that no form fits, with a column (0: the mnemonic; None: after the last operand) and a hint.

    `subject` is the symbol that it is about, if any.
    """

    def __init__(self, message: str, column: int | None, hint: str = "", subject: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.hint = hint
        self.subject = subject


class Candidate(NamedTuple):
    """A form whose syntax fits the tokens, with the operands' values; `deferred` if one of them is an Expression."""

    form: Form
    values: list[Parsed]
    deferred: bool


def absolute(candidates: list[Candidate]) -> list[Candidate]:
    """The candidates with pc-relative operands deferred: their numbers are addresses, and depend on the place."""
    return [_absolute(candidate) for candidate in candidates]


def _absolute(candidate: Candidate) -> Candidate:
    form, values, _ = candidate
    if not any(isinstance(p.operand, Label) and isinstance(p.value, int) for p in values):
        return candidate
    open_values = [
        p._replace(value=Expression(str(p.value), tree=("number", p.value)))
        if isinstance(p.operand, Label) and isinstance(p.value, int)
        else p
        for p in values
    ]
    return Candidate(form, open_values, True)


class Relocatable(NamedTuple):
    """An expression's value that depends on an address: `symbol - minus + addend`."""

    symbol: str
    addend: int
    minus: str | None = None
    distance: int | None = None
    """The distance from the instruction, if both are in one section."""


Evaluate: TypeAlias = "Callable[[Expression], int | Relocatable]"

# The forms that fit tokens of one shape: others needn't be tried again.
_fitting: dict[tuple[str, ...], tuple[Form, ...]] = {}
_LIMIT = 1 << 14


def match(mnemonic: str, tokens: list[Token]) -> list[Candidate]:
    """The forms that fit the tokens, in order of preference; values are encoded later.

    Raises:
        EncodingFailure: there is no such mnemonic, or no form of it has these operands.
    """
    shape = _shape(mnemonic, tokens)
    forms = _fitting.get(shape)
    if forms is not None:
        candidates = []
        for form in forms:
            cursor = Cursor(tokens)
            candidates.append(Candidate(form, form.parse(cursor), cursor.deferred))
        return candidates
    base, suffix = split_suffix(mnemonic)
    if suffix and forms_of(base):
        return _match_suffixed(base, suffix, tokens)
    candidates = _match(mnemonic, tokens)
    if len(_fitting) >= _LIMIT:
        _fitting.clear()
    _fitting[shape] = tuple(candidate.form for candidate in candidates)
    return candidates


def _match_suffixed(mnemonic: str, suffix: str, tokens: list[Token]) -> list[Candidate]:
    candidates = []
    for form, filled in unsuffixed(mnemonic, suffix, tokens):
        cursor = Cursor(filled)
        with contextlib.suppress(Mismatch):
            candidates.append(Candidate(form, form.parse(cursor), cursor.deferred))
    if not candidates:
        raise EncodingFailure(f"{mnemonic} has no form of these operands with .{suffix}", 0)
    return candidates


def _shape(mnemonic: str, tokens: list[Token]) -> tuple[str, ...]:
    shape = [mnemonic]
    for kind, value, _, text in tokens:
        if kind == "register":
            shape.append(value.shape)
        elif kind == "value":
            # A symbol may have the name of a keyword, and some operands take only numbers.
            if text.isidentifier():
                shape.append(text)
            else:
                shape.append("#0" if value == 0 else "#n" if isinstance(value, int) else "#symbol")
        elif kind == "word":
            # No keyword begins like this.
            shape.append("." if value[0] in "._" else value)
        elif kind == "float":
            shape.append("0.0" if value == 0 else "1.0")
        else:
            shape.append(value)
    return tuple(shape)


def _match(mnemonic: str, tokens: list[Token]) -> list[Candidate]:
    # If a form of general registers fits, the forms of SIMD registers needn't be described.
    general = _fitting_forms(forms_of(mnemonic, simd_fp=False), tokens)
    return general or _match_all(mnemonic, tokens)


def _fitting_forms(forms: Iterable[Form], tokens: list[Token]) -> list[Candidate]:
    candidates = []
    for form in forms:
        cursor = Cursor(tokens)
        with contextlib.suppress(Mismatch):
            candidates.append(Candidate(form, form.parse(cursor), cursor.deferred))
    return candidates


def _match_all(mnemonic: str, tokens: list[Token]) -> list[Candidate]:
    forms = forms_of(mnemonic)
    if not forms:
        raise _extension(mnemonic, tokens) or _unknown(mnemonic)
    candidates: list[Candidate] = []
    furthest = -1
    nearest: list[tuple[Form, str]] = []
    for form in forms:
        cursor = Cursor(tokens)
        try:
            values = form.parse(cursor)
        except Mismatch as mismatch:
            if mismatch.position > furthest:
                furthest, nearest = mismatch.position, []
            if mismatch.position == furthest:
                nearest.append((form, mismatch.expected))
            continue
        candidates.append(Candidate(form, values, cursor.deferred))
    if candidates:
        return candidates
    if furthest < len(tokens):
        found, column = _shown(tokens[furthest].text), tokens[furthest].column
    else:
        found, column = "the end of the line", None
    needed = _extension(mnemonic, tokens)
    if needed is not None:
        raise needed
    expected = _alternatives(list(dict.fromkeys(expected for _, expected in nearest)))
    raise EncodingFailure(f"expected {expected}, not {found}", column, _valid_forms([form for form, _ in nearest]))


def _extension(mnemonic: str, tokens: list[Token]) -> EncodingFailure | None:
    """The failure that names the extension of the architecture which has this instruction, if one has it."""
    from armexec.isa.extensions import needed_by_text

    needed = needed_by_text(mnemonic, [token.text.lower() for token in tokens])
    return None if needed is None else EncodingFailure(f"{mnemonic} needs {needed}, which armexec doesn't have", 0)


def _unknown(mnemonic: str) -> EncodingFailure:
    import difflib

    near = difflib.get_close_matches(mnemonic, mnemonics(), 4, 0.6) if len(mnemonic) < 20 else []
    hint = f"did you mean {', '.join(near)}?" if near else ""
    return EncodingFailure(f"unknown mnemonic {mnemonic[:40]!r}", 0, hint)


def _shown(text: str) -> str:
    # The name of a numeric label has its number, and a count of the labels with that number.
    return f"the label {text[1:].partition(' ')[0]}" if text[:1] == "\x01" else repr(text[:40])


_REGISTER = "a register "


def _alternatives(expected: list[str]) -> str:
    """The expectation of one of the forms; registers are those of all of them."""
    registers = [
        part for text in expected if text.startswith(_REGISTER) for part in text[len(_REGISTER) :].split(" or ")
    ]
    others = [text for text in expected if not text.startswith(_REGISTER)]
    shown = others[:4]
    if registers:
        *most, last = dict.fromkeys(registers)
        shown.insert(0, _REGISTER + (f"{', '.join(most)} or {last}" if most else last))
    return " or ".join(shown) + (" or other operands" if len(others) > 4 else "")


def _valid_forms(forms: Sequence[Form]) -> str:
    syntaxes = list(dict.fromkeys(form.syntax for form in forms))
    if len(syntaxes) == 1:
        return f"valid form: {syntaxes[0]}"
    more = f"\n    ... and {len(syntaxes) - 6} more" if len(syntaxes) > 6 else ""
    return "valid forms:\n" + "\n".join(f"    {syntax}" for syntax in syntaxes[:6]) + more


def not_deferred(expression: Expression) -> int:
    """The `evaluate` of `encode` for candidates that aren't deferred. Raises AssertionError."""
    raise AssertionError(f"{expression} should have been deferred")


def encode(
    candidates: list[Candidate], evaluate: Evaluate, place: int | None = None
) -> tuple[int, list[tuple[str, Relocatable]]]:
    """The word of the first candidate whose values have an encoding, and the relocations it needs.

    With the address `place` of the instruction, a number for a pc-relative operand is an address, else a distance.

    Raises:
        EncodingFailure: none has.
    """
    problems: list[OperandError] = []
    for form, values, deferred in candidates:
        relocations: list[tuple[str, Relocatable]] = []
        try:
            if not deferred:
                return form.encode(values), relocations
            resolved = [Parsed(p.operand, _resolve(p, evaluate, relocations, place), p.column) for p in values]
            return _adjusted(form.encode(resolved), values, evaluate), relocations
        except OperandError as error:
            # Its traceback would keep the callers' variables, with this list.
            problems.append(error.with_traceback(None))
    # The first form is the plainest, and its message seldom worse than another's.
    forms = tuple(candidate.form for candidate in candidates)
    subjects = [str(e.text) for p in candidates[0].values if (e := _expression(p.value)) is not None]
    raise EncodingFailure(_together(problems), problems[0].column, _valid_forms(forms), "".join(subjects[:1]))


_OUT_OF_RANGE = "is out of range "


def _together(problems: list[OperandError]) -> str:
    """The first form's message; for a number out of range with the ranges of the other forms."""
    message = str(problems[0])
    start, found, _ = message.partition(_OUT_OF_RANGE)
    if found:
        for other in dict.fromkeys(map(str, problems[1:])):
            if other.startswith(start + found) and other != message:
                message += f", or {other[len(start + found) :]}"
    return message


def _expression(value: Any) -> Expression | None:
    if isinstance(value, Expression):
        return value
    if isinstance(value, tuple):
        for item in value:
            if isinstance(item, Expression):
                return item
    return None


def _adjusted(word: int, values: list[Parsed], evaluate: Evaluate) -> int:
    for operand, value, _ in values:
        expression = _expression(value)
        if expression is not None and expression.modifier:
            number = evaluate(expression)
            if isinstance(number, int):
                word = operand.adjusted(word, expression, number)
    return word


def _resolve(parsed: Parsed, evaluate: Evaluate, relocations: list[tuple[str, Relocatable]], place: int | None) -> Any:
    operand, value, column = parsed
    expression = _expression(value)
    if expression is None:
        return value
    result = evaluate(expression)
    if isinstance(result, int):
        try:
            if expression.modifier:
                return operand.applied(value, expression, result)
            if isinstance(operand, Label) and place is not None:
                result = operand.distance(result, place)
            return operand.resolved(value, result)
        except OperandError as error:
            error.column = column
            raise
    if isinstance(operand, Label) and not operand.page and not expression.modifier and result.distance is not None:
        return operand.resolved(value, result.distance)
    try:
        relocations.append((operand.relocation(expression), result))
    except OperandError as error:
        error.column = column
        raise
    return operand.resolved(value, 0)
