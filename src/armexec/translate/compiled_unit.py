"""A compiled unit, apart from where it is linked: what is kept on disk, in a form that is safe to read."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from armexec.translate.tiers import BASELINE
from armexec.translate.unit_registry import Convention

__all__ = ["BASELINE_ONLY", "END", "CompiledUnit", "Function", "pack", "text_for", "unpack"]

BASELINE_ONLY = ";first tier only"
END = ";end"
_ONLY = re.compile(f"^{BASELINE_ONLY}\n.*?^{END}\n", re.MULTILINE | re.DOTALL)


def text_for(tier: str, text: str) -> str:
    """What of a unit's text is compiled at a tier.

    What is between the lines FIRST_ONLY and END is for the first tier.
    """
    return text if tier == BASELINE else _ONLY.sub("", text)


class Function(NamedTuple):
    """A translated function; `offset` is in the image and makes its name.

    A function of the state convention is entered at `entries`. One of the register convention has none; `returns_all`
    says that its results are all registers that it changes, and `convention` how other units call it if they may.
    """

    offset: int
    entries: tuple[int, ...] = ()
    returns_all: bool = False
    convention: Convention | None = None


class CompiledUnit(NamedTuple):
    """`object`: the object file. `text`: the IR that it was made from, compressed, for the line table.

    `instructions`: the number of the guest's. `entry`: the offset that it was made for, or that of the fragment that
    has it. `wrapped`: the functions of the register convention that have a wrapper of the state convention.
    `undefined_reasons`: what undefined instructions said, by offset. `called`: the exported functions of other units
    that it calls, by offset and form. `consulted`: the offsets of which it was asked whether they had been
    translated. `circumstances`: a digest of what was known of `consulted`.
    """

    object: bytes
    text: bytes
    instructions: int
    entry: int
    wrapped: tuple[int, ...]
    functions: tuple[Function, ...]
    called: tuple[tuple[int, bool], ...]
    undefined_reasons: dict[int, str]
    consulted: tuple[int, ...]
    circumstances: str = ""

    def source(self, tier: str) -> str:
        """The IR text that is compiled at a tier."""
        return text_for(tier, zlib.decompress(self.text).decode())

    def names(self) -> list[str]:
        """The functions of the object that others need."""
        names = [f"s{function.offset:x}" for function in self.functions if function.entries]
        names += [f"f{function.offset:x}" for function in self.functions if function.convention is not None]
        return [*names, *(f"s{offset:x}" for offset in self.wrapped)]


def pack(unit: CompiledUnit) -> bytes:
    """One line of JSON, the object, the text."""
    header = {
        "object": len(unit.object),
        "instructions": unit.instructions,
        "entry": unit.entry,
        "wrapped": unit.wrapped,
        "functions": [(f.offset, f.entries, f.returns_all, f.convention) for f in unit.functions],
        "called": unit.called,
        "undefined_reasons": list(unit.undefined_reasons.items()),
        "consulted": unit.consulted,
        "circumstances": unit.circumstances,
    }
    return json.dumps(header, separators=(",", ":")).encode() + b"\n" + unit.object + unit.text


def unpack(data: bytes) -> CompiledUnit | None:
    """What `pack` made, or None if it was something else that did."""
    try:
        line, _, rest = data.partition(b"\n")
        header = json.loads(line)
        size = header["object"]
        if not isinstance(size, int) or not 0 < size <= len(rest):
            return None
        functions = tuple(
            Function(int(offset), _ints(entries), bool(returns_all), _convention(convention))
            for offset, entries, returns_all, convention in header["functions"]
        )
        return CompiledUnit(
            rest[:size],
            rest[size:],
            int(header["instructions"]),
            int(header["entry"]),
            _ints(header["wrapped"]),
            functions,
            tuple((int(offset), bool(returns_all)) for offset, returns_all in header["called"]),
            {int(offset): str(why) for offset, why in header["undefined_reasons"]},
            _ints(header["consulted"]),
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
