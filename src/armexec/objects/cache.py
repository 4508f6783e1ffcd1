"""Prototypes and demangled names of an object, kept on disk.

Importing the DWARF reader and the demangler takes as long as starting Python. An entry belongs to an object's bytes and
holds the prototypes that were asked for, as plain data. A damaged entry counts as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from armexec.objects import names
from armexec.objects.prototypes import CType, Field, Parameter, Prototype
from armexec.package_identity import sources_identity
from armexec.store import Store

if TYPE_CHECKING:
    from armexec.objects.layout import SectionSymbol

__all__ = ["ObjectCache"]

_CLASSES: tuple[Any, ...] = (Prototype, Parameter, CType, Field)
_FIELDS = {made: tuple(f.name for f in fields(made)) for made in _CLASSES}
_READERS = ("elftools", "itanium_demangler")
_MAX_OBJECTS = 2000
"""Maximum number of types and members in the prototypes of an object that are kept."""
_MAX_SIZE = 4 << 20
"""Maximum size of an entry, in bytes."""


class ObjectCache:
    """The prototypes and names of one object, as this process or an earlier one has read them."""

    def __init__(self, data: bytes) -> None:
        """Make the cache of the object with these bytes."""
        self._identity = hashlib.sha256(data).digest()
        self._forget()

    def _forget(self) -> None:
        self._key = ""
        self._store: Store | None = None
        self._prototypes: dict[str, Prototype | None] | None = None
        self._names: dict[str, str] = {}
        self._learned = 0

    def __getstate__(self) -> bytes:
        # Another process has other files.
        return self._identity

    def __setstate__(self, identity: bytes) -> None:
        self._identity = identity
        self._forget()

    def prototype(self, question: str, read: Callable[[], Prototype | None]) -> Prototype | None:
        """The answer to a question about the debug information, from the cache or from `read`.

        Raises what `read` raises; exceptions aren't cached.
        """
        known = self._read()
        if question not in known:
            known[question] = read()
            self._learned += 1
            # Written when the number of new answers doubles: few writes for many questions.
            if not self._learned & (self._learned - 1):
                self._write()
        return known[question]

    def learn_names(self, symbols: Sequence[SectionSymbol], format: str) -> None:
        """Learn the source names of all these symbols at once, and cache them."""
        mangled = {names.linkage_name(s.name, format) for s in symbols if s.name.startswith(("_Z", "__Z"))}
        if not mangled:
            # Without C++ nothing is read: it takes a twentieth of a first call.
            return
        self._read()
        if not mangled <= self._names.keys():
            self._names = {name: names.source_name(name) for name in mangled}
            self._write()

    def _read(self) -> dict[str, Prototype | None]:
        if self._prototypes is None:
            self._prototypes = {}
            try:
                key = Store.key("prototypes 2", sources_identity("objects"), *_stamps(), self._identity)
            except OSError:
                return self._prototypes
            self._key, self._store = key, Store("prototypes")
            entry = self._store.get(key)
            if entry is not None:
                try:
                    self._prototypes, self._names = _decode(json.loads(entry))
                except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
                    self._store.drop(key)
                else:
                    names.learn(self._names)
        return self._prototypes

    def _write(self) -> None:
        if self._store is None or self._prototypes is None:
            return
        encoded = _encode(self._prototypes)
        if encoded is not None:
            entry = json.dumps([*encoded, self._names]).encode("utf-8", "surrogatepass")
            if len(entry) <= _MAX_SIZE:
                self._store.put(self._key, entry)


def _stamps() -> list[str]:
    """Stamps of the DWARF reader and the demangler, found without importing them."""
    stamps = []
    for package in _READERS:
        for folder in sys.path:
            try:
                status = os.stat(os.path.join(folder, package, "__init__.py"))
            except (OSError, ValueError):
                continue
            stamps.append(f"{folder} {status.st_size} {status.st_mtime_ns}")
            break
    return stamps


def _encode(prototypes: dict[str, Prototype | None]) -> tuple[list[list[Any]], dict[str, Any]] | None:
    """A table of the objects, which refer to each other by number (types may refer to themselves), and the answers.

    None if there are too many.
    """
    numbers: dict[int, int] = {}
    table: list[list[Any]] = []
    todo: list[Any] = []

    def encode(value: Any) -> Any:
        if isinstance(value, tuple):
            return [encode(part) for part in value]
        if not isinstance(value, _CLASSES):
            return value
        if id(value) not in numbers:
            numbers[id(value)] = len(table)
            table.append([_CLASSES.index(type(value))])
            todo.append(value)
        return {"": numbers[id(value)]}

    answers = {question: encode(answer) for question, answer in prototypes.items()}
    for value in todo:  # grows meanwhile
        if len(table) > _MAX_OBJECTS:
            return None
        table[numbers[id(value)]] += [encode(getattr(value, name)) for name in _FIELDS[type(value)]]
    return table, answers


def _decode(entry: Any) -> tuple[dict[str, Prototype | None], dict[str, str]]:
    """The prototypes and the names. Raises ValueError, TypeError or LookupError for other data than `_encode`'s."""
    table, answers, known = entry
    made = [object.__new__(_CLASSES[number]) for number, *_ in table]

    def decode(value: Any) -> Any:
        if isinstance(value, list):
            return tuple(decode(part) for part in value)
        return made[value[""]] if isinstance(value, dict) else value

    for value, (_, *parts) in zip(made, table, strict=True):
        for name, part in zip(_FIELDS[type(value)], parts, strict=True):
            object.__setattr__(value, name, decode(part))
    found = {question: decode(answer) for question, answer in answers.items()}
    if not all(answer is None or isinstance(answer, Prototype) for answer in found.values()):
        raise TypeError
    if not all(isinstance(name, str) for name in known.values()):
        raise TypeError
    return found, known
