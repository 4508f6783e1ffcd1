"""The decorator that describes an instruction: its bits, its syntax and its meaning in one place.

    @instruction("sf op=0 S=0 100010 sh imm12:12 Rn:5 Rd:5",
        ("ADD_32_addsub_imm", "sf=0", "add <Wd|WSP>, <Wn|WSP>, <imm>"),
        ("ADD_64_addsub_imm", "sf=1", "add <Xd|SP>, <Xn|SP>, <imm>"),
        operands={"imm": AddSubImmediate()})
    def ADD_addsub_imm(m, sf, sh, imm12, Rn, Rd):
        ...

A syntax template is the mnemonic and its operands: `<name>` is an operand, `{...}` may be left out when every operand in it
has its default value, everything else is literal. `<Wd>`, `<Xn|SP>` and their like stand for a general register in the field
`Rd`, `Rn` ...; any other name is looked up in `operands`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from .operands import Context, Fields, GeneralRegister, Operand
from .pattern import Constraint, Pattern, parse_constraints, parse_pattern
from .syntax import Cursor, Mismatch, OperandError

__all__ = ["INSTRUCTIONS", "Alias", "Form", "Instruction", "Parsed", "instruction"]

Semantics: TypeAlias = Callable[..., None]


@dataclass(frozen=True)
class Alias:
    """Another way to write some words of an instruction.

    `constraints` narrow the instruction's pattern; `preferred` says of the fields whether the disassembler prints it so
    (always, when None; never, when False). Aliases are tried in the order given, when assembling and when printing.
    """

    name: str
    constraints: str
    syntax: str
    operands: Mapping[str, Operand] = field(default_factory=dict)
    preferred: Callable[[Fields], bool] | bool = True
    feature: str = ""


@dataclass(frozen=True)
class Optional:
    """A part of a template that may be left out."""

    elements: tuple[Element, ...]
    operands: tuple[Operand, ...]


Element: TypeAlias = "str | Operand | Optional"


class Parsed(NamedTuple):
    """An operand's value as it was written, and the column it stands at (0: left out, or a builder call)."""

    operand: Operand
    value: Any
    column: int


class Form:
    """One encoding, or one alias of it: a narrowed pattern and a syntax."""

    def __init__(
        self,
        instruction: Instruction,
        name: str,
        constraints: str,
        syntax: str,
        operands: Mapping[str, Operand],
        *,
        feature: str,
        preferred: Callable[[Fields], bool] | bool = True,
        is_alias: bool = False,
    ) -> None:
        self.instruction = instruction
        self.name = name
        self.syntax = syntax
        self.feature = feature
        self.preferred = preferred
        self.is_alias = is_alias
        self._operands = operands
        self.mask, self.value = instruction.pattern.mask, instruction.pattern.value
        excluded: list[Constraint] = []
        for constraint in parse_constraints(constraints, instruction.pattern.fields):
            if constraint.equal:
                clash = self.mask & constraint.mask & (self.value ^ constraint.value)
                if clash:
                    raise ValueError(f"{name}: {constraints!r} contradicts the pattern")
                self.mask |= constraint.mask
                self.value |= constraint.value
            else:
                excluded.append(constraint)
        self.excluded = tuple((c.mask, c.value) for c in excluded)
        self.mnemonic = re.split(r"[ {]", syntax, maxsplit=1)[0].lower()

    def __repr__(self) -> str:
        return f"<{self.name}: {self.syntax}>"

    def matches(self, word: int) -> bool:
        return word & self.mask == self.value and not any(word & mask == value for mask, value in self.excluded)

    @cached_property
    def elements(self) -> tuple[Element, ...]:
        """The template after the mnemonic, compiled."""
        widths = {f.name: f.width for f in self.instruction.pattern.fields if f.name}
        rest = self.syntax[len(self.mnemonic) :].strip()
        elements, _ = _compile(rest, 0, self._operands, widths, nested=False)
        return elements

    @cached_property
    def operands(self) -> tuple[Operand, ...]:
        return tuple(_operands(self.elements))

    def parse(self, cursor: Cursor) -> list[Parsed]:
        """The operands' values from the whole of the cursor's tokens, with the columns they stand at.

        Raises:
            Mismatch: the tokens don't have this form.
        """
        values: list[Parsed] = []
        _match(self.elements, cursor, values)
        if cursor.position < len(cursor.tokens):
            raise cursor.fail("end of line")
        return values

    def encode(self, values: Sequence[Parsed]) -> int:
        """The word of these operand values.

        Raises:
            OperandError: a value has no encoding in this form.
        """
        word = self.value
        fixed = self.mask
        places = self.instruction.places
        for operand, value, column in values:
            try:
                encoded = operand.encode(value)
            except OperandError as error:
                error.column = column
                raise
            for name, bits in encoded.items():
                low, mask = places[name]
                if (word >> low ^ bits) & (fixed >> low & mask):
                    raise OperandError(_conflict(operand, value), column)
                word |= bits << low
                fixed |= mask << low
        if any(word & mask == value for mask, value in self.excluded) or self.instruction.is_undefined(word):
            raise OperandError(f"these operands have no encoding in `{self.syntax}`")
        return word

    def text(self, fields: Fields, context: Context) -> str:
        """The instruction in assembly."""
        operands = "".join(_render(self.elements, fields, context))
        return f"{self.mnemonic} {operands}" if operands else self.mnemonic


