"""The arguments of a macro's invocation, of `.irp` and of `.irpc`, and the parameters of a definition."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from armexec.asm.expressions import CHARACTER, STRING, SyntaxFailure

__all__ = ["Argument", "Evaluate", "Parameter", "parameters_of", "split", "unquoted"]

Evaluate = Callable[[str, int], int]
"""The value of an expression that stands at a column."""


class Argument(NamedTuple):
    """A piece of text, and its column."""

    text: str
    column: int


class Parameter(NamedTuple):
    """A parameter of a macro."""

    name: str
    default: str = ""
    required: bool = False
    rest: bool = False
    """Whether it takes all remaining text (`:vararg`)."""


_OPERATORS = r"<<|>>|<=|>=|<>|==|!=|&&|\|\||[-+~*/=|^&!<>]"
_PIECE = re.compile(
    rf"""(?P<space>\s+) | (?P<string>{STRING}) | (?P<character>{CHARACTER}) | (?P<comma>,)
    | (?P<open>[(\[]) | (?P<close>[)\]]) | (?P<operator>{_OPERATORS}) | [^\s"',()\[\]\-+~*/=|^&!<>]+ | .""",
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"[\w.$\"']")
_ANGLE = re.compile(r"<((?:[^<>!]|!.)*)>", re.DOTALL)


def split(
    text: str, column: int, *, most: int = 0, evaluate: Evaluate | None = None, words: bool = False
) -> list[Argument]:
    """The arguments of a text that begins at a column, as they are written.

    Arguments are separated by commas, except in parentheses, and by blanks, except beside an operator, in parentheses
    or in brackets. If `most` isn't 0, the last of so many arguments is all remaining text. `evaluate` is given in the
    alternate syntax, in which `<...>` quotes text and `%` comes before an expression to be evaluated. With `words`
    blanks separate only two words, as in GNU as: `x0, lsl #3` is two arguments.

    Raises:
        SyntaxFailure: an expression can't be read.
    """
    arguments: list[Argument] = []
    position = _skip(text, 0)
    while position < len(text):
        if most and len(arguments) == most - 1:
            arguments.append(Argument(text[position:].rstrip(), column + position))
            return arguments
        start = position
        if evaluate is not None and text[position] in "<%":
            value, position = _alternate(text, position, column, evaluate)
        else:
            value, position = _plain(text, position, words=words)
        arguments.append(Argument(value, column + start))
        position = _skip(text, position)
        if position < len(text) and text[position] == ",":
            position = _skip(text, position + 1)
            if position == len(text):
                arguments.append(Argument("", column + position))
    return arguments


def split_at_commas(text: str, column: int) -> list[Argument]:
    """Apple's positional arguments, separated by commas outside of parentheses, without their blanks."""
    arguments: list[Argument] = []
    current: list[str] = []
    depth = start = 0
    for match in _PIECE.finditer(text):
        if match["comma"] and not depth:
            arguments.append(Argument("".join(current), column + start))
            current, start = [], match.end()
            continue
        depth += (match[0] == "(") - (match[0] == ")")
        if not match["space"]:
            current.append(match[0])
    if text.strip():
        arguments.append(Argument("".join(current), column + start))
    return arguments


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _plain(text: str, position: int, *, words: bool = False) -> tuple[str, int]:
    """The argument that begins at a position, and its end."""
    parts: list[str] = []
    nesting: list[str] = []
    after_operator = False
    while position < len(text):
        match = _PIECE.match(text, position)
        assert match is not None
        kind = match.lastgroup
        if kind == "comma" and "(" not in nesting:
            break
        if kind == "space":
            following = _PIECE.match(text, match.end())
            beside = after_operator or (following is not None and following.lastgroup == "operator")
            if words and parts and following is not None:
                beside = beside or not (_WORD.match(parts[-1][-1]) and _WORD.match(following[0]))
            if not nesting and parts and not beside:
                break
            if nesting and not beside:
                parts.append(match[0])
            position = match.end()
            continue
        if kind == "open":
            nesting.append(match[0])
        elif kind == "close" and nesting:
            nesting.pop()
        after_operator = kind == "operator"
        parts.append(match[0])
        position = match.end()
    return "".join(parts).strip(), position


def _alternate(text: str, position: int, column: int, evaluate: Evaluate) -> tuple[str, int]:
    if text[position] == "%":
        _, end = _plain(text, position + 1)
        return str(evaluate(text[position + 1 : end], column + position + 1)), end
    match = _ANGLE.match(text, position)
    if match is None:
        raise SyntaxFailure("expected '>' after this '<'", column + position)
    return re.sub(r"!(.)", r"\1", match[1], flags=re.DOTALL), match.end()


def unquoted(text: str) -> str:
    """The argument without its quotes, if it is one string."""
    return text[1:-1] if re.fullmatch(STRING, text) else text


_PARAMETER = re.compile(r"\s*,?\s*([A-Za-z_.$][\w.$]*)\s*(?::\s*(\w+))?\s*(=)?", re.ASCII)
_QUALIFIER = re.compile(r"\s*:\s*(\w+)")


def parameters_of(text: str, column: int) -> list[Parameter]:
    """The parameters in a definition: `name`, `name=default`, `name:req`, `name:vararg`.

    Raises:
        SyntaxFailure: they can't be read.
    """
    parameters: list[Parameter] = []
    position = 0
    while text[position:].strip(" \t,"):
        match = _PARAMETER.match(text, position)
        at = column + position + len(text[position:]) - len(text[position:].lstrip(" \t,"))
        if match is None:
            raise SyntaxFailure("expected the name of a parameter", at)
        name, qualifier, default = match[1], match[2], ""
        position = match.end()
        if match[3]:
            start = _skip(text, position)
            default, position = _default(text, start)
            later = _QUALIFIER.match(text, position)
            if later is not None:
                qualifier, position = later[1], later.end()
        if qualifier not in (None, "req", "vararg"):
            raise SyntaxFailure(f"{qualifier!r} is no kind of parameter: expected req or vararg", at)
        if any(other.name == name for other in parameters):
            raise SyntaxFailure(f"there are two parameters named {name!r}", at)
        if parameters and parameters[-1].rest:
            raise SyntaxFailure(f"the parameter {parameters[-1].name!r} takes all that is left: expected no other", at)
        parameters.append(Parameter(name, default, qualifier == "req", qualifier == "vararg"))
    return parameters


def _default(text: str, start: int) -> tuple[str, int]:
    if text[start : start + 1] == "<" and (match := _ANGLE.match(text, start)) is not None:
        return match[1], match.end()
    # A qualifier may follow.
    colon = re.compile(r":\s*(?:req|vararg)\b").search(text, start)
    end_of_value = colon.start() if colon is not None else len(text)
    value, end = _plain(text[:end_of_value], start)
    return unquoted(value), end
