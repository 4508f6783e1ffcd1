"""Compiled code on disk: what it is found by.

The key of a unit is made from everything that its object depends on: the image's code and constants (in a form that
doesn't depend on where the image is mapped), what was asked for, how it is compiled and for which processor, the
versions of LLVM and of the translator itself, and what the image's other units were when it was made. Of those, only
what the unit was interested in counts: a list of the addresses that it asked about is kept beside it, and the second
part of the key is what is known of these. So it doesn't matter in which order unrelated functions are called.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from armexec.store import Store

from .host import compile_object, host_identity
from .library import Library, Shape
from .record import Record, pack, unpack

__all__ = ["Kept", "Place", "kept_object", "translator_identity"]

_FORMAT = "unit 1"
_ROOMS = ("isa", "machines", "translate")
_MAX_LISTS = 8
"""Of one function, the units made in so many different circumstances can be found."""


@cache
def translator_identity() -> str:
    """Changes when the translator does: names, sizes and times of its source files, as Python itself compares them.

    Their contents would say the same, but take ten times as long to read.
    """
    package = Path(__file__).parent.parent
    found = [str(package)]
    todo = [str(package / room) for room in _ROOMS]
    while todo:
        with os.scandir(todo.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    todo += [entry.path] if entry.name != "__pycache__" else []
                else:
                    status = entry.stat()
                    found.append(f"{entry.path} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(sorted(found))


@cache
def _common() -> str:
    return Store.key(_FORMAT, translator_identity(), *host_identity())


@cache
def _store_in(_directory: str | None, _switch: str | None, _home: str | None) -> Store:
    return Store("translations")


def _store() -> Store:
    # One for each place: it remembers how full that is.
    environment = os.environ
    return _store_in(environment.get("ARMEXEC_CACHE_DIR"), environment.get("ARMEXEC_CACHE"), environment.get("HOME"))


def kept_object(text: str, *, tier: str) -> bytes:
    """The object file of a text that is always the same. Raises HostError."""
    store = _store()
    try:
        key = Store.key(_common(), "text", tier, text)
    except OSError:
        return compile_object(text, tier=tier)
    data = store.get(key)
    if data is None:
        data = compile_object(text, tier=tier)
        store.put(key, data)
    return data


class Place(NamedTuple):
    """Where a unit is to be kept. It refers to nothing of the image."""

    store: Store
    unit: str
    known: str
    consulted: tuple[int, ...]

    def keep(self, record: Record) -> None:
        """Keep a unit there."""
        lists = [self.consulted, *(offsets for offsets in _lists(self.store, self.unit) if offsets != self.consulted)]
        self.store.put(self.known, pack(record))
        self.store.put(self.unit, json.dumps(lists[:_MAX_LISTS]).encode())


class Kept:
    """The kept units of an image."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._store = _store()
        code = library.code
        self._key = ""
        if code.identity is not None:
            how = json.dumps((code.size, code.code_size, code.strict, library.limit, library.careful))
            # Without its sources the translator can't be told from others.
            with suppress(OSError):
                self._key = Store.key(_common(), code.identity, how)

    def _unit(self, entry: int, shape: Shape | None, tier: str) -> str:
        return Store.key(self._key, json.dumps((entry - self._library.code.base, shape, tier)))

    def _known(self, unit: str, offsets: Collection[int]) -> str:
        """The key of a unit that was made when what is known now was known of these offsets."""
        library = self._library
        base = library.code.base
        known = []
        for offset in offsets:
            address = base + offset
            exports = [library.exports.get((address, wide)) for wide in (False, True)]
            known.append(
                (
                    offset,
                    address in library.states,
                    [(address, wide) in library.seen for wide in (False, True)],
                    [export and export.convention for export in exports],
                )
            )
        return Store.key(unit, json.dumps(known))

    def find(self, entry: int, shape: Shape | None, tier: str) -> Record | None:
        """The unit that would be made now, if it is there."""
        if not self._key:
            return None
        unit = self._unit(entry, shape, tier)
        for offsets in _lists(self._store, unit):
            key = self._known(unit, offsets)
            data = self._store.get(key)
            record = None if data is None else unpack(data)
            if record is not None:
                return record
            if data is not None:
                self._store.drop(key)
        return None

    def place(self, entry: int, shape: Shape | None, tier: str, consulted: tuple[int, ...]) -> Place | None:
        """Where the unit belongs that is made now, before it is published; None if nothing is kept."""
        if not self._key:
            return None
        unit = self._unit(entry, shape, tier)
        return Place(self._store, unit, self._known(unit, consulted), consulted)

    def forget(self, entry: int, shape: Shape | None, tier: str) -> None:
        """A unit that was found is no good after all."""
        unit = self._unit(entry, shape, tier)
        for offsets in _lists(self._store, unit):
            self._store.drop(self._known(unit, offsets))


def _lists(store: Store, unit: str) -> list[tuple[int, ...]]:
    data = store.get(unit)
    if data is None:
        return []
    try:
        return [tuple(int(offset) for offset in offsets) for offsets in json.loads(data)]
    except (ValueError, TypeError, OverflowError, RecursionError):
        store.drop(unit)
        return []
