"""Functions and source lines by their places in an image, for profilers and debuggers."""

from __future__ import annotations

from bisect import bisect_right

from armexec.objects.image import FunctionSymbol, Image
from armexec.objects.names import source_name

__all__ = ["function_name", "line"]


def function_name(image: Image, offset: int) -> str:
    """The source name of the function that holds an offset of the image; "" if it isn't known.

    Labels within a function don't count. Outside of functions the last label stands for one.
    """
    functions = image.functions
    index = bisect_right(functions, offset, key=lambda function: function.offset) - 1
    if index >= 0:
        function = functions[index]
        # Of aliases the first counts. Hand-written functions often have no size.
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
    """The source file and line (from 1) of the instruction at an offset; None if they aren't known."""
    found = image.line_of(offset)
    return (found.file, found.line) if found is not None and found.line > 0 else None
