"""A compiled unit, apart from where it is linked: what is kept on disk, in a form that is safe to read."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from armexec.translate.tiers import FIRST
from armexec.translate.unit_registry import Convention

__all__ = ["END", "FIRST_ONLY", "Function", "Record", "pack", "text_for", "unpack"]

FIRST_ONLY = ";first tier only"
END = ";end"
_ONLY = re.compile(f"^{FIRST_ONLY}\n.*?^{END}\n", re.MULTILINE | re.DOTALL)


def text_for(tier: str, text: str) -> str:
    """What of a unit's text is compiled at a tier.

    What is between the lines FIRST_ONLY and END is for the first tier.
    """
    return text if tier == FIRST else _ONLY.sub("", text)


@dataclass(frozen=True)
class Function:
    """A translated function; `offset` is in the image and makes its name.

    An open function is entered at `entries`, through the state structure. A closed one has none; `wide` says that it is
    the wide form, and `convention` how other units call it if they may.
    """

    offset: int
    entries: tuple[int, ...] = ()
    wide: bool = False
    convention: Convention | None = None


@dataclass(frozen=True)
class Record:
    """`object`: the object file. `text`: what it was made from, compressed, for the fault map.

    `instructions`: how many of the guest's. `entry`: the offset it was made for, or that of the piece that has it;
    `wrapped`: those of closed functions that can be entered through the state structure too. `whys`: what undefined
    instructions said, by offset. `called`: the exported functions of other units that it calls, by offset and form.
    `consulted`: the offsets of which it was asked whether they had been translated; `found`: those whose flows were
    looked for, in this order. `circumstances`: a digest of what was known of `consulted`.
    """

    object: bytes
    text: bytes
    instructions: int
    entry: int
    wrapped: tuple[int, ...]
    functions: tuple[Function, ...]
    called: tuple[tuple[int, bool], ...]
    whys: dict[int, str]
    consulted: tuple[int, ...]
    found: tuple[int, ...]
    circumstances: str = ""

    def source(self, tier: str) -> str:
        """The IR text that is compiled at a tier."""
        return text_for(tier, zlib.decompress(self.text).decode())

    def names(self) -> list[str]:
        """The functions of the object that others need."""
        names = [f"s{function.offset:x}" for function in self.functions if function.entries]
        names += [f"f{function.offset:x}" for function in self.functions if function.convention is not None]
        return [*names, *(f"s{offset:x}" for offset in self.wrapped)]


def pack(record: Record) -> bytes:
    """One line of JSON, the object, the text."""
    header = {
        "object": len(record.object),
        "instructions": record.instructions,
        "entry": record.entry,
        "wrapped": record.wrapped,
        "functions": [(f.offset, f.entries, f.wide, f.convention) for f in record.functions],
        "called": record.called,
        "whys": list(record.whys.items()),
        "consulted": record.consulted,
        "found": record.found,
        "circumstances": record.circumstances,
    }
    return json.dumps(header, separators=(",", ":")).encode() + b"\n" + record.object + record.text


def unpack(data: bytes) -> Record | None:
    """What `pack` made, or None if it was something else that did."""
    try:
        line, _, rest = data.partition(b"\n")
        header = json.loads(line)
        size = header["object"]
        if not isinstance(size, int) or not 0 < size <= len(rest):
            return None
        functions = tuple(
            Function(int(offset), _ints(entries), bool(wide), _convention(convention))
            for offset, entries, wide, convention in header["functions"]
        )
        return Record(
            rest[:size],
            rest[size:],
            int(header["instructions"]),
            int(header["entry"]),
            _ints(header["wrapped"]),
            functions,
            tuple((int(offset), bool(wide)) for offset, wide in header["called"]),
            {int(offset): str(why) for offset, why in header["whys"]},
            _ints(header["consulted"]),
            _ints(header["found"]),
            str(header["circumstances"]),
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _ints(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def _convention(values: list[int] | None) -> Convention | None:
    if values is None:
        return None
    inputs, outputs, modified, checked = values
    return Convention(int(inputs), int(outputs), int(modified), bool(checked))
