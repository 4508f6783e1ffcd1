"""Instructions of an image with their addresses and bytes, as Compiler Explorer shows binary code."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from typing import Any

from armexec.explorer.api.lines import MOST_LINES, Listing, line_of
from armexec.explorer.builds.build import Placed, Request, is_same_file, lines_of_words, rows_of
from armexec.objects import Image
from armexec.objects.image import FunctionSymbol

__all__ = ["disassembled"]


def disassembled(request: Request, image: Image, names: Collection[str], filters: Collection[str]) -> Listing:
    """The functions of an image that have these linkage names.

    Args:
        request: the source that the image is made of.
        image: its own, or the linked one.
        names: the functions.
        filters: which of demangle, libraryCode and trim are on.
    """
    placed = Placed(image, demangle="demangle" in filters)
    functions = [function for function in image.own_functions if function.name in names]
    if "libraryCode" in filters:
        functions = [function for function in functions if _is_own(image, function, request.name)]
    shown = [function.source_name if "demangle" in filters else function.name for function in functions]
    own_lines = lines_of_words(request.text) if request.kind == "hex" else None
    lines: list[dict[str, Any]] = []
    definitions: dict[str, int] = {}
    for index, function in enumerate(functions):
        if lines:
            lines.append(line_of(""))
        lines.append(line_of(f"{shown[index]}:"))
        definitions[shown[index]] = len(lines)
        for row in rows_of(placed, function, index, request.name, MOST_LINES - len(lines), own_lines):
            lines.append(_line(row, functions, shown, "trim" in filters))
        if len(lines) >= MOST_LINES:
            return Listing(lines, definitions, True)
    return Listing(lines, definitions, False)


def _is_own(image: Image, function: FunctionSymbol, file: str) -> bool:
    """Whether a function has lines of the user's file, or none at all."""
    places = [image.line_of(function.offset + delta) for delta in range(0, function.extent, 4)]
    files = {place.file for place in places if place is not None}
    return not files or any(is_same_file(path, file) for path in files)


def _line(row: list[Any], functions: Sequence[FunctionSymbol], shown: Sequence[str], trim: bool) -> dict[str, Any]:
    offset, word, text, line, _, target = row
    mnemonic, _, operands = text.partition(" ")
    text = f"  {mnemonic} {operands}".rstrip() if trim else f"\t{mnemonic}\t{operands}".expandtabs(8).rstrip()
    labels = []
    if target >= 0:
        index = bisect_right(functions, target, key=lambda function: function.offset) - 1
        column = text.find(shown[index]) if index >= 0 else -1
        if column >= 0:
            place = {"startCol": column + 1, "endCol": column + 1 + len(shown[index])}
            labels.append({"name": shown[index], "range": place})
    source = {"file": None, "line": line, "mainsource": True} if line else None
    return line_of(text, source, labels, address=offset, opcodes=[f"{byte:02x}" for byte in word.to_bytes(4, "little")])
