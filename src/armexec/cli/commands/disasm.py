"""`armexec disasm`: words, files of words, and objects as instructions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from armexec.cli.command import argument, command, file_name, option
from armexec.cli.options import address_option, language_option

if TYPE_CHECKING:
    from armexec.disasm import Targets
    from armexec.objects import Image


@command()
@argument(
    "inputs",
    nargs=-1,
    required=True,
    type=file_name,
    metavar="FILE|WORD...",
    help="An object, a .bin or .hex file, - for standard input; or words such as 0xD10043FF or d10043ff.",
)
@address_option
@option("--distances", is_flag=True, help="Show how far away branch targets are instead of their addresses.")
@option("--json", "as_json", is_flag=True, help="Print a JSON list of instructions with their operands.")
@language_option
def disasm(inputs: Sequence[str], address: int | None, distances: bool, as_json: bool, language: str | None) -> None:
    """Disassemble words, files of words, and objects.

    Branch targets are addresses, with the names of functions where they are known; of words without --address they are
    distances. What an object marks as data is shown as data.
    """
    from armexec.cli.inputs import open_source

    targets: Targets = "distances" if distances else "names" if address is None else "addresses"
    blocks: list[_Block] = []
    if not (language or tuple(inputs) == ("-",) or _is_file(inputs[0])):
        from armexec.words import parse_words

        blocks.append(_Block("", _bytes(parse_words(" ".join(inputs))), address or 0, targets))
    else:
        for file in inputs:
            source = open_source(file, language or ("hex" if file == "-" else None), search=None)
            title = source.name if len(inputs) > 1 else ""
            if source.kind in ("hex", "bin"):
                blocks.append(_Block(title, _bytes(source.words()), address or 0, targets))
            else:
                found = _image_blocks(source.image(), address or 0, "distances" if distances else "addresses")
                blocks += [block._replace(title="\n".join(filter(None, (title, block.title)))) for block in found]
    if as_json:
        print(_json(blocks))
    else:
        print("\n\n".join(block.text for block in blocks))


class _Block(NamedTuple):
    """Code to show, with a title of one or more lines."""

    title: str
    code: bytes
    address: int
    targets: Targets
    symbols: dict[int, str] = {}  # noqa: RUF012 (never changed)
    data: Sequence[tuple[int, int]] = ()

    @property
    def text(self) -> str:
        """The listing under the title."""
        from armexec.disasm import listing

        shown = listing(self.code, address=self.address, symbols=self.symbols, targets=self.targets, data=self.data)
        title = self.title.replace("\n", ":\n") + ":\n" if self.title else ""
        return title + shown


def _bytes(words: Sequence[int]) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in words)


def _json(blocks: Sequence[_Block]) -> str:
    """The instructions of all blocks, one a line."""
    import json

    from armexec.disasm import as_dictionary, disassemble

    rows = []
    for block in blocks:
        code = block.code + bytes(-len(block.code) % 4)
        found = disassemble(code, address=block.address, symbols=block.symbols, targets=block.targets, data=block.data)
        rows += [json.dumps(as_dictionary(instruction)) for instruction in found]
    return "[\n" + ",\n".join(rows) + "\n]"


def _is_file(text: str) -> bool:
    return os.path.exists(text) or bool(os.path.splitext(text)[1]) or os.sep in text


def _image_blocks(image: Image, start: int, targets: Targets) -> list[_Block]:
    """Every section with code, with the names of its symbols."""
    from armexec.errors import LoadError
    from armexec.objects.names import linkage_name, source_name

    base = start & -image.align
    placed = image.place(base, lambda name: None)
    named = {base + o: source_name(linkage_name(name, image.format)) for o, name in image.missing.names.items()}
    named |= {
        base + symbol.offset: source_name(image.linkage_name(symbol))
        for symbol in sorted(image.symbols, key=lambda s: (s.kind == "function", s.binding != "local"))
        if symbol.offset is not None and symbol.name and symbol.kind != "section"
    }
    # Shared libraries have other sections too in pages that can be executed, and code that was added to them.
    kinds = [section.flags for section in image.parts[0].sections]
    blocks = []
    for segment, (_, data) in zip(image.segments, placed, strict=True):
        if not segment.executable:
            continue
        for section, kind in zip(image.sections, kinds, strict=False):
            if section.size and "x" in kind and segment.offset <= section.offset < segment.offset + segment.size:
                at = section.offset - segment.offset
                ranges = image.data_ranges(section.offset, section.offset + section.size)
                ranges = [(base + first, base + end) for first, end in ranges]
                code = data[at : at + section.size]
                blocks.append(_Block(section.name, code, base + section.offset, targets, named, ranges))
    if not blocks:
        raise LoadError(f"{image.name} has no code")
    return blocks
