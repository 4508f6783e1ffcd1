"""The decorator that describes an instruction: its bits, its syntax and its meaning in one place.

    @instruction("sf op=0 S=0 100010 sh imm12:12 Rn:5 Rd:5",
        ("ADD_32_addsub_imm", "sf=0", "add <Wd|WSP>, <Wn|WSP>, <imm>"),
        ("ADD_64_addsub_imm", "sf=1", "add <Xd|SP>, <Xn|SP>, <imm>"),
        operands={"imm": AddSubImmediate()})
    def ADD_addsub_imm(m, sf, sh, imm12, Rn, Rd):
        ...

The syntax is a template (`isa.template`), whose operands are looked up in `operands`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .operands import Context, Fields, Label, Operand, Places
from .pattern import Constraint, Pattern, parse_constraints, parse_pattern
from .syntax import Cursor, OperandError
from .template import (
    Element,
    Optional,
    Parsed,
    Printer,
    compiled,
    match_tokens,
    mnemonic_of,
    operands_of,
    printer_of,
    written,
)

if TYPE_CHECKING:
    from .effects import Effects

__all__ = ["REGISTERED", "Alias", "Form", "Instruction", "instruction"]

Semantics: TypeAlias = Callable[..., None]
Preference: TypeAlias = "Callable[[Fields], bool] | bool"
FormText: TypeAlias = tuple[str, str, str] | tuple[str, str, str, str]
"""(Arm's encoding name, constraints, syntax) and, where it isn't the instruction's, the feature it needs."""

_NONE: Mapping[str, Operand] = {}


class Alias(NamedTuple):
    """Another way to write some words of an instruction.

    `constraints` narrow the instruction's pattern; `preferred` tells from the fields whether the disassembler prints it
    (True: always; False: never). Aliases are tried in the order given, when assembling and when printing.
    """

    name: str
    constraints: str
    syntax: str
    operands: Mapping[str, Operand] = _NONE
    preferred: Preference = True
    feature: str = ""


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
        preferred: Preference = True,
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
        for constraint in parse_constraints(constraints, instruction.pattern.fields) if constraints else ():
            if constraint.equal:
                clash = self.mask & constraint.mask & (self.value ^ constraint.value)
                if clash:
                    raise ValueError(f"{name}: {constraints!r} contradicts the pattern")
                self.mask |= constraint.mask
                self.value |= constraint.value
            else:
                excluded.append(constraint)
        self.excluded = tuple((c.mask, c.value) for c in excluded)
        self.mnemonic = mnemonic_of(syntax)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.syntax}>"

    def matches(self, word: int) -> bool:
        """Whether the word has this form's bits; it may still be UNDEFINED (`Instruction.is_undefined`)."""
        return word & self.mask == self.value and not any(word & mask == value for mask, value in self.excluded)

    @cached_property
    def elements(self) -> tuple[Element, ...]:
        """The template after the mnemonic, compiled."""
        widths = {f.name: f.width for f in self.instruction.pattern.fields if f.name}
        rest = self.syntax[len(self.mnemonic) :].strip()
        return compiled(rest, self._operands, widths)

    @cached_property
    def operands(self) -> tuple[Operand, ...]:
        return tuple(operands_of(self.elements))

    @cached_property
    def label(self) -> Label | None:
        """The operand that is an address counted from the pc, if there is one."""
        return next((operand for operand in self.operands if isinstance(operand, Label)), None)

    def parse(self, cursor: Cursor) -> list[Parsed]:
        """The operands' values from the whole of the cursor's tokens, with the columns they stand at.

        Raises:
            Mismatch: the tokens don't have this form.
        """
        values: list[Parsed] = []
        match_tokens(self.elements, cursor, values)
        if cursor.position < len(cursor.tokens):
            skipped = cursor.skipped
            if skipped is not None and skipped.position == cursor.position:
                raise cursor.fail(f"{skipped.expected} or the end of the line")
            raise cursor.fail("the end of the line")
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
                if operand.dependent:
                    encoded = operand.encode_after(value, self.instruction.fields(word))
                else:
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

    def text(self, word: int, context: Context) -> str:
        """The instruction in assembly; the word must have this form."""
        return self._printer(word, context)

    def written(self, word: int) -> Iterator[str | tuple[Operand, Any]]:
        """The text of a word: mnemonics and punctuation, and operands with their values."""
        yield from written(self.elements, self.instruction.places, word)

    @cached_property
    def _printer(self) -> Printer:
        elements = self.elements
        match elements:
            case [Optional() as optional]:
                # The space is left out together with the operands.
                elements = (optional._replace(elements=(" ", *optional.elements)),)
            case [_, *_]:
                elements = (" ", *elements)
        return printer_of((self.mnemonic, *elements), self.instruction.places)


class _Places(dict[str, tuple[int, int]]):
    """The places of fields, and of parts of them: `immh/1110`."""

    def __missing__(self, key: str) -> tuple[int, int]:
        name, _, mask = key.partition("/")
        self[key] = place = self[name][0], int(mask, 2)
        return place


