"""Pointers that guest code gives to functions of Python."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, Protocol

from armexec.abi.lending import InSandbox, no_address
from armexec.abi.values import codec
from armexec.errors import SignatureError
from armexec.memory import HostMemory, SandboxMemory, string_at
from armexec.objects import CType

__all__ = ["GuestPointer", "PointedMemory", "pointer_class"]


class PointedMemory(Protocol):
    """The memory that pointers lead to."""

    def read(self, address: int, size: int) -> bytes:
        """The bytes at an address. Raises Error where they can't be read."""

    def write(self, address: int, data: bytes) -> None:
        """Change the bytes at an address. Raises Error where they can't be written."""

    def text(self, address: int) -> bytes:
        """The bytes up to a null. Raises Error where they can't be read."""

    def buffer(self, address: int, size: int) -> Any:
        """A buffer of the bytes at an address. Raises Error where they can't be read."""

    def pointer(self, ctype: CType) -> Callable[[int], GuestPointer]:
        """The class of the pointers of a type into this memory."""

    def owners(self) -> list[Any]:
        """A new list for the owners of the pointers that a value put into this memory contains."""


class _OwnMemory:
    """The memory of this process. Its buffers are views."""

    def __init__(self) -> None:
        memory = HostMemory()
        self.read, self.write, self.text = memory.read, memory.write, string_at

    def buffer(self, address: int, size: int) -> Any:
        import ctypes

        self.read(address, 1)
        self.read(address + size - 1, 1)
        return (ctypes.c_uint8 * size).from_address(address)

    def pointer(self, ctype: CType) -> Callable[[int], GuestPointer]:
        return pointer_class(ctype)

    def owners(self) -> list[Any]:
        return []


class _InSandbox:
    """The memory of a sandbox. Its buffers are views, which the guest can't unmap."""

    def __init__(self, memory: SandboxMemory) -> None:
        self._memory = memory
        self.read, self.write, self.buffer = memory.read, memory.write, memory.view

    def text(self, address: int) -> bytes:
        return string_at(address, self._memory)

    def pointer(self, ctype: CType) -> Callable[[int], GuestPointer]:
        return pointer_class(ctype, self._memory)

    def owners(self) -> list[Any]:
        return InSandbox(no_address, self._memory)


class GuestPointer(int):
    """An address, as an int, that leads to what it points to: `p[0]` is the element there, `p[1]` the next one.

    Elements are read and written one by one, as values of their type; `array` is for many. Null and other addresses
    that can't be accessed are an Error.
    """

    __slots__ = ()

    target: ClassVar[CType | None] = None
    memory: ClassVar[PointedMemory] = _OwnMemory()

    def _element(self, index: int) -> tuple[int, Any]:
        """The address and the codec of an element."""
        target = type(self).target
        if target is None or not target.size:
            shown = "void" if target is None else str(target)
            raise SignatureError(f'`{shown} *` leads to no element: say what is there, as in p.cast("int *")[0]')
        found = codec(target)
        return int(self) + index * found.size, found

    def __getitem__(self, index: int) -> Any:
        """An element.

        Raises:
            SignatureError: the type of what is there isn't known.
            Error: it can't be read.
        """
        address, found = self._element(index)
        value = found.unpack(self.memory.read(address, found.size))
        target = type(self).target
        return self.memory.pointer(target)(value) if target is not None and target.kind == "pointer" else value

    def __setitem__(self, index: int, value: Any) -> None:
        """Change an element.

        Raises:
            SignatureError: the value doesn't fit, or the type of what is there isn't known.
            Error: it can't be written.
        """
        address, found = self._element(index)
        memory = self.memory
        memory.write(address, found.pack(value, memory.owners()))

    def cast(self, type: str) -> GuestPointer:
        """The same address as a pointer of another type, such as "int *".

        Raises:
            SignatureError: it isn't a pointer's type.
        """
        from armexec.abi.declarations import parse_prototype

        (parameter,) = parse_prototype(f"void({type})").parameters or (None,)
        if parameter is None or parameter.type.kind != "pointer":
            raise SignatureError(f'{type!r} is no pointer\'s type: write one such as "int *"')
        return self.memory.pointer(parameter.type)(self)

    def text(self) -> str:
        """The text there, up to a null character, from UTF-8.

        Raises:
            Error: it can't be read.
        """
        return self.memory.text(int(self)).decode("utf-8", "backslashreplace")

    def array(self, count: int) -> Any:
        """A NumPy array of `count` elements in the same memory: what is changed in one is changed in the other. Of a
        worker process's memory it is a copy, which can't be changed.

        It must not be used when the guest has freed the memory.

        Raises:
            SignatureError: NumPy has no such elements.
            Error: they can't be read.
        """
        import numpy as np

        address, found = self._element(0)
        dtype = found.dtype()
        if dtype is None:
            raise SignatureError(f"NumPy has no array of `{found.ctype}`")
        if not count:
            return np.empty(0, dtype)
        return np.frombuffer(self.memory.buffer(address, count * found.size), dtype)

    def __repr__(self) -> str:
        target = type(self).target
        return f"<{target if target is not None else 'void'} * 0x{int(self):x}>"

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        # Its memory is this process's.
        return int, (int(self),)


@cache
def _class(target: CType | None) -> type[GuestPointer]:
    return type("GuestPointer", (GuestPointer,), {"__slots__": (), "target": target})


def pointer_class(ctype: CType, memory: HostMemory | SandboxMemory | None = None) -> Callable[[int], GuestPointer]:
    """The class of the pointers of a type, into this process's memory or a sandbox's."""
    if not isinstance(memory, SandboxMemory):
        return _class(ctype.target)
    found = memory.pointer_classes.get(ctype.target)
    if found is None:
        attributes = {"__slots__": (), "target": ctype.target, "memory": _InSandbox(memory)}
        found = memory.pointer_classes[ctype.target] = type("GuestPointer", (GuestPointer,), attributes)
    made: type[GuestPointer] = found
    return made
