"""The functions that compilers call of their own accord, in A64: copies, 128-bit division, outlined atomics.

They come as machine words, so nothing has to be compiled or assembled to load an object. Only general registers are
used.
"""

from __future__ import annotations

from armexec.objects import Image, Part, Section, SectionSymbol

__all__ = ["complete"]


def complete(image: Image) -> Image:
    """The image linked with what it lacks and the runtime has; the image itself if that is nothing."""
    from armexec.runtime.code import UNITS

    missing = set(image.undefined())
    parts = [
        _part(name, symbols, bytes.fromhex(code), image.format)
        for name, (symbols, code) in UNITS.items()
        if not missing.isdisjoint(symbols)
    ]
    return Image(image.name, [*image.parts, *parts]) if parts else image


def _part(name: str, symbols: dict[str, int], code: bytes, format: str) -> Part:
    prefix = "_" if format == "macho" else ""
    # Weak: a name that the image itself defines is its own. Not functions: those are what the image's author wrote.
    placed = [SectionSymbol(prefix + symbol, 0, offset, binding="weak") for symbol, offset in symbols.items()]
    return Part(name, format, [Section(".text", code, align=16)], placed)