class Instruction:
    """An instruction's diagram, meaning and forms."""

    def __init__(
        self,
        pattern: Pattern,
        semantics: Semantics,
        forms: Sequence[FormText],
        aliases: Sequence[Alias],
        operands: Mapping[str, Operand],
        *,
        feature: str,
        privileged: bool,
        undefined: Callable[[Fields], bool] | None,
    ) -> None:
        self.pattern = pattern
        self.semantics = semantics
        self.name = semantics.__name__
        self.privileged = privileged
        self.undefined = undefined
        self._forms = forms
        self._aliases = aliases
        self.operands = operands
        self._feature = feature

    def __repr__(self) -> str:
        return f"<Instruction {self.name}>"

    @property
    def summary(self) -> str:
        """The semantic function's docstring, which says what the instruction does."""
        return (self.semantics.__doc__ or "").strip()

    # These are made when they are first used: most programs use few of the instructions.

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """Its encodings."""
        return tuple(
            Form(self, name, constraints, syntax, self.operands, feature=feature[0] if feature else self._feature)
            for name, constraints, syntax, *feature in self._forms
        )

    @cached_property
    def aliases(self) -> tuple[Form, ...]:
        """Its aliases, in order of preference."""
        return tuple(
            Form(
                self,
                alias.name,
                alias.constraints,
                alias.syntax,
                {**self.operands, **alias.operands},
                feature=alias.feature or self._feature,
                preferred=alias.preferred,
                is_alias=True,
            )
            for alias in self._aliases
        )

    @property
    def mnemonics(self) -> set[str]:
        """The mnemonics of its forms and aliases."""
        return {mnemonic_of(form[2]) for form in self._forms} | {mnemonic_of(a.syntax) for a in self._aliases}

    @cached_property
    def places(self) -> Places:
        """The lowest bit and the mask of every named field."""
        return _Places({f.name: (f.low, (1 << f.width) - 1) for f in self.pattern.fields if f.name})

    @cached_property
    def _free(self) -> tuple[tuple[str, int, int], ...]:
        return tuple((f.name, f.low, (1 << f.width) - 1) for f in self.pattern.free)

    def fields(self, word: int) -> dict[str, int]:
        """The free fields of a word, in the order of the semantic function's parameters."""
        return {name: word >> low & mask for name, low, mask in self._free}

    def effects(self, fields: Mapping[str, int]) -> Effects:
        """Its effects with these values of its free fields, which are in their order."""
        from .effects import effects_of  # dataclasses take long to import, and assemblers need none of this

        return effects_of(self.semantics, tuple(fields.values()))

    @property
    def can_be_undefined(self) -> bool:
        """Whether `is_undefined` has to be asked."""
        return self.undefined is not None

    def is_undefined(self, word: int) -> bool:
        """Whether the manual says UNDEFINED for these fields, beyond what the pattern says."""
        return self.undefined is not None and self.undefined(self.fields(word))

    def printed_form(self, form: Form, word: int) -> Form:
        """The alias that the disassembler prefers for this word, or the form itself."""
        for alias in self.aliases:
            if word & alias.mask == alias.value and alias.matches(word):
                preferred = alias.preferred
                if preferred is True or (preferred is not False and preferred(self.fields(word))):
                    return alias
        return form


REGISTERED: dict[str, list[Instruction]] = {}
"""The instructions described so far, by the module that describes them, in the order of its text."""


def instruction(
    pattern: str,
    *forms: FormText,
    operands: Mapping[str, Operand] | None = None,
    aliases: Sequence[Alias] = (),
    feature: str = "",
    privileged: bool = False,
    undefined: Callable[[Fields], bool] | None = None,
) -> Callable[[Semantics], Semantics]:
    """Describe an instruction; see the module.

    Args:
        pattern: the bits (`isa.pattern`).
        forms: (Arm's encoding name, constraints, syntax) of each encoding, and its feature if not all have the same.
        operands: the operands named in the syntaxes.
        aliases: in order of preference.
        feature: the architecture feature that forms need (`FEAT_LSE`) unless they say another, or empty.
        privileged: UNDEFINED at EL0; the semantic function says so to the machine.
        undefined: of the fields, whether the word is UNDEFINED where constraints can't say it.

    Raises:
        ValueError: the pattern isn't 32 bits, or the function's parameters aren't `m` and the free fields in order.
    """

    def register(semantics: Semantics) -> Semantics:
        described = Instruction(
            parse_pattern(pattern),
            semantics,
            forms,
            aliases,
            operands or {},
            feature=feature,
            privileged=privileged,
            undefined=undefined,
        )
        code = semantics.__code__
        parameters = code.co_varnames[: code.co_argcount]
        expected = ("m", *(f.name for f in described.pattern.free))
        if parameters != expected:
            raise ValueError(f"{semantics.__name__}: parameters {parameters} are not {expected}")
        REGISTERED.setdefault(semantics.__module__, []).append(described)
        return semantics

    return register


def _conflict(operand: Operand, value: Any) -> str:
    shown = getattr(value, "name", value)
    return f"operand {shown} doesn't agree with the others"
