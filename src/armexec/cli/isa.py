"""`armexec isa`: the reference page of an instruction, and how much of the instruction set there is."""

from __future__ import annotations

import inspect
import textwrap
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from armexec.cli.outcome import command
from armexec.errors import Error

if TYPE_CHECKING:
    from armexec.isa import Form, Instruction
    from armexec.isa.pattern import Pattern


@command
def isa(
    name: Annotated[
        str | None, typer.Argument(help="A mnemonic (add), or Arm's name of an instruction or an encoding.")
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Count what is described, and why the rest isn't.")
    ] = False,
    missing: Annotated[bool, typer.Option("--missing", help="List the encodings that are not described.")] = False,
) -> None:
    """Show the reference page of an instruction, made from its description; without a name list the mnemonics."""
    if coverage or missing:
        print(_coverage() if coverage else _missing())
    elif name is None:
        print(_mnemonics())
    else:
        print("\n\n".join(_page(instruction) for instruction in _find(name)))


def _find(name: str) -> list[Instruction]:
    from armexec.isa import all_instructions

    wanted = name.lower()
    exact = [
        i
        for i in all_instructions()
        if i.name.lower() == wanted or any(form.name.lower() == wanted for form in (*i.forms, *i.aliases))
    ]
    found = exact or [i for i in all_instructions() if any(wanted == _mnemonic(f) for f in (*i.forms, *i.aliases))]
    if found:
        return found
    from difflib import get_close_matches

    from armexec.isa.coverage import coverage

    for row in coverage():
        if row.encoding.lower() == wanted:
            raise Error(f"{row.encoding} ({row.group}): {row.status}: {row.reason}")
    known = {_mnemonic(f) for i in all_instructions() for f in (*i.forms, *i.aliases)}
    near = get_close_matches(wanted, sorted(known), 3)
    raise Error(f"no instruction {name!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""))


def _mnemonic(form: Form) -> str:
    return form.mnemonic.lower()


def _mnemonics() -> str:
    from armexec.isa import mnemonics

    names = ", ".join(sorted(mnemonics()))
    return textwrap.fill(names, 100) + "\n\narmexec isa NAME shows one; armexec isa --coverage counts them."


def _page(instruction: Instruction) -> str:
    summary, _, rest = instruction.summary.partition("\n")
    parts = [f"{instruction.name}: {summary}"]
    if rest.strip():
        parts.append(_indent(rest.strip()))
    if instruction.privileged:
        parts.append("  Privileged: it can be assembled and disassembled, and is undefined in user space.")
    parts.append(_indent(_diagram(instruction.pattern)))
    parts.append(_table("Encodings", ((f.name, f.syntax, f.feature) for f in instruction.forms)))
    if instruction.aliases:
        parts.append(_table("Aliases", ((f.name, f.syntax, f.feature) for f in instruction.aliases)))
    source = textwrap.dedent(inspect.getsource(instruction.semantics))
    parts.append("  Meaning\n" + _indent(source[source.index("def ") :].rstrip(), 4))
    return "\n\n".join(parts)


def _indent(text: str, width: int = 2) -> str:
    return textwrap.indent(text, " " * width)


def _table(title: str, rows: Iterable[tuple[str, str, str]]) -> str:
    listed = list(rows)
    names = max(len(row[0]) for row in listed)
    syntaxes = max(len(row[1]) for row in listed)
    lines = [f"    {name:{names}}  {syntax:{syntaxes}}  {feature}".rstrip() for name, syntax, feature in listed]
    return "\n".join((f"  {title}", *lines))


def _diagram(pattern: Pattern) -> str:
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


def _coverage() -> str:
    from armexec.isa.coverage import coverage

    rows = coverage()
    lines = []
    for title, key in (("Group", "group"), ("Feature", "feature"), ("First in", "apple")):
        total = Counter(getattr(row, key) or "(base)" for row in rows)
        done = Counter(getattr(row, key) or "(base)" for row in rows if row.status == "implemented")
        width = max(len(title), *map(len, total))
        lines.append(f"{title:{width}}  described  all")
        lines += [f"{name:{width}}  {done[name]:9}  {total[name]:3}" for name in sorted(total, key=lambda n: -total[n])]
        lines.append("")
    reasons = Counter(row.reason for row in rows if row.reason)
    lines.append("Not described")
    lines += [f"  {count:5}  {reason}" for reason, count in reasons.most_common()]
    described = sum(row.status == "implemented" for row in rows)
    lines += ["", f"{described} of {len(rows)} encodings are described."]
    return "\n".join(lines)


def _missing() -> str:
    from armexec.isa.coverage import coverage

    rows = [row for row in coverage() if row.reason]
    width = max((len(row.encoding) for row in rows), default=0)
    return "\n".join(f"{row.encoding:{width}}  {row.reason}" for row in rows)
