"""The reference page of an instruction as text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ..description import Instruction
from .reference import Row, arrangements, constants, diagram, examples, meaning, rows, source, undefined_when

__all__ = ["page", "summary"]


def page(instruction: Instruction, name: str) -> str:
    """The page of an instruction: its summary, encodings, aliases, meaning and examples, which are those of the
    mnemonic `name` if words are printed with it."""
    first, rest = summary(instruction)
    parts = [f"{instruction.name}: {first}"]
    if rest:
        parts.append(_indent(rest))
    if instruction.privileged:
        parts.append("  Privileged: it can be assembled and disassembled, and is UNDEFINED in user space.")
    parts.append(_indent(diagram(instruction.pattern)))
    parts.append(_encodings(rows(instruction.forms)))
    if instruction.aliases:
        parts.append(_aliases(rows(instruction.aliases)))
    arranged = arrangements(instruction)
    if arranged:
        parts.append(_table("Arrangements", [(f"<{name}>", text) for name, text in arranged.items()]))
    undefined = undefined_when(instruction)
    if undefined:
        parts.append(f"  UNDEFINED\n    {undefined}")
    functions = meaning(instruction)
    texts = [source(function) for function in functions]
    values = [f"{name} = {value}" for name, value in constants(functions).items()]
    parts.append("  Meaning\n" + _indent("\n\n".join([*texts, *(["\n".join(values)] if values else [])]), 4))
    lines = [f"    {example.word:08x}  {example.text}" for example in examples(instruction, name)]
    parts.append("\n".join(["  Examples", *lines]))
    return "\n\n".join(parts)


def summary(instruction: Instruction) -> tuple[str, str]:
    """The first sentences, which may take several lines, and the rest."""
    first, _, rest = textwrap.dedent("    " + instruction.summary).partition("\n\n")
    return " ".join(first.split()), textwrap.dedent(rest).strip()


def _indent(text: str, width: int = 2) -> str:
    return textwrap.indent(text, " " * width)


def _encodings(rows: list[Row]) -> str:
    return _table("Encodings", [(row.name, row.bits, row.syntax, row.feature) for row in rows])


def _aliases(rows: list[Row]) -> str:
    cells = [(row.name, row.bits, row.syntax, row.feature, f"printed {row.printed}") for row in rows]
    return _table("Aliases", cells)


def _table(title: str, rows: Sequence[tuple[str, ...]]) -> str:
    # A column that is empty everywhere takes no room.
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    cells = [[f"{cell:{width}}" for cell, width in zip(row, widths, strict=True) if width] for row in rows]
    return "\n".join([f"  {title}", *("    " + "  ".join(row).rstrip() for row in cells)])
