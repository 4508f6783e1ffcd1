"""`armexec disasm`: words, files of words, and objects as instructions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from armexec.cli.command import argument, command
from armexec.cli.options import address_option, language_option

if TYPE_CHECKING:
    from armexec.objects import Image


@command()
@argument(
    "inputs",
    nargs=-1,
    required=True,
    type=click.Path(),
    metavar="FILE|WORD...",
    help="An object, a .bin or .hex file, - for standard input; or words such as 0xD10043FF or d10043ff.",
)
@address_option
@language_option
def disasm(inputs: Sequence[str], address: int | None, language: str | None) -> None:
    """Disassemble words, files of words, and objects.

    The names of functions and branch targets are shown where they are known.
    """
    from armexec.cli.inputs import Input
    from armexec.disasm import listing
    from armexec.words import parse_words

    start = address or 0
    if not (language or tuple(inputs) == ("-",) or _is_file(inputs[0])):
        print(listing(parse_words(" ".join(inputs)), address=start))
        return
    for number, file in enumerate(inputs):
        source = Input.of(file, language or ("hex" if file == "-" else None))
        if len(inputs) > 1:
            print(f"{'' if number == 0 else chr(10)}{source.name}:")
        if source.kind in ("hex", "bin"):
            print(listing(source.words(), address=start))
        else:
            print(_image_listing(source.image(), start))


def _is_file(text: str) -> bool:
    return os.path.exists(text) or bool(Path(text).suffix) or os.sep in text


def _image_listing(image: Image, start: int) -> str:
    """Every section with code, under the names of its symbols."""
    from armexec.disasm import listing
    from armexec.objects.names import source_name

    placed = image.place(start & -image.align, lambda name: 0) if not image.undefined() else None
    base = start & -image.align
    named = {
        base + symbol.offset: source_name(image.linkage_name(symbol))
        for symbol in sorted(image.symbols, key=lambda s: (s.kind == "function", s.binding != "local"))
        if symbol.offset is not None and symbol.name and symbol.kind != "section"
    }
    parts = []
    for segment, data in zip(
        image.segments, [d for _, d in placed] if placed else (s.data for s in image.segments), strict=True
    ):
        if not segment.executable:
            continue
        for section in image.sections:
            if section.size and segment.offset <= section.offset < segment.offset + segment.size:
                at = section.offset - segment.offset
                text = listing(data[at : at + section.size], address=base + section.offset, symbols=named)
                parts.append(f"{section.name}:\n{text}")
    return "\n\n".join(parts) or f"{image.name} has no code"
