"""Compiled code on disk: what it is found by.

The key of a unit is made from everything that its object depends on: the image's code and constants (in a form that
doesn't depend on where the image is mapped), what was asked for, how it is compiled and for which processor, the
versions of LLVM and of the translator itself. It also depends on what the image's other units were when it was made. Of
those, only what the unit was interested in counts: it lists the addresses that it asked about, with a digest of what
was known of these. So it doesn't matter in which order unrelated functions are called. The units that were made of a
function in different circumstances have numbers, which are the last part of the key.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from armexec.package_identity import sources_identity
from armexec.store import Store
from armexec.translate.codegen.llvm import compile_object, host_identity
from armexec.translate.compiled_unit import Record, pack, unpack
from armexec.translate.unit_registry import Library, Shape

__all__ = ["Kept", "Place", "kept_object", "translator_identity"]

_FORMAT = "unit 2"
_MAX_CIRCUMSTANCES = 8
"""Maximum number of units of one function that are kept, made in different circumstances."""


def translator_identity() -> str:
    """Changes when the translator does. Raises OSError where its source files can't be read."""
    return sources_identity("cpu", "isa", "machines", "translate")


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
    circumstances: str

    def keep(self, record: Record) -> None:
        """Keep a unit there."""
        units = list(_units(self.store, self.unit))
        free = (key for key, found in units if found is None or found.circumstances == self.circumstances)
        # Where there is no place left, the first has to go.
        key = next(free, units[0][0])
        self.store.put(key, pack(replace(record, circumstances=self.circumstances)))


def _units(store: Store, unit: str) -> Iterator[tuple[str, Record | None]]:
    """The units of a function with their keys, up to the first place that has none."""
    for number in range(_MAX_CIRCUMSTANCES):
        key = Store.key(unit, str(number))
        data = store.get(key)
        record = None if data is None else unpack(data)
        yield key, record
        if record is None:
            return


class Kept:
    """The kept units of an image."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._store = _store()
        code = library.code
        self._key = ""
        if code.identity is not None:
            sizes = code.size, code.code_size
            how = json.dumps((*sizes, code.reads_fpsr, library.policy, library.mode.fp, library.mode.nan))
            # Without its sources the translator can't be told from others.
            with suppress(OSError):
                self._key = Store.key(_common(), code.identity, how)

    def _unit(self, entry: int, shape: Shape | None, tier: str) -> str:
        return Store.key(self._key, json.dumps((entry - self._library.code.base, shape, tier)))

    def _circumstances(self, offsets: Collection[int]) -> str:
        """A digest of what is known now of these offsets."""
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
        return Store.key(json.dumps(known))

    def find(self, entry: int, shape: Shape | None, tier: str) -> Record | None:
        """The unit that would be made now, if it is there."""
        if not self._key:
            return None
        for _, record in _units(self._store, self._unit(entry, shape, tier)):
            if record is not None and record.circumstances == self._circumstances(record.consulted):
                return record
        return None

    def place(self, entry: int, shape: Shape | None, tier: str, consulted: tuple[int, ...]) -> Place | None:
        """Where the unit belongs that is made now, before it is published; None if nothing is kept."""
        if not self._key:
            return None
        return Place(self._store, self._unit(entry, shape, tier), self._circumstances(consulted))

    def forget(self, entry: int, shape: Shape | None, tier: str) -> None:
        """A unit that was found is no good after all."""
        for key, _ in list(_units(self._store, self._unit(entry, shape, tier))):
            self._store.drop(key)
