"""Functions and source lines by their places in an image, for profilers and debuggers."""

from __future__ import annotations

from bisect import bisect_right

from armexec.objects.image import FunctionSymbol, Image
from armexec.objects.names import source_name

__all__ = ["function_name", "line"]


def function_name(image: Image, offset: int) -> str:
    """The function that holds the byte at an offset of the image, as in the source; "" where nothing says.

    Labels inside of a function don't count, but where there is no function, the last label stands for one.
    """
    functions = image.functions
    index = bisect_right(functions, offset, key=lambda function: function.offset) - 1
    if index >= 0:
        function = functions[index]
        # Aliases share a place: the first is shown. Hand-written code often doesn't say how long it is.
        while index and functions[index - 1].offset == function.offset:
            index -= 1
            function = functions[index]
        if offset < function.offset + function.size or (not function.size and _same_section(image, function, offset)):
            return function.source_name
    found = image.symbol_at(offset)
    return source_name(image.linkage_name(found[0])) if found is not None else ""


def _same_section(image: Image, function: FunctionSymbol, offset: int) -> bool:
    starts = (s for s in image.sections if s.offset <= function.offset < s.offset + s.size)
    return any(offset < s.offset + s.size for s in starts)


def line(image: Image, offset: int) -> tuple[str, int] | None:
    """The file and the line (from 1) that the instruction at an offset came from, None where that isn't known."""
    found = image.line_of(offset)
    return (found.file, found.line) if found is not None and found.line > 0 else None
