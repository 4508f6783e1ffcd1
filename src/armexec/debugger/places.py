"""Addresses of a guest as people name them: functions, symbols and source lines."""

from __future__ import annotations

import linecache
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple, SupportsIndex

from armexec.disasm import Instruction, disassemble
from armexec.errors import LoadError, SignatureError
from armexec.objects import Image, SourceLine
from armexec.objects.symbolize import function_name

__all__ = ["Place", "Places"]

_FILE_LINE = re.compile(r"(.+):(\d+)")


class Place(NamedTuple):
    """Where an address is. `function`: its name as in the source, `symbol`: the linkage name and the distance from it,
    `line`: None where it isn't known."""

    address: int
    function: str
    symbol: str
    line: SourceLine | None

    @property
    def name(self) -> str:
        """The name of the function, or of the symbol, with the distance from it; else the address."""
        name, plus, distance = self.symbol.partition("+")
        return f"{self.function or name}{plus}{distance}" if self.symbol else f"0x{self.address:x}"

    def __str__(self) -> str:
        line = self.line
        return f"{self.name} ({line.file}:{line.line})" if line is not None and line.line else self.name


class Places:
    """The images of a guest, each with its base, and how its words are read. `texts`: sources by the names of files."""

    def __init__(
        self,
        images: Sequence[tuple[Image, int]],
        fetch: Callable[[int], int | None],
        texts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.images = list(images)
        self._fetch = fetch
        self._texts = {name: text.splitlines() for name, text in texts.items()}

    def image_at(self, address: int) -> tuple[Image, int] | None:
        """The image that has an address, and its base."""
        return next(((image, base) for image, base in self.images if 0 <= address - base < image.size), None)

    def place(self, address: int) -> Place:
        """What is known of an address."""
        found = self.image_at(address)
        if found is None:
            return Place(address, "", "", None)
        image, base = found
        known = image.symbol_at(address - base)
        symbol = ""
        if known is not None:
            name = image.linkage_name(known[0])
            symbol = f"{name}+0x{known[1]:x}" if known[1] else name
        return Place(address, function_name(image, address - base), symbol, image.line_of(address - base))

    def source_text(self, line: SourceLine) -> str:
        """The text of a source line; empty where it isn't there."""
        lines = next((lines for name, lines in self._texts.items() if _is_file(line.file, name)), None)
        if lines is None:
            return linecache.getline(line.file, line.line).rstrip()
        return lines[line.line - 1].rstrip() if 0 < line.line <= len(lines) else ""

    def instruction(self, address: int) -> Instruction | None:
        """The instruction at an address, None where there is no code."""
        word = self._fetch(address)
        if word is None:
            return None
        return self.instruction_of(address, word)

    def instruction_of(self, address: int, word: int) -> Instruction:
        """A word as the instruction of an address."""
        (found,) = disassemble([word], address=address, symbols=self._names)
        target = found.target
        if target is None or target in self._names or found.mnemonic.startswith("adr"):
            return found
        # A place within a function: a branch to a label.
        place = self.place(target)
        if not place.symbol:
            return found
        (found,) = disassemble([word], address=address, symbols={target: place.name})
        return found

    @cached_property
    def _names(self) -> dict[int, str]:
        names: dict[int, str] = {}
        for image, base in self.images:
            names |= {base + function.offset: function.source_name for function in image.functions}
        return names

    def addresses(self, where: SupportsIndex | str) -> list[int]:
        """The addresses that are meant by an address, a function's name, a symbol, or "file:line".

        Raises:
            LoadError: there is no such place.
            SignatureError: it is none of these.
        """
        if not isinstance(where, str):
            try:
                return [operator.index(where)]
            except TypeError:
                raise SignatureError(f'a place is an address, a symbol or "file:line", not {where!r:.60}') from None
        line = _FILE_LINE.fullmatch(where)
        if line is not None and not self._symbols(where):
            return self._line(line[1], int(line[2]))
        found = self._symbols(where)
        if not found:
            names = sorted({f.source_name for image, _ in self.images for f in image.own_functions})
            known = f"; its functions are: {', '.join(names[:12])}" if names else ""
            raise LoadError(f"there is no function or symbol {where!r:.80}{known}")
        return found

    def _symbols(self, name: str) -> list[int]:
        for image, base in self.images:
            try:
                return [base + image.function(name).offset]
            except LoadError:
                offsets = [s.offset for s in image.symbols if image.linkage_name(s) == name and s.offset is not None]
                if offsets:
                    return [base + offsets[0]]
        return []

    def _line(self, file: str, number: int) -> list[int]:
        """The first address of a line in each function that has it; of the next line with code, if it has none."""
        lines: dict[int, dict[int, int]] = {}
        for image, base in self.images:
            for function in image.functions:
                for offset in range(function.offset, function.offset + function.extent, 4):
                    line = image.line_of(offset)
                    if line is not None and _is_file(line.file, file):
                        lines.setdefault(line.line, {}).setdefault(base + function.offset, base + offset)
        later = [line for line in lines if line >= number]
        if not later:
            raise LoadError(f"{file}:{number}: no code is of that line" + ("" if lines else ", or of that file"))
        return sorted(lines[min(later)].values())


def _is_file(path: str, wanted: str) -> bool:
    """Whether a path of the debug information is the file that is meant: its last parts are enough."""
    return path == wanted or path.endswith("/" + wanted.removeprefix("./"))