class Instruction:
    """An instruction's diagram, meaning and forms."""

    def __init__(
        self,
        pattern: Pattern,
        semantics: Semantics,
        *,
        privileged: bool,
        undefined: Callable[[Fields], bool] | None,
    ) -> None:
        self.pattern = pattern
        self.semantics = semantics
        self.name = semantics.__name__
        self.summary = inspect.getdoc(semantics) or ""
        self.privileged = privileged
        self._undefined = undefined
        self.forms: list[Form] = []
        self.aliases: list[Form] = []
        self.places = {f.name: (f.low, (1 << f.width) - 1) for f in pattern.fields if f.name}
        self._free = tuple((f.name, f.low, (1 << f.width) - 1) for f in pattern.free)

    def __repr__(self) -> str:
        return f"<Instruction {self.name}>"

    def fields(self, word: int) -> dict[str, int]:
        """The free fields of a word, in the order of the semantic function's parameters."""
        return {name: word >> low & mask for name, low, mask in self._free}

    def is_undefined(self, word: int) -> bool:
        """Whether the manual says UNDEFINED for these fields, beyond what the pattern says."""
        return self._undefined is not None and self._undefined(self.fields(word))

    def printed_form(self, form: Form, word: int, fields: Fields) -> Form:
        """The alias that the disassembler prefers for this word, or the form itself."""
        for alias in self.aliases:
            if word & alias.mask == alias.value and alias.matches(word):
                preferred = alias.preferred
                if preferred is True or (preferred is not False and preferred(fields)):
                    return alias
        return form


INSTRUCTIONS: list[Instruction] = []
"""Every instruction described, in the order of the files."""


