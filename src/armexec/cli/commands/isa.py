"""`armexec isa`: reference pages of instructions, and the coverage of the instruction set."""

from __future__ import annotations

import textwrap
from collections import Counter

import click

from armexec.cli.command import argument, command, option
from armexec.errors import Error


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
    """The pages of a name. Raises Error where there are none."""
    from armexec.isa.manual.lookup import pages, why_unknown

    found = pages(name)
    if not found:
        raise Error(why_unknown(name))
    return found


def _mnemonics() -> str:
    from armexec.isa import mnemonics

    names = ", ".join(sorted(mnemonics()))
    return textwrap.fill(names, 100) + "\n\narmexec isa NAME shows one; armexec isa --coverage counts them."


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
