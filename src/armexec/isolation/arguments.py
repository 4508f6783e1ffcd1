"""Python's arguments of a call -> what a worker is told of them, and what it has changed -> Python's objects."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from armexec.abi.buffers import address_of
from armexec.abi.checks import MISSING, as_float, as_integer, encoded, missing
from armexec.abi.integers import INTEGER_KINDS, integer_range
from armexec.abi.lists import ListCopy
from armexec.abi.owners import Owners
from armexec.abi.pointers import CTYPES, FunctionPointer, pointer_argument
from armexec.abi.values.codec import codec, shown
from armexec.abi.values.structs import StructValue, address_of_value
from armexec.abi.variadic import variable_arguments
from armexec.errors import SignatureError
from armexec.isolation.protocol import ALIGNMENT, Address, Block
from armexec.isolation.shared import SharedMemory
from armexec.module.guest_code import GuestCode
from armexec.objects import CType, Prototype

__all__ = ["AddressOfFunction", "Arguments", "send_variable", "senders"]

_POINTERS = (ctypes._Pointer, FunctionPointer, ctypes.c_char_p, ctypes.c_wchar_p)

AddressOfFunction = Callable[[CType, Callable[..., Any]], int]
"""The address in the worker of a callable that is passed for a function pointer. Raises SignatureError."""

Sender = Callable[["Arguments", Any], Any]
"""From a value to what the worker is told of it."""


_LARGE = 1 << 15
"""Bytes of an argument from which on it is copied through shared memory."""


class Range:
    """Memory of this process that an argument points to, from `start` to `end`. `owner` keeps it."""

    __slots__ = ("end", "owner", "start", "writable")

    def __init__(self, start: int, end: int, writable: bool, owner: object) -> None:
        self.start = start
        self.end = end
        self.writable = writable
        self.owner = owner


class Arguments:
    """The arguments of one call. Arguments that share memory share a block of it in the worker."""

    def __init__(self, address_of_function: AddressOfFunction) -> None:
        self._address_of_function = address_of_function
        self._functions: list[object] = []
        self._ranges: list[Range] = []
        self._copies: list[ListCopy] = []
        self._merged: list[Range] = []
        self._shared: list[tuple[int, int, int]] = []

    def owners(self) -> Owners:
        """A list for the objects whose addresses are passed."""
        return Owners(self._function)

    def _function(self, ctype: CType, function: Callable[..., Any]) -> int:
        self._functions.append(function)
        return self._address_of_function(ctype, function)

    def have_memory(self, owners: Sequence[object]) -> bool:
        """Whether some of the objects have memory in this process, and not an address in the worker."""
        return any(all(owner is not each for each in self._functions) for owner in owners)

    def add(self, start: int, size: int, writable: bool, owner: object) -> Range:
        """Have memory copied to the worker."""
        found = Range(start, start + size, writable, owner)
        self._ranges.append(found)
        if isinstance(owner, ListCopy):
            self._copies.append(owner)
        return found

    def blocks(self, shared: SharedMemory | None) -> list[Block]:
        """The memory to copy, each byte once. Where much is shared, it is already copied."""
        for found in sorted(self._ranges, key=lambda each: each.start):
            last = self._merged[-1] if self._merged else None
            if last is not None and found.start < last.end:
                last.end = max(last.end, found.end)
                last.writable |= found.writable
            else:
                self._merged.append(Range(found.start, found.end, found.writable, None))
        return [self._block(each, shared) for each in self._merged]

    def _block(self, each: Range, shared: SharedMemory | None) -> Block:
        size = each.end - each.start
        if shared is not None and size >= _LARGE:
            offset = shared.put(each.start, size, ALIGNMENT)
            if offset is not None:
                if each.writable:
                    self._shared.append((offset, each.start, size))
                return offset, size, each.writable
        return ctypes.string_at(each.start, size), each.start % ALIGNMENT, each.writable

    def addresses(self, values: Sequence[Any]) -> list[Any]:
        """The values with places in blocks instead of memory."""
        return [self._place(value) if isinstance(value, Range) else value for value in values]

    def _place(self, found: Range) -> Address:
        for number, each in enumerate(self._merged):
            if each.start <= found.start and found.end <= each.end:
                return number, found.start - each.start
        raise AssertionError

    def take(self, changed: Sequence[tuple[int, memoryview]], shared: SharedMemory | None) -> None:
        """Copy what the worker has changed into the arguments."""
        if shared is not None:
            for offset, start, size in self._shared:
                shared.take(offset, start, size)
        for number, data in changed:
            found = self._merged[number]
            if found.writable:
                ctypes.memmove(found.start, bytes(data), len(data))
        for copy in self._copies:
            copy.write_back()


def senders(prototype: Prototype) -> list[Sender]:
    """For each parameter what is told of its argument. They raise SignatureError."""
    return [_sender(prototype, position) for position in range(len(prototype.parameters))]


def _sender(prototype: Prototype, position: int) -> Sender:
    ctype = prototype.parameters[position].type
    if ctype.kind == "pointer":

        def send_pointer(arguments: Arguments, value: Any) -> Any:
            if value is MISSING:
                missing(prototype, position)
            try:
                return _pointer(arguments, ctype, value)
            except SignatureError as error:
                place = f"`{prototype}`: argument {position + 1}, `{prototype.parameters[position]}`"
                raise SignatureError(f"{place}: {error}") from None

        return send_pointer
    if ctype.kind == "float" and ctype.size == 8:
        return lambda _, value: value if type(value) is float else as_float(prototype, position, value)
    if ctype.kind in INTEGER_KINDS:
        low, high = integer_range(ctype)
        return lambda _, value: (
            value if type(value) is int and low <= value <= high else as_integer(prototype, position, value, low, high)
        )
    of = codec(ctype)

    def send_bytes(arguments: Arguments, value: Any) -> bytes:
        alive = arguments.owners()
        data = encoded(prototype, position, value, of, alive)
        if arguments.have_memory(alive):
            raise SignatureError(
                f"`{prototype}`: argument {position + 1}, `{prototype.parameters[position]}`: {_INSIDE}"
            )
        return data

    return send_bytes


_INSIDE = (
    'it has pointers to memory of this process, which a function with isolate="process" doesn\'t have: only arguments'
    " themselves can be pointers to what Python has"
)


def send_variable(arguments: Arguments, prototype: Prototype, extra: Sequence[Any]) -> list[Any]:
    """What is told of the further arguments of a variadic function. Raises SignatureError."""
    # A long double goes as a double, as Apple's is one.
    _, types, values = variable_arguments(prototype, extra, "apple")
    sent: list[Any] = []
    for position, (ctype, value) in enumerate(zip(types, values, strict=True), len(prototype.parameters) + 1):
        try:
            if ctype.kind == "pointer" and value is not None:
                sent.append(_pointer(arguments, ctype, value, any_writable=True))
                continue
            alive = arguments.owners()
            data = codec(ctype).pack(value, alive)
            if alive:
                raise SignatureError(_INSIDE)
        except SignatureError as error:
            raise SignatureError(f"`{prototype}`: argument {position}: {error}") from None
        # The worker tells the type from the value again.
        sent.append(value if isinstance(value, StructValue) or value is None else codec(ctype).unpack(data))
    return sent


def _pointer(arguments: Arguments, ctype: CType, value: Any, *, any_writable: bool = False) -> Any:
    """What is told of an argument for a pointer: an address of the worker, or memory to copy. Raises SignatureError."""
    target = ctype.target
    if isinstance(value, _POINTERS) and value:
        raise SignatureError(
            f"{shown(value)} points to memory of this process, which the worker process doesn't have: pass an array,"
            " bytes or text"
        )
    alive = arguments.owners()
    address = pointer_argument(ctype, value, alive)
    writable = any_writable or target is None or not target.const
    if isinstance(value, CTYPES) and not isinstance(value, (ctypes.c_void_p, *_POINTERS)):
        return arguments.add(address, ctypes.sizeof(value), writable, value)
    if not arguments.have_memory(alive):
        return address
    # The last one is the memory itself.
    *inside, owner = alive
    if arguments.have_memory(inside):
        raise SignatureError(_INSIDE)
    if isinstance(owner, ListCopy):
        return arguments.add(address, len(owner.data), writable and owner.values is not None, owner)
    if isinstance(owner, StructValue):
        if owner._alive:
            raise SignatureError(_INSIDE)
        return arguments.add(address_of_value(owner), type(owner).ctype.size, writable, owner)
    if isinstance(owner, bytes):
        return arguments.add(address, len(owner) + 1, False, owner)
    if isinstance(owner, memoryview):
        return arguments.add(address_of(owner), owner.nbytes, writable and not owner.readonly, owner)
    if isinstance(getattr(owner, "__array_interface__", None), dict):
        return arguments.add(address, int(owner.nbytes), writable and not owner.__array_interface__["data"][1], owner)
    if isinstance(owner, GuestCode):
        raise SignatureError(f"{owner!r:.80} is code of this process, which the worker process doesn't have")
    return address
