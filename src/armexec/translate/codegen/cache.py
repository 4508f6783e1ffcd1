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
from functools import cache
from typing import NamedTuple

from armexec.package_identity import sources_identity
from armexec.store import Store
from armexec.translate.codegen.llvm import compile_object, host_identity
from armexec.translate.compiled_unit import CompiledUnit, pack, unpack
from armexec.translate.unit_registry import Shape, UnitRegistry

__all__ = ["CacheSlot", "UnitCache", "cached_object", "translator_identity"]

_FORMAT = "unit 3"
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


def cached_object(text: str, *, tier: str) -> bytes:
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


class CacheSlot(NamedTuple):
    """Where a unit is to be kept. It refers to nothing of the image."""

    store: Store
    unit: str
    circumstances: str

    def keep(self, compiled: CompiledUnit) -> None:
        """Keep a unit there."""
        units = list(_units(self.store, self.unit))
        free = (key for key, found in units if found is None or found.circumstances == self.circumstances)
        # Where there is no place left, the first has to go.
        key = next(free, units[0][0])
        self.store.put(key, pack(compiled._replace(circumstances=self.circumstances)))


def _units(store: Store, unit: str) -> Iterator[tuple[str, CompiledUnit | None]]:
    """The units of a function with their keys, up to the first place that has none."""
    for number in range(_MAX_CIRCUMSTANCES):
        key = Store.key(unit, str(number))
        data = store.get(key)
        compiled = None if data is None else unpack(data)
        yield key, compiled
        if compiled is None:
            return


class UnitCache:
    """The kept units of an image."""

    def __init__(self, registry: UnitRegistry) -> None:
        self._registry = registry
        self._store = _store()
        code = registry.code
        self._key = ""
        if code.identity is not None:
            sizes = code.size, code.code_size
            # The code of a sandbox knows its addresses.
            place = None if code.memory is None else code.base
            how = json.dumps((*sizes, code.reads_fpsr, registry.policy, *registry.mode, place))
            # Without its sources the translator can't be told from others.
            with suppress(OSError):
                self._key = Store.key(_common(), code.identity, how)

    def _unit(self, entry: int, shape: Shape | None, tier: str) -> str:
        return Store.key(self._key, json.dumps((entry - self._registry.code.base, shape, tier)))

    def _circumstances(self, entry: int, offsets: Collection[int]) -> str:
        """A digest of what is known now of these offsets, for a unit that is made for the function at `entry`."""
        registry = self._registry
        base = registry.code.base
        known = []
        for offset in offsets:
            address = base + offset
            exports = [registry.exports.get((address, returns_all)) for returns_all in (False, True)]
            known.append(
                (
                    offset,
                    address in registry.states and address != entry,
                    [(address, returns_all) in registry.seen for returns_all in (False, True)],
                    [export and export.convention for export in exports],
                )
            )
        return Store.key(json.dumps(known))

    def find(self, entry: int, shape: Shape | None, tier: str) -> CompiledUnit | None:
        """The unit that would be made now, if it is there."""
        if not self._key:
            return None
        for _, compiled in _units(self._store, self._unit(entry, shape, tier)):
            if compiled is not None and compiled.circumstances == self._circumstances(entry, compiled.consulted):
                return compiled
        return None

    def slot(self, entry: int, shape: Shape | None, tier: str, consulted: tuple[int, ...]) -> CacheSlot | None:
        """Where the unit belongs that is made now, before it is published; None if nothing is kept."""
        if not self._key:
            return None
        return CacheSlot(self._store, self._unit(entry, shape, tier), self._circumstances(entry, consulted))

    def forget(self, entry: int, shape: Shape | None, tier: str) -> None:
        """A unit that was found is no good after all."""
        for key, _ in list(_units(self._store, self._unit(entry, shape, tier))):
            self._store.drop(key)
