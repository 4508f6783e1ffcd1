"""Pointers into a worker's memory, which a worker gives to functions of Python."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from armexec.abi.guest_pointer import GuestPointer
from armexec.errors import Error, SignatureError
from armexec.isolation.protocol import Request
from armexec.memory import string_at
from armexec.objects import CType

if TYPE_CHECKING:
    from armexec.isolation.session import Session

__all__ = ["WorkerMemory"]


class WorkerMemory:
    """The memory of a session's worker."""

    def __init__(self, session: Session) -> None:
        self._reference = weakref.ref(session)  # which refers to this, by its callbacks
        self._classes: dict[CType | None, type[GuestPointer]] = {}

    def _session(self) -> Session:
        session = self._reference()
        if session is None:
            raise Error("the worker process that has the memory is gone")
        return session

    def read(self, address: int, size: int) -> bytes:
        """The bytes at an address. Raises Error where they can't be read, and what `Session.ask` raises."""
        return self._session().ask(Request.READ, (address, size), size)

    def write(self, address: int, data: bytes) -> None:
        """Change the bytes at an address. Raises Error where they can't be written, and what `Session.ask` raises."""
        self._session().ask(Request.WRITE, (address, data))

    def text(self, address: int) -> bytes:
        """The bytes up to a null, which must come within a mebibyte. Raises Error where they can't be read."""
        return string_at(address, self)

    def buffer(self, address: int, size: int) -> bytes:
        """A copy of the bytes at an address. Raises Error where they can't be read."""
        return self.read(address, size)

    def owners(self) -> list[Any]:
        """A list for the owners of pointers. Adding to it raises SignatureError: they would point to this process."""
        return _NoOwners()

    def pointer(self, ctype: CType) -> Callable[[int], GuestPointer]:
        """The class of the pointers of a type."""
        target = ctype.target
        made = self._classes.get(target)
        if made is None:
            namespace = {"__slots__": (), "target": target, "memory": self}
            made = self._classes[target] = type("GuestPointer", (GuestPointer,), namespace)
        return made


class _NoOwners(list[Any]):
    def append(self, owner: Any) -> None:
        raise SignatureError("an object of this process has no address in a worker process: give numbers, or pass it")
