"""Syntax templates: compiled, matched against tokens, and printed.

A template is the mnemonic and its operands: `<name>` is an operand, `{...}` may be left out when every operand in it
has its default value, everything else is literal. `<Wd>`, `<Xn|SP>` and their like stand for a general register in the
field `Rd`, `Rn` ...; any other name is looked up among the instruction's operands. `operands.simd` has the syntax of
SIMD&FP registers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from .operands import Context, GeneralRegister, Operand, Places
from .operands.simd import SIMD_TEMPLATE, ScalarRegister, simd_operand
from .syntax import Cursor, Mismatch

__all__ = [
    "Element",
    "Optional",
    "Parsed",
    "Printer",
    "compiled",
    "decoded",
    "match_tokens",
    "mnemonic_of",
    "operands_of",
    "printer_of",
    "written",
]

Printer: TypeAlias = Callable[[int, Context], str]
"""The text of a word's operands."""


class Optional(NamedTuple):
    """A part of a template that may be left out."""

    elements: tuple[Element, ...]
    operands: tuple[Operand, ...]


Element: TypeAlias = "str | Operand | Optional"


class Parsed(NamedTuple):
    """An operand's value as it was written, and the column it stands at (0: left out, or a builder call)."""

    operand: Operand
    value: Any
    column: int


def mnemonic_of(syntax: str) -> str:
    """The mnemonic of a template, in lower case."""
    return syntax.partition(" ")[0].partition("{")[0].lower()


_TEMPLATE_TOKEN = re.compile(rf"({SIMD_TEMPLATE})|<([^>]+)>|([{{}}])|([A-Za-z_][\w.]*)|(\s+)|(.)")
_REGISTER_NAME = re.compile(r"([WXBHSDQ])([a-z]\d?)(\|W?SP)?")
_FIELD_OF = {"d": "Rd", "n": "Rn", "m": "Rm", "a": "Ra", "s": "Rs", "t": "Rt", "t1": "Rt", "t2": "Rt2"}


def _operand(name: str, operands: Mapping[str, Operand], widths: Mapping[str, int]) -> Operand:
    operand = operands.get(name)
    if operand is None:
        match = _REGISTER_NAME.fullmatch(name)
        if match is None or match[2] not in _FIELD_OF:
            raise ValueError(f"no operand <{name}>")
        kind, field = match[1].lower(), _FIELD_OF[match[2]]
        operand = GeneralRegister(kind, field, sp=bool(match[3])) if kind in "wx" else ScalarRegister(kind, field)
    return operand.bind(widths)


def compiled(template: str, operands: Mapping[str, Operand], widths: Mapping[str, int]) -> tuple[Element, ...]:
    """A template after its mnemonic; `widths` are those of the pattern's fields.

    Raises:
        ValueError: it names no operand, or its braces don't match.
    """
    elements, _ = _compile(template, 0, operands, widths, nested=False)
    return elements


def _compile(
    template: str, start: int, operands: Mapping[str, Operand], widths: Mapping[str, int], *, nested: bool
) -> tuple[tuple[Element, ...], int]:
    elements: list[Element] = []
    position = start
    while position < len(template):
        match = _TEMPLATE_TOKEN.match(template, position)
        assert match is not None
        position = match.end()
        simd, name, brace, word, space, other = match.groups()
        if simd:
            elements.append(simd_operand(simd, operands).bind(widths))
        elif name:
            elements.append(_operand(name, operands, widths))
        elif brace == "{":
            inner, position = _compile(template, position, operands, widths, nested=True)
            elements.append(Optional(inner, tuple(operands_of(inner))))
        elif brace == "}":
            if nested:
                return tuple(elements), position
            raise ValueError(f"unbalanced brace in {template!r}")
        elif space:
            elements.append(" ")
        else:
            elements.append((word or other).lower())
    if nested:
        raise ValueError(f"unbalanced brace in {template!r}")
    return tuple(elements), position


def operands_of(elements: tuple[Element, ...]) -> Iterator[Operand]:
    """The operands, with those of parts that may be left out."""
    for element in elements:
        if isinstance(element, Optional):
            yield from element.operands
        elif isinstance(element, Operand):
            yield element


def match_tokens(elements: tuple[Element, ...], cursor: Cursor, values: list[Parsed]) -> None:
    """Append to `values` what stands at the cursor. Raises Mismatch."""
    for number, element in enumerate(elements, 1):
        if isinstance(element, str):
            # A hash is optional before every immediate: the operand takes it. Spaces are for printing.
            if element not in ("#", " "):
                cursor.expect(element)
        elif isinstance(element, Optional):
            start, count = cursor.position, len(values)
            try:
                match_tokens(element.elements, cursor, values)
            except Mismatch as mismatch:
                last = not any(isinstance(later, Optional) for later in elements[number:])
                if mismatch.position > start + (not last):
                    # The text began like the optional part, so the mistake is inside it.
                    raise
                # Its traceback would keep the callers' variables, and the cursor.
                cursor.position, cursor.skipped = start, mismatch.with_traceback(None)
                del values[count:]
                values.extend(Parsed(operand, operand.default, 0) for operand in element.operands)
        else:
            column = cursor.token.column
            values.append(Parsed(element, element.parse(cursor), column))


def printer_of(elements: tuple[Element, ...], places: Places) -> Printer:
    """A function that prints a word's operands, made once for a form."""
    template = ""
    printers: list[Printer] = []
    for element in elements:
        if isinstance(element, str):
            template += element.replace("%", "%%")
            continue
        template += "%s"
        printers.append(
            _optional_printer(element, places) if isinstance(element, Optional) else element.printer(places)
        )
    match printers:
        case []:
            return lambda word, context: template
        case [one]:
            return lambda word, context: template % one(word, context)
        case [one, two]:
            return lambda word, context: template % (one(word, context), two(word, context))
        case [one, two, three]:
            return lambda word, context: template % (one(word, context), two(word, context), three(word, context))
        case _:
            return lambda word, context: template % tuple([printer(word, context) for printer in printers])


def decoded(operand: Operand, places: Places, word: int) -> Any:
    """The value of an operand of a word."""
    return operand.decode({name: word >> low & mask for name in operand.fields for low, mask in (places[name],)})


def written(elements: Sequence[Element], places: Places, word: int) -> Iterator[str | tuple[Operand, Any]]:
    """The text of a word after the mnemonic: punctuation, and operands with their values."""
    for element in elements:
        if isinstance(element, Optional):
            mask, value = _left_out(element, places)
            if word & mask != value:
                yield from written(element.elements, places, word)
        elif isinstance(element, Operand):
            yield element, decoded(element, places, word)
        elif element != " ":
            yield element


def _left_out(optional: Optional, places: Places) -> tuple[int, int]:
    """The mask and value of the words in which the part isn't printed."""
    mask = value = 0
    for operand in optional.operands:
        for name, bits in operand.encode(operand.default).items():
            low, ones = places[name]
            mask |= ones << low
            value |= bits << low
    return mask, value


def _optional_printer(optional: Optional, places: Places) -> Printer:
    mask, value = _left_out(optional, places)
    printer = printer_of(optional.elements, places)
    return lambda word, context: "" if word & mask == value else printer(word, context)
