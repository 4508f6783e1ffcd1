"""The source lines of a guest's own functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from armexec.debugger.places import Places
from armexec.errors import Error

__all__ = ["CoveredFunction", "functions_by_file"]


class CoveredFunction(NamedTuple):
    """A function of a file: its first line, its name, its address, and the line of each of its instructions."""

    line: int
    name: str
    pc: int
    lines: Mapping[int, int]


def functions_by_file(places: Places) -> dict[str, list[CoveredFunction]]:
    """The functions by the files of their source, in order. Raises Error: no line is known of any."""
    found: dict[str, list[CoveredFunction]] = {}
    for file, function in _functions(places):
        found.setdefault(file, []).append(function)
    if not found:
        raise Error("there are no source lines to count by: the code has no debug information (compile it with -g)")
    return {file: sorted(functions) for file, functions in sorted(found.items())}


def _functions(places: Places) -> Iterator[tuple[str, CoveredFunction]]:
    for image, base in places.images:
        for function in image.own_functions:
            lines: dict[str, dict[int, int]] = {}
            for offset in range(function.offset, function.offset + function.extent, 4):
                line = image.line_of(offset)
                if line is not None and line.line:
                    lines.setdefault(line.file, {})[base + offset] = line.line
            for file, known in lines.items():
                name = function.source_name if file == next(iter(lines)) else f"{function.source_name} (in {file})"
                yield file, CoveredFunction(next(iter(known.values())), name, base + function.offset, known)
