"""Who is told of host code as it is linked: `perf` and gdb, where the environment asks for it."""

from __future__ import annotations

import os
import sys

from .library import Library
from .link import HostCode
from .naming import Naming, naming_of
from .record import Record

__all__ = ["linked_shared", "linked_unit"]

_OFF = ("", "0", "off")


def _wants(variable: str) -> bool:
    # Both read symbols from ELF objects, and of perf there is none but Linux's.
    return os.environ.get(variable, "") not in _OFF and sys.platform == "linux"


def linked_unit(code: HostCode, record: Record, library: Library, tier: str) -> None:
    """A unit has been linked; `record` still has its object. Raises HostError: what was asked for can't be done."""
    if _wants("ARMEXEC_PERF"):
        _tell_perf(code, record.object, naming_of(record, library))
    if _wants("ARMEXEC_GDB"):
        _tell_gdb(code, record.object, record.source(tier), tier, naming_of(record, library), record.instructions)


def linked_shared(code: HostCode, data: bytes, text: str) -> None:
    """Code of the translator's own has been linked: an object, which a text became at O0. Raises HostError."""
    if _wants("ARMEXEC_PERF"):
        _tell_perf(code, data, Naming())
    if _wants("ARMEXEC_GDB"):
        _tell_gdb(code, data, text, "O0", Naming(), 0)


def _known(code: HostCode) -> dict[str, int]:
    return {name: code.address(name) for name in code.names}


def _tell_perf(code: HostCode, data: bytes, naming: Naming) -> None:
    from .host_symbols import symbols
    from .perf_map import append

    append(symbols(data, _known(code)), naming)


def _tell_gdb(code: HostCode, data: bytes, text: str, tier: str, naming: Naming, size: int) -> None:
    from .debug_object import debug_object
    from .gdb import register

    register(code, debug_object(data, _known(code), text, tier, naming, size))
