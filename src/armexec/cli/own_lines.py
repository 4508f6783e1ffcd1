"""A function's words beside its lines of hand-written assembly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from armexec.module import Function

__all__ = ["OwnLine", "own_lines"]

_LABEL = re.compile(r'\s*((?:[A-Za-z_.$][\w.$]*|\d+|"[^"]*"):)(?!:)')
_COMMENT = re.compile(r"""\s*((?://|/\*|^\s*[#;])(?:[^"']|"[^"]*"|'[^']*')*)$""")
_DIRECTIVE = re.compile(r"\s*\.\w")


class OwnLine(NamedTuple):
    """A row: a label or comment where `word` is None, else an instruction with its offset in the function."""

    offset: int
    text: str
    word: int | None
    comment: str = ""


def own_lines(function: Function, source: str, name: str) -> list[OwnLine]:
    """The rows of a function assembled from `source`; none if its words aren't from the file `name`.

    A line that makes several words stands beside the first; the others are disassembled.
    """
    from armexec.disasm import disassemble

    image = function.module.image
    words = function.words
    lines = source.splitlines()
    places = [image.line_of(function.offset + 4 * index) for index in range(len(words))]
    if not places or places[0] is None or places[0].file != name:
        return []
    rows: list[OwnLine] = []
    last = _first_of(lines, places[0].line)
    instructions = disassemble(words, address=function.address, symbols={function.address: function.name})
    for index, (word, place, instruction) in enumerate(zip(words, places, instructions, strict=True)):
        offset = 4 * index
        if place is None:
            rows.append(OwnLine(offset, f".word 0x{word:08x}", word))
            continue
        new = index == 0 or place != places[index - 1]
        if place.file != name or not new or not 0 < place.line <= len(lines):
            rows.append(OwnLine(offset, instruction.text, word))
            continue
        for line in lines[last : place.line - 1] if last < place.line else ():
            rows += _without_words(line, offset)
        labels, text, comment = _split(lines[place.line - 1])
        rows += [OwnLine(offset, label, None) for label in labels]
        rows.append(OwnLine(offset, text, word, comment))
        last = place.line
    return rows


def _first_of(lines: list[str], line: int) -> int:
    """The index of the first of the comments and labels right before `line`, or that of `line` itself."""
    index = line - 1
    while index > 0 and (_without_words(lines[index - 1], 0) or _is_quiet(lines[index - 1])):
        index -= 1
    return index


def _is_quiet(line: str) -> bool:
    return _DIRECTIVE.match(line) is not None and _LABEL.match(line) is None


def _split(line: str) -> tuple[list[str], str, str]:
    """The labels of a line, its statement, and its comment."""
    labels = []
    while (label := _LABEL.match(line)) is not None:
        labels.append(label[1])
        line = line[label.end() :]
    comment = _COMMENT.search(line)
    text = line[: comment.start()] if comment is not None else line
    return labels, re.sub(r"\s+", " ", text).strip(), comment[1].strip() if comment is not None else ""


def _without_words(line: str, offset: int) -> list[OwnLine]:
    """The rows of a line that makes no words: its labels and its comment."""
    labels, text, comment = _split(line)
    if text:
        return [OwnLine(offset, label, None) for label in labels]
    return [OwnLine(offset, label, None) for label in labels] + ([OwnLine(offset, comment, None)] if comment else [])