def instruction(
    pattern: str,
    *forms: tuple[str, str, str],
    operands: Mapping[str, Operand] | None = None,
    aliases: Sequence[Alias] = (),
    feature: str = "",
    privileged: bool = False,
    undefined: Callable[[Fields], bool] | None = None,
) -> Callable[[Semantics], Semantics]:
    """Describe an instruction; see the module.

    Args:
        pattern: the bits (`isa.pattern`).
        forms: (Arm's encoding name, constraints, syntax) of each encoding.
        operands: the operands named in the syntaxes.
        aliases: in order of preference.
        feature: the architecture feature that all forms need (`FEAT_LSE`), or empty.
        privileged: UNDEFINED at EL0; the semantic function says so to the machine.
        undefined: of the fields, whether the word is UNDEFINED where constraints can't say it.

    Raises:
        ValueError: the pattern isn't 32 bits, or the function's parameters aren't `m` and the free fields in order.
    """

    def register(semantics: Semantics) -> Semantics:
        described = Instruction(parse_pattern(pattern), semantics, privileged=privileged, undefined=undefined)
        parameters = list(inspect.signature(semantics).parameters)
        expected = ["m", *(f.name for f in described.pattern.free)]
        if parameters != expected:
            raise ValueError(f"{semantics.__name__}: parameters {parameters} are not {expected}")
        shared = operands or {}
        for name, constraints, syntax in forms:
            described.forms.append(Form(described, name, constraints, syntax, shared, feature=feature))
        for alias in aliases:
            described.aliases.append(
                Form(
                    described,
                    alias.name,
                    alias.constraints,
                    alias.syntax,
                    {**shared, **alias.operands},
                    feature=alias.feature or feature,
                    preferred=alias.preferred,
                    is_alias=True,
                )
            )
        INSTRUCTIONS.append(described)
        return semantics

    return register


_TEMPLATE_TOKEN = re.compile(r"<([^>]+)>|([{}])|([A-Za-z_][\w.]*)|(\s+)|(.)")
_REGISTER_NAME = re.compile(r"([WX])([a-z]\d?)(\|W?SP)?")
_FIELD_OF = {"d": "Rd", "n": "Rn", "m": "Rm", "a": "Ra", "s": "Rs", "t": "Rt", "t1": "Rt", "t2": "Rt2"}


def _operand(name: str, operands: Mapping[str, Operand], widths: Mapping[str, int]) -> Operand:
    operand = operands.get(name)
    if operand is None:
        match = _REGISTER_NAME.fullmatch(name)
        if match is None or match[2] not in _FIELD_OF:
            raise ValueError(f"no operand <{name}>")
        operand = GeneralRegister(match[1].lower(), _FIELD_OF[match[2]], sp=bool(match[3]))
    return operand.bind(widths)


def _compile(
    template: str, start: int, operands: Mapping[str, Operand], widths: Mapping[str, int], *, nested: bool
) -> tuple[tuple[Element, ...], int]:
    elements: list[Element] = []
    position = start
    while position < len(template):
        match = _TEMPLATE_TOKEN.match(template, position)
        assert match is not None
        position = match.end()
        name, brace, word, space, other = match.groups()
        if name:
            elements.append(_operand(name, operands, widths))
        elif brace == "{":
            inner, position = _compile(template, position, operands, widths, nested=True)
            elements.append(Optional(inner, tuple(_operands(inner))))
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


def _operands(elements: tuple[Element, ...]) -> Iterator[Operand]:
    for element in elements:
        if isinstance(element, Optional):
            yield from element.operands
        elif isinstance(element, Operand):
            yield element


def _match(elements: tuple[Element, ...], cursor: Cursor, values: list[Parsed]) -> None:
    for element in elements:
        if isinstance(element, str):
            # A hash is optional before every immediate: the operand takes it. Spaces are for printing.
            if element not in "# ":
                cursor.expect(element)
        elif isinstance(element, Optional):
            start, count = cursor.position, len(values)
            try:
                _match(element.elements, cursor, values)
            except Mismatch as mismatch:
                if mismatch.position > start + 1:
                    # It began like the optional part: what is wrong is inside it.
                    raise
                cursor.position = start
                del values[count:]
                values.extend(Parsed(operand, operand.default, 0) for operand in element.operands)
        else:
            column = cursor.token.column
            values.append(Parsed(element, element.parse(cursor), column))


def _render(elements: tuple[Element, ...], fields: Fields, context: Context) -> Iterator[str]:
    for element in elements:
        if isinstance(element, str):
            yield element
        elif isinstance(element, Optional):
            if any(operand.decode(fields) != operand.default for operand in element.operands):
                yield from _render(element.elements, fields, context)
        else:
            yield element.text(element.decode(fields), context)


def _conflict(operand: Operand, value: Any) -> str:
    shown = getattr(value, "name", value)
    return f"operand {shown} doesn't agree with the others"
