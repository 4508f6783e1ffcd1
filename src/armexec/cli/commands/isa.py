"""`armexec isa`: reference pages of instructions, and the coverage of the instruction set."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING

import click

from armexec.cli.command import argument, command, option
from armexec.errors import Error

if TYPE_CHECKING:
    from armexec.isa import Instruction


def _mnemonic_names(_context: click.Context, _argument: click.Parameter, begun: str) -> list[str]:
    """The completions of a mnemonic."""
    from armexec.isa import mnemonics

    return sorted(name for name in mnemonics() if name.startswith(begun.lower()))


@command()
@argument(
    "name",
    required=False,
    shell_complete=_mnemonic_names,
    help="A mnemonic (add), or Arm's name of an instruction or an encoding.",
)
@option("--coverage", is_flag=True, help="Count what is described, and why the rest isn't.")
@option("--missing", is_flag=True, help="List the encodings that are not described.")
def isa(name: str | None, coverage: bool, missing: bool) -> None:
    """Show the reference page of an instruction.

    The page is made from the instruction's description. Without a name, list the mnemonics.
    """
    if coverage or missing:
        print(_coverage() if coverage else _missing())
    elif name is None:
        print(_mnemonics())
    else:
        print(_pages(name))


def _pages(name: str) -> str:
    """The page of an instruction; if several have the name, a list of them and all their pages."""
    from armexec.isa.manual.page import page

    found, seldom = _find(name)
    pages = [page(instruction, name.lower()) for instruction in found]
    parts = [] if len(pages) == 1 else [_contents(name, found)]
    parts += pages
    if seldom:
        others = ", ".join(instruction.name for instruction in seldom)
        parts.append(f"{name} is also another way to write {others}, which the disassembler doesn't use.")
    return f"\n\n{'-' * 100}\n\n".join(parts)


def _find(name: str) -> tuple[list[Instruction], list[Instruction]]:
    """The instructions of a name, and those that accept the name but aren't printed with it."""
    from armexec.isa import all_instructions, mnemonics

    wanted = name.lower()
    found = [
        i
        for i in all_instructions()
        if i.name.lower() == wanted or any(form.name.lower() == wanted for form in (*i.forms, *i.aliases))
    ]
    if found and wanted not in mnemonics():
        return found, []
    # SWP is a mnemonic and also an instruction's name, with the encodings of others.
    candidates = mnemonics().get(wanted, ())
    often = [
        i
        for i in candidates
        if any(f.mnemonic == wanted for f in i.forms)
        or any(a.mnemonic == wanted and a.preferred is not False for a in i.aliases)
    ]
    if candidates:
        return (often, [i for i in candidates if i not in often]) if often else (list(candidates), [])
    from difflib import get_close_matches

    from armexec.isa.coverage import coverage

    for row in coverage():
        if row.encoding.lower() == wanted:
            raise Error(f"{row.encoding} ({row.group}): {row.status}: {row.reason}")
    near = get_close_matches(wanted, sorted(mnemonics()), 3)
    raise Error(f"no instruction {name!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""))


def _mnemonics() -> str:
    from armexec.isa import mnemonics

    names = ", ".join(sorted(mnemonics()))
    return textwrap.fill(names, 100) + "\n\narmexec isa NAME shows one; armexec isa --coverage counts them."


def _contents(name: str, instructions: list[Instruction]) -> str:
    """A line for each of the instructions: its name, and the syntax of the mnemonic."""
    from armexec.isa.manual.page import summary
    from armexec.isa.manual.reference import rows

    lines = [f"{name}: {len(instructions)} instructions", ""]
    for instruction in instructions:
        lines.append(f"  {instruction.name}: {summary(instruction)[0]}")
        named = [form for form in (*instruction.forms, *instruction.aliases) if form.mnemonic == name.lower()]
        lines += [f"      {syntax}" for syntax in dict.fromkeys(row.syntax for row in rows(named))]
    return "\n".join(lines)


def _coverage() -> str:
    from armexec.isa.coverage import coverage

    rows = coverage()
    lines = []
    for title, key in (("Group", "group"), ("Feature", "feature")):
        total = Counter(getattr(row, key) or "(base)" for row in rows)
        done = Counter(getattr(row, key) or "(base)" for row in rows if row.status == "implemented")
        width = max(len(title), *map(len, total))
        lines.append(f"{title:{width}}  described  all")
        lines += [f"{name:{width}}  {done[name]:9}  {total[name]:3}" for name in sorted(total, key=lambda n: -total[n])]
        lines.append("")
    reasons = Counter(row.reason for row in rows if row.reason)
    lines.append("Not described")
    lines += [f"  {count:5}  {reason}" for reason, count in reasons.most_common()]
    lines += ["", "Without aliases, by the first Apple silicon that has them"]
    for generation in sorted({row.apple for row in rows} - {"-"}):
        had = [row for row in rows if row.apple == generation and not row.alias_of]
        lines.append(f"{generation}: {sum(row.status == 'implemented' for row in had)} of {len(had)}")
    described = sum(row.status == "implemented" for row in rows)
    lines.append(f"\n{described} of {len(rows)} encodings are described.")
    return "\n".join(lines)


def _missing() -> str:
    from armexec.isa.coverage import coverage

    rows = [row for row in coverage() if row.reason]
    width = max((len(row.encoding) for row in rows), default=0)
    return "\n".join(f"{row.encoding:{width}}  {row.reason}" for row in rows)
