"""Arguments for a guest in a sandbox: Python's memory is copied into the sandbox for the length of a call."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from armexec.abi.owners import Owners
from armexec.errors import SignatureError
from armexec.memory import Block, Sandbox, SandboxMemory
from armexec.objects import CType

__all__ = ["InSandbox", "Kept", "LentOwners", "lent", "no_address", "refuse_pointers"]


AddressOfFunction: TypeAlias = "Callable[[CType, Callable[..., Any]], int]"


def no_address(ctype: CType, function: Callable[..., Any]) -> int:
    """The address of a callable, for values that belong to no module: there is none. Raises SignatureError."""
    raise SignatureError(f"{function!r:.60} has no address here: pass it to a function of the module's")


class _Lent(NamedTuple):
    """Bytes of Python's at `address`, up to `end`, and the block that has their copy."""

    address: int
    end: int
    block: Block
    is_writable: bool


class InSandbox(Owners):
    """The owners of addresses that stay in a sandbox's memory, such as a variable's: only what is in the sandbox
    already can have one."""

    __slots__ = ("memory",)

    def __init__(self, address_of_function: AddressOfFunction, memory: SandboxMemory) -> None:
        super().__init__(address_of_function)
        self.memory = memory

    def lend(self, address: int, size: int, *, is_writable: bool) -> int:
        """The guest's address of Python's memory. Raises SignatureError where it has none."""
        inside = self.memory.guest_address(address, size)
        if inside is None:
            raise SignatureError(
                "it is outside of the sandbox, and what stays in the sandbox can't point there: give an array of the"
                " module's, mod.empty(shape, dtype), or an address"
            )
        return inside


class LentOwners(InSandbox):
    """The owners of what is passed in one call, and the copies of it, which `give_back` copies back."""

    __slots__ = ("_lent", "sandbox")

    def __init__(self, address_of_function: AddressOfFunction, sandbox: Sandbox) -> None:
        super().__init__(address_of_function, sandbox.memory)
        self.sandbox = sandbox
        self._lent: list[_Lent] = []

    def lend(self, address: int, size: int, *, is_writable: bool) -> int:
        """Copy Python's memory into the sandbox, unless it is there; the guest's address.

        What is passed twice is copied once, so that the guest sees one array.

        Raises:
            SignatureError: it overlaps with something else that is passed.
            HostError: there is no room in the sandbox.
        """
        inside = self.memory.guest_address(address, size)
        if inside is not None:
            return inside
        end = address + size
        for at, known in enumerate(self._lent):
            if known.address <= address and end <= known.end:
                if is_writable and not known.is_writable:
                    self._lent[at] = known._replace(is_writable=True)
                return known.block.address + address - known.address
            if address < known.end and known.address < end:
                raise SignatureError(
                    "it overlaps with another argument, and a sandbox has copies of its arguments: pass the larger"
                    " one first, or arrays of the module's, mod.empty(shape, dtype)"
                )
        block = self.sandbox.borrow(max(size, 1))
        ctypes.memmove(block.host, address, size)
        self._lent.append(_Lent(address, end, block, is_writable))
        return block.address

    def room(self, size: int) -> Block:
        """A block that lives as long as this."""
        block = self.sandbox.borrow(max(size, 1))
        self.append(block)
        return block

    def place(self, data: bytes) -> int:
        """The guest's address of a copy of bytes that lives as long as this."""
        block = self.room(len(data))
        block.fill(data)
        return block.address

    def give_back(self) -> None:
        """Copy what the guest may have changed back to where it came from."""
        for known in self._lent:
            if known.is_writable:
                ctypes.memmove(known.address, known.block.host, known.end - known.address)

    def clear(self) -> None:
        super().clear()
        self._lent.clear()


class Kept(dict[tuple[int, int], Any]):
    """The owners of what pointers in a sandbox's variables refer to (`StructValue._alive`). `owners` makes the list for
    another pointer."""

    def __init__(self, owners: Callable[[], list[Any]]) -> None:
        super().__init__()
        self.owners = owners


def lent(alive: list[Any], address: int, size: int, *, is_writable: bool) -> int:
    """The address that the guest knows memory of Python's by: the same one without a sandbox.

    Raises SignatureError, HostError.
    """
    if isinstance(alive, InSandbox):
        return alive.lend(address, size, is_writable=is_writable)
    return address


def refuse_pointers(alive: list[Any], what: str) -> None:
    """Raises SignatureError if what has pointers to objects of Python's is to be copied into a sandbox."""
    if isinstance(alive, InSandbox):
        raise SignatureError(
            f"{what} has pointers to objects of Python's, which are outside of the sandbox: give the members as a dict"
            " or tuple, or let them point to arrays of the module's, mod.empty(shape, dtype)"
        )
