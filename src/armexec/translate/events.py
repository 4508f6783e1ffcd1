"""Events of host code as it is linked, for `perf` and gdb, where the environment asks for them, and for profiles."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from armexec.forks import hold
from armexec.translate.policy import DEFAULT, Policy

if TYPE_CHECKING:
    from armexec.translate.codegen.link import HostCode
    from armexec.translate.compiled_unit import CompiledUnit
    from armexec.translate.observe.naming import Naming
    from armexec.translate.unit_registry import CodeSource, UnitRegistry

__all__ = [
    "CodeListener",
    "LinkedCode",
    "TranslatedImage",
    "add_listener",
    "began",
    "has_listeners",
    "linked_shared",
    "linked_unit",
    "remove_listener",
]

_OFF = ("", "0", "off")


class LinkedCode(Protocol):
    """A unit in memory: `begin` is its first host address, `base` the guest address that its offsets count from."""

    base: int
    begin: int
    compiled: CompiledUnit

    def guest_pc(self, host_pc: int) -> int | None:
        """The guest instruction that a host pc belongs to, None if there is none."""

    def host_function(self, host_pc: int) -> str | None:
        """The name of the host function that holds a host pc."""


class TranslatedImage(Protocol):
    """The code of an image, and its units in memory."""

    @property
    def code(self) -> CodeSource: ...

    @property
    def units(self) -> Sequence[LinkedCode]: ...


class CodeListener(Protocol):
    """A listener for all translated code. Any thread may call it."""

    def began(self, image: TranslatedImage) -> None:
        """An image is about to be translated."""

    def linked(self, code: HostCode) -> None:
        """A unit was linked, of an image that has begun before."""


_lock = hold(Lock())
_images: weakref.WeakSet[TranslatedImage] = weakref.WeakSet()
_listeners: list[CodeListener] = []


def add_listener(listener: CodeListener) -> None:
    """From now on, tell a listener of new code, and at once of the images that there are already."""
    with _lock:
        _listeners.append(listener)
        images = list(_images)
    for image in images:
        listener.began(image)


def remove_listener(listener: CodeListener) -> None:
    """Tell it nothing any more, if it was told anything."""
    with _lock:
        if listener in _listeners:
            _listeners.remove(listener)


def began(image: TranslatedImage) -> None:
    """An image is about to be translated."""
    with _lock:
        _images.add(image)
        told = tuple(_listeners)
    for listener in told:
        listener.began(image)


def _wants(variable: str) -> bool:
    # Both read symbols from ELF objects, and of perf there is none but Linux's.
    return os.environ.get(variable, "") not in _OFF and sys.platform == "linux"


def has_listeners() -> bool:
    """Whether somebody looks at translated code: they would rather see it as it stays."""
    return bool(_listeners) or _wants("ARMEXEC_PERF") or _wants("ARMEXEC_GDB")


def linked_unit(code: HostCode, compiled: CompiledUnit, registry: UnitRegistry, tier: str) -> None:
    """A unit has been linked; `compiled` still has its object. Raises HostError: what was asked for can't be done."""
    for listener in tuple(_listeners):
        listener.linked(code)
    for_perf, for_gdb = _wants("ARMEXEC_PERF"), _wants("ARMEXEC_GDB")
    if not for_perf and not for_gdb:
        return
    from armexec.translate.observe.naming import naming_of

    naming = naming_of(compiled, registry)
    if for_perf:
        _tell_perf(code, compiled.object, naming)
    if for_gdb:
        _tell_gdb(code, compiled.object, compiled.source(tier), tier, naming, compiled.instructions, registry.policy)


def linked_shared(code: HostCode, data: bytes, text: str, tier: str = "O0") -> None:
    """Code of the translator's own has been linked: an object, which a text became at a tier. Raises HostError."""
    for_perf, for_gdb = _wants("ARMEXEC_PERF"), _wants("ARMEXEC_GDB")
    if not for_perf and not for_gdb:
        return
    from armexec.translate.observe.naming import Naming

    if for_perf:
        _tell_perf(code, data, Naming())
    if for_gdb:
        _tell_gdb(code, data, text, tier, Naming(), 0, DEFAULT)


def _known(code: HostCode) -> dict[str, int]:
    return {name: code.address(name) for name in code.names}


def _tell_perf(code: HostCode, data: bytes, naming: Naming) -> None:
    from armexec.translate.observe.host_symbols import symbols
    from armexec.translate.observe.perf_map import append

    append(symbols(data, _known(code)), naming)


def _tell_gdb(code: HostCode, data: bytes, text: str, tier: str, naming: Naming, size: int, policy: Policy) -> None:
    from armexec.translate.observe.debug_object import debug_object
    from armexec.translate.observe.gdb_jit import register

    register(code, debug_object(data, _known(code), text, tier, naming, size, policy))
