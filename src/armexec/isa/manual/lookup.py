"""Instructions by the names that people know, and their reference pages."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from ..coverage import coverage
from ..decode import mnemonics
from ..description import Instruction
from ..groups import all_instructions
from .page import page, summary
from .reference import rows

__all__ = ["instructions_named", "pages", "why_unknown"]


def instructions_named(name: str) -> tuple[list[Instruction], list[Instruction]]:
    """The instructions of a mnemonic, or of Arm's name of an instruction or an encoding; and those that accept it as a
    mnemonic but aren't printed with it."""
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
    return (often, [i for i in candidates if i not in often]) if often else (list(candidates), [])


def pages(name: str) -> str:
    """The page of a name's instruction; if several have the name, a list of them and all their pages; "" without."""
    found, seldom = instructions_named(name)
    if not found:
        return ""
    texts = [page(instruction, name.lower()) for instruction in found]
    parts = [] if len(texts) == 1 else [_contents(name, found)]
    parts += texts
    if seldom:
        others = ", ".join(instruction.name for instruction in seldom)
        parts.append(f"{name} is also another way to write {others}, which the disassembler doesn't use.")
    return f"\n\n{'-' * 100}\n\n".join(parts)


def why_unknown(name: str) -> str:
    """Why no instruction that is described has a name, or which names are near."""
    wanted = name.lower()
    for row in coverage():
        if row.encoding.lower() == wanted:
            return f"{row.encoding} ({row.group}): {row.status}: {row.reason}"
    near = get_close_matches(wanted, sorted(mnemonics()), 3)
    return f"no instruction {name!r:.60}" + (f"; did you mean {' or '.join(near)}?" if near else "")


def _contents(name: str, instructions: Sequence[Instruction]) -> str:
    """A line for each of the instructions: its name, and the syntax of the mnemonic."""
    lines = [f"{name}: {len(instructions)} instructions", ""]
    for instruction in instructions:
        lines.append(f"  {instruction.name}: {summary(instruction)[0]}")
        named = [form for form in (*instruction.forms, *instruction.aliases) if form.mnemonic == name.lower()]
        lines += [f"      {syntax}" for syntax in dict.fromkeys(row.syntax for row in rows(named))]
    return "\n".join(lines)
