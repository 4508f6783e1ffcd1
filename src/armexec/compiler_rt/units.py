"""The code of compiler_rt: the sections in `code.json`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["FILE", "Code", "RuntimeSection", "runtime_code"]

FILE = Path(__file__).with_name("code.json")


class RuntimeSection(NamedTuple):
    """A section, which is linked if one of its symbols is needed.

    `symbols` are the global ones with their offsets, `labels` those for listings. `references` are relocations:
    offset, type, a symbol's name or the index of a section of the same file, addend. `content` is in hexadecimal;
    memory past it, up to `size` bytes, is zero.
    """

    name: str
    flags: str
    align: int
    size: int
    symbols: dict[str, int]
    labels: dict[str, int]
    references: list[tuple[int, int, str | int, int]]
    content: str


class Code(NamedTuple):
    """The content of the file: the version of clang that made it, a digest of the sources, each file's sections."""

    compiler: str
    sources: str
    units: dict[str, list[RuntimeSection]]


@cache
def runtime_code() -> Code:
    """The code, read once. A Python module without bytecode would take thirty times as long."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    units = {file: [RuntimeSection(*section) for section in unit] for file, unit in kept["units"].items()}
    return Code(kept["compiler"], kept["sources"], units)
