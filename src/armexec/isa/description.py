"""The decorator that describes an instruction: its bits, its syntax and its meaning in one place.

    @instruction("sf op=0 S=0 100010 sh imm12:12 Rn:5 Rd:5",
        ("ADD_32_addsub_imm", "sf=0", "add <Wd|WSP>, <Wn|WSP>, <imm>"),
        ("ADD_64_addsub_imm", "sf=1", "add <Xd|SP>, <Xn|SP>, <imm>"),
        operands={"imm": AddSubImmediate()})
    def ADD_addsub_imm(m, sf, sh, imm12, Rn, Rd):
        ...

A syntax template is the mnemonic and its operands: `<name>` is an operand, `{...}` may be left out when every operand
in it has its default value, everything else is literal. `<Wd>`, `<Xn|SP>` and their like stand for a general register
in the field `Rd`, `Rn` ...; any other name is looked up in `operands`. `operands.simd` has the syntax of SIMD&FP
registers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .operands import Context, Fields, GeneralRegister, Label, Operand, Places
from .operands.simd import SIMD_TEMPLATE, ScalarRegister, simd_operand
from .pattern import Constraint, Pattern, parse_constraints, parse_pattern
from .syntax import Cursor, Mismatch, OperandError

if TYPE_CHECKING:
    from .effects import Effects

__all__ = ["REGISTERED", "Alias", "Form", "Instruction", "Parsed", "instruction"]

Semantics: TypeAlias = Callable[..., None]
Preference: TypeAlias = "Callable[[Fields], bool] | bool"
Printer: TypeAlias = Callable[[int, Context], str]
FormText: TypeAlias = tuple[str, str, str] | tuple[str, str, str, str]
"""(Arm's encoding name, constraints, syntax) and, where it isn't the instruction's, the feature it needs."""

_NONE: Mapping[str, Operand] = {}
_SPREAD = 0x9E37_79B9
"""An odd number whose multiples have all kinds of bits (the golden ratio's, as in hashes)."""


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
        elements, _ = _compile(rest, 0, self._operands, widths, nested=False)
        return elements

    @cached_property
    def operands(self) -> tuple[Operand, ...]:
        return tuple(_operands(self.elements))

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
        _match(self.elements, cursor, values)
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
        yield from _written(self.elements, self.instruction.places, word)

    @cached_property
    def _printer(self) -> Printer:
        elements = self.elements
        match elements:
            case [Optional() as optional]:
                # The space is left out together with the operands.
                elements = (optional._replace(elements=(" ", *optional.elements)),)
            case [_, *_]:
                elements = (" ", *elements)
        return _printer((self.mnemonic, *elements), self.instruction.places)


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

    @cached_property
    def ends_block(self) -> bool:
        """Whether it can end a basic block.

        For some fields it branches, calls, returns, raises an exception, or accesses a system register: a write of FPCR
        may change how the code behind it is to be translated.
        """
        effects = (self.effects(self.fields(word)) for word in self._examples())
        return any(found.control or found.system for found in effects)

    def _examples(self) -> Iterator[int]:
        """A few words of each of its forms and aliases."""
        for form in (*self.forms, *self.aliases):
            free = ~form.mask & 0xFFFF_FFFF
            words = (form.value | bits for bits in (0, free, *(n * _SPREAD & free for n in range(1, 64))))
            yield from islice((w for w in words if form.matches(w) and not self.is_undefined(w)), 4)

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
    for number, element in enumerate(elements, 1):
        if isinstance(element, str):
            # A hash is optional before every immediate: the operand takes it. Spaces are for printing.
            if element not in ("#", " "):
                cursor.expect(element)
        elif isinstance(element, Optional):
            start, count = cursor.position, len(values)
            try:
                _match(element.elements, cursor, values)
            except Mismatch as mismatch:
                last = not any(isinstance(later, Optional) for later in elements[number:])
                if mismatch.position > start + (not last):
                    # The text began like the optional part, so the mistake is inside it.
                    raise
                cursor.position, cursor.skipped = start, mismatch
                del values[count:]
                values.extend(Parsed(operand, operand.default, 0) for operand in element.operands)
        else:
            column = cursor.token.column
            values.append(Parsed(element, element.parse(cursor), column))


def _printer(elements: tuple[Element, ...], places: Places) -> Printer:
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


def _written(elements: Sequence[Element], places: Places, word: int) -> Iterator[str | tuple[Operand, Any]]:
    for element in elements:
        if isinstance(element, Optional):
            mask, value = _left_out(element, places)
            if word & mask != value:
                yield from _written(element.elements, places, word)
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
    printer = _printer(optional.elements, places)
    return lambda word, context: "" if word & mask == value else printer(word, context)


def _conflict(operand: Operand, value: Any) -> str:
    shown = getattr(value, "name", value)
    return f"operand {shown} doesn't agree with the others"
