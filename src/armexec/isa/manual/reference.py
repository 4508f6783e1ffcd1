"""Parts of the reference's pages about an instruction, made from its description."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice, product
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from ..coverage import known_encoding
from ..decode import decode
from ..description import Form, Instruction
from ..operands import Context
from ..operands.simd import Arrangement
from ..pattern import Pattern

__all__ = [
    "Example",
    "Row",
    "arrangements",
    "constants",
    "diagram",
    "examples",
    "meaning",
    "rows",
    "source",
    "undefined_when",
]

_ROOM = __name__.rpartition(".manual.")[0]


# -- The diagram -----------------------------------------------------------------------------------------------------


def diagram(pattern: Pattern) -> str:
    """The 32 bits as Arm draws them: bit numbers, fields, and the names of fixed fields below."""
    numbers, fields, names = [], [], []
    for field in pattern.fields:
        high = field.low + field.width - 1
        content = field.name if field.value is None else " ".join(f"{field.value:0{field.width}b}")
        number = f"{high} {field.low}" if field.width > 1 else str(high)
        below = field.name if field.value is not None else ""
        width = max(len(content), len(number), len(below))
        numbers.append(f"{high}{field.low:>{width - len(str(high))}}" if field.width > 1 else f"{high:^{width}}")
        fields.append(f"{content:^{width}}")
        names.append(f"{below:^{width}}")
    rule = "+" + "+".join("-" * (len(field) + 2) for field in fields) + "+"
    lines = ["  " + "   ".join(numbers), rule, "| " + " | ".join(fields) + " |", rule]
    if any(name.strip() for name in names):
        lines.append("  " + "   ".join(names))
    return "\n".join(line.rstrip() for line in lines)


# -- Encodings and aliases -------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """An encoding or an alias as a table shows it.

    `bits` is how it narrows the pattern (`sf=0 hw=0x`), `printed` when an alias is what the disassembler prints.
    """

    name: str
    bits: str
    syntax: str
    feature: str
    printed: str


def rows(forms: Iterable[Form]) -> list[Row]:
    """A row for each form; forms that differ in nothing but the mnemonic (`b.eq`, `b.ne`) share one."""
    shared: dict[tuple[str, str, str, str], list[Form]] = {}
    for form in forms:
        operands = form.syntax[len(form.mnemonic) :]
        shared.setdefault((form.name, operands, form.feature, _printed(form)), []).append(form)
    return [
        Row(
            name,
            _narrowing(group[0]) if len(group) == 1 else "",
            "|".join(form.mnemonic for form in group) + operands,
            feature,
            printed,
        )
        for (name, operands, feature, printed), group in shared.items()
    ]


def _narrowing(form: Form) -> str:
    pattern = form.instruction.pattern
    parts = [_bits(pattern, form.mask & ~pattern.mask, form.value, "=")]
    parts += [_bits(pattern, mask & ~pattern.mask, value, "!=") for mask, value in form.excluded]
    return " ".join(filter(None, parts))


def _bits(pattern: Pattern, mask: int, value: int, relation: str) -> str:
    """The bits of a mask by field, high to low, where `x` stands for either."""
    return " ".join(
        f"{field.name}{relation}"
        + "".join(
            str(value >> bit & 1) if mask >> bit & 1 else "x"
            for bit in range(field.low + field.width - 1, field.low - 1, -1)
        )
        for field in pattern.free
        if mask >> field.low & (1 << field.width) - 1
    )


def _printed(form: Form) -> str:
    if not form.is_alias:
        return ""
    if isinstance(form.preferred, bool):
        return "always" if form.preferred else "never"
    return f"if {_condition(form.preferred)}"


def _condition(function: Callable[..., bool]) -> str:
    """The condition that a function of the fields asks: its docstring, or its expression."""
    function = getattr(function, "func", function)  # the function of a partial
    documented = inspect.getdoc(function)
    if documented:
        return documented.partition("\n")[0].rstrip(".")
    code = getattr(function, "__code__", None)
    body = _expression(code) if isinstance(code, CodeType) else ""
    return re.sub(r'\b\w+\["(\w+)"\]', r"\1", body)


def _expression(code: CodeType) -> str:
    """The expression that a lambda returns, or a function of one statement, on one line."""
    text = "".join(linecache.getlines(code.co_filename))
    starts = {(line, column) for line, _, column, _ in code.co_positions() if line and column}
    for node in ast.walk(_parsed(code.co_filename)):
        found: ast.expr | None = None
        if isinstance(node, ast.Lambda) and (node.body.lineno, node.body.col_offset) in starts:
            found = node.body
        elif isinstance(node, ast.FunctionDef) and isinstance(node.body[0], ast.Return) and node.name == code.co_name:
            found = node.body[0].value
        if found is not None:
            return " ".join((ast.get_source_segment(text, found) or "").split())
    return ""


@cache
def _parsed(filename: str) -> ast.Module:
    return ast.parse("".join(linecache.getlines(filename)))


def arrangements(instruction: Instruction) -> dict[str, str]:
    """The meanings of arrangements in its syntaxes: `T` is `size:Q  00:0 8b, 00:1 16b`."""
    return {
        name: f"{':'.join(operand.fields)}  " + ", ".join(f"{bits} {text}" for bits, text in operand.table.items())
        for name, operand in instruction.operands.items()
        if isinstance(operand, Arrangement)
        and operand.table
        and any(f"<{name}>" in f.syntax for f in instruction.forms)
    }


# -- Meaning ---------------------------------------------------------------------------------------------------------


def meaning(instruction: Instruction) -> tuple[FunctionType, ...]:
    """The functions that say what an instruction does: its own, and those they call, in the order of first use."""
    found: dict[CodeType, FunctionType] = {}
    waiting: list[Any] = [instruction.semantics]
    while waiting:
        function = waiting.pop(0)
        if not isinstance(function, FunctionType):
            # It may be the cache around a function.
            function = getattr(function, "__wrapped__", None)
        if not isinstance(function, FunctionType) or not function.__code__.co_filename:
            continue
        if function.__code__ in found or not (function.__module__ or "").startswith(f"{_ROOM}."):
            continue
        operation = getattr(function, "__wrapped__", None)
        if isinstance(operation, FunctionType):
            # The operation says more than the frame around it, which is the same for many instructions.
            found.setdefault(operation.__code__, operation)
            waiting += _called(operation)
        found[function.__code__] = function
        waiting += _called(function)
    return tuple(found.values())


def _called(function: FunctionType) -> list[Any]:
    """The objects that a function refers to: names of its module, and of the functions around it."""
    names = list(dict.fromkeys(name for code in _codes(function.__code__) for name in code.co_names))
    called = [function.__globals__[name] for name in names if name in function.__globals__]
    return called + [cell.cell_contents for cell in function.__closure__ or ()]


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def source(function: FunctionType) -> str:
    """The text of a function, without decorators and annotations that say nothing to a reader."""
    text = textwrap.dedent(inspect.getsource(function.__code__)).rstrip()
    start = re.search(r"^def |^lambda", text, re.MULTILINE)
    return text[start.start() :] if start else text


def constants(functions: Iterable[FunctionType]) -> dict[str, str]:
    """The constants that functions refer to, by name, as Python writes them."""
    found: dict[str, str] = {}
    for function in functions:
        names = {name for code in _codes(function.__code__) for name in code.co_names}
        for name in sorted(names & function.__globals__.keys()):
            value = function.__globals__[name]
            if isinstance(value, int) and not isinstance(value, bool):
                found[name] = str(value) if value < 1024 else f"{value:#x}"
            elif isinstance(value, tuple | dict | set | frozenset) and len(text := repr(value)) < 100:
                found[name] = text
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            # Variables of the function around it.
            if isinstance(cell.cell_contents, int | str):
                found[name] = repr(cell.cell_contents)
            elif isinstance(cell.cell_contents, FunctionType) and cell.cell_contents.__code__.co_name != name:
                found[name] = cell.cell_contents.__code__.co_name
    return found


# -- UNDEFINED -------------------------------------------------------------------------------------------------------

_MOST_TRIED_BITS = 14
_MOST_BITS = 10


class _Asked(dict[str, int]):
    """Fields, and which of them were asked for."""

    def __init__(self, fields: dict[str, int], names: set[str]) -> None:
        super().__init__(fields)
        self.names = names

    def __getitem__(self, key: str) -> int:
        self.names.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return super().get(key, default)


def undefined_when(instruction: Instruction) -> str:
    """The condition for words of the pattern to be UNDEFINED: `when size=11 Q=0`, `unless size=1x`, or nothing.

    Some of these may be words of another instruction, whose pattern has more fixed bits.
    """
    pattern = instruction.pattern
    places = sorted(_deciding(instruction))
    if len(places) > _MOST_TRIED_BITS:
        return _in_words(instruction)
    others = 0xFFFF_FFFF & ~pattern.mask & ~sum(1 << place for place in places)
    found = set()
    for number in range(1 << len(places)):
        bits = sum((number >> i & 1) << place for i, place in enumerate(places))
        # If other instructions have some of the words, the other fields decide.
        words = pattern.value | bits, pattern.value | bits | others
        if any(decode(word) is None and known_encoding(word) is None for word in words):
            found.add(bits)
    # Most of a register's bits decide nothing.
    places = [place for place in places if found != {bits ^ 1 << place for bits in found}]
    if not found:
        return ""
    if len(places) > _MOST_BITS:
        return _in_words(instruction)
    numbers = {sum((bits >> place & 1) << i for i, place in enumerate(places)) for bits in found}
    covers = [_cover(len(places), frozenset(some)) for some in (numbers, {*range(1 << len(places))} - numbers)]

    def spread(bits: int) -> int:
        return sum((bits >> i & 1) << place for i, place in enumerate(places))

    cases = [[_bits(pattern, spread(mask), spread(value), "=") for mask, value in cover] for cover in covers]
    unless = len(cases[1]) < len(cases[0])
    return ("unless " if unless else "when ") + ", or ".join(cases[unless])


def _in_words(instruction: Instruction) -> str:
    return "" if instruction.undefined is None else f"when {_condition(instruction.undefined)}"


def _deciding(instruction: Instruction) -> set[int]:
    """The free bits that may decide whether a word is UNDEFINED."""
    pattern = instruction.pattern
    masks = {form.mask for form in instruction.forms} | {mask for f in instruction.forms for mask, _ in f.excluded}
    bits = {bit for mask in masks for bit in range(32) if mask & ~pattern.mask & 1 << bit}
    # Other instructions may have those words that differ in the rest of a short field.
    fields = [range(field.low, field.low + field.width) for field in pattern.free if field.width <= 4]
    bits |= {bit for field in fields if bits & {*field} for bit in field}
    if instruction.undefined is None:
        return bits
    places = {field.name: range(field.low, field.low + field.width) for field in pattern.free}
    names = {name for name, place in places.items() if bits & set(place)}
    tried: set[str] | None = None
    while tried != names and sum(len(places[name]) for name in names) <= _MOST_TRIED_BITS:
        # The fields that are asked for may depend on earlier answers.
        tried = set(names)
        order = sorted(tried)
        for values in product(*(range(1 << len(places[name])) for name in order)):
            word = pattern.value | sum(value << places[name].start for name, value in zip(order, values, strict=True))
            if any(form.matches(word) for form in instruction.forms):
                instruction.undefined(_Asked(instruction.fields(word), names))
        names &= places.keys()
    return bits | {bit for name in names for bit in places[name]}


@cache
def _cover(width: int, numbers: frozenset[int]) -> tuple[tuple[int, int], ...]:
    """(mask, value) pairs that together are these numbers, few and with few bits each (Quine and McCluskey)."""
    full = (1 << width) - 1
    implicants = {(full, number) for number in numbers}
    primes: list[tuple[int, int]] = []
    while implicants:
        merged: set[tuple[int, int]] = set()
        used: set[tuple[int, int]] = set()
        for mask, value in implicants:
            for bit in range(width):
                if mask >> bit & 1 and (mask, value ^ 1 << bit) in implicants:
                    used.add((mask, value))
                    merged.add((mask & ~(1 << bit), value & ~(1 << bit)))
        primes += sorted(implicants - used)
        implicants = merged
    primes.sort(key=lambda prime: (prime[0].bit_count(), -prime[0], prime[1]))
    left, cover = set(numbers), []
    while left:
        best = max(primes, key=lambda prime: sum(number & prime[0] == prime[1] for number in left))
        cover.append(best)
        left = {number for number in left if number & best[0] != best[1]}
    return tuple(sorted(cover, key=primes.index))


# -- Examples --------------------------------------------------------------------------------------------------------


class Example(NamedTuple):
    """A word, and its text at address 0."""

    word: int
    text: str


_REGISTERS = {"Rd": 0, "Rt": 0, "Rn": 1, "Rm": 2, "Rt2": 2, "Ra": 3, "Rs": 4}
# First values of fields for which zero makes a poor example.
_FIRST = {"Q": 1, "size": 2, "cond": 0, "option": 3, "imms": 7, "immr": 8, "nzcv": 4, "CRm": 11, "cmode": 0}
_MOST_TRIED = 3000
_NO_NAMES = Context(0, lambda address: None)


def examples(instruction: Instruction, mnemonic: str = "") -> list[Example]:
    """A few words: of the first, the middle and the last encoding, and of aliases that are printed.

    `mnemonic` limits them to its encodings and aliases, if words are printed with it.
    """
    forms = instruction.forms
    aliases = [alias for alias in instruction.aliases if alias.preferred is not False]
    if any(form.mnemonic == mnemonic for form in (*forms, *aliases)):
        forms = tuple(form for form in forms if form.mnemonic == mnemonic)
        aliases = [alias for alias in aliases if alias.mnemonic == mnemonic]
    chosen = forms if len(forms) <= 3 else (forms[0], forms[len(forms) // 2], forms[-1])
    found: list[Example] = []
    _add(found, chosen, 3)
    if len(found) == 1:
        _add(found, chosen, 2, other=True)
    _add(found, aliases, len(found) + 2)
    return found


def _add(found: list[Example], forms: Iterable[Form], most: int, *, other: bool = False) -> None:
    for form in forms:
        if len(found) >= most:
            return
        example = _example(form, other=other)
        if example is not None and example.text not in [e.text for e in found]:
            found.append(example)


def _example(form: Form, *, other: bool) -> Example | None:
    """A word that is printed by this form (or is of this encoding), with simple values of the fields."""
    free = form.instruction.pattern.free
    choices = [_choices(field.name, field.width, other=other) for field in free]
    for values in islice(product(*choices), _MOST_TRIED):
        word = sum(value << field.low for field, value in zip(free, values, strict=True)) & ~form.mask | form.value
        decoded = decode(word) if form.matches(word) else None
        if decoded is None or decoded.instruction is not form.instruction:
            continue
        if form is (decoded.instruction.printed_form(decoded.form, word) if form.is_alias else decoded.form):
            return Example(word, decoded.text(_NO_NAMES))
    return None


def _choices(name: str, width: int, *, other: bool) -> list[int]:
    if name in _REGISTERS:
        first = _REGISTERS[name] + 5 * other
        return [first, 31, 1]
    top = (1 << width) - 1
    simple = [_FIRST.get(name, 16 if width > 5 else 2 if width > 2 else 0), 1, 0, 2, 3, 15, top]
    if other:
        simple.insert(0, 12 if width > 5 else 1)
        simple.sort(key=simple[1:2].count)
    return list(dict.fromkeys(value & top for value in simple))
