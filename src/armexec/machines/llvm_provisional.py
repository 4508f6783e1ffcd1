"""Stores made before it is known that what they store is right.

A pending floating-point result has to be looked at before it is stored, since what is stored can't be run again. Where
several stores of a block follow each other with computations in between, that is a test for each. But a store whose old
value the block has loaded may be *provisional*: it is made at once, the tests of several are made together later,
and if one of the results is a NaN the old values are put back before the segment is run again in careful code.

Nothing that can fault or trap may come between: whoever looks at memory then would see what is not yet sure. So loads
after a provisional store must lie between two addresses that the block has loaded from, by the same register and less
than a page apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from armexec.machines.llvm_floating import Pending
    from armexec.machines.llvm_values import Value

__all__ = ["ProvisionalStores", "Undo"]

_PAGE = 4096
"""The smallest page of a host, in bytes."""

_SIGN = 1 << 63


class Undo(NamedTuple):
    """What puts an old value back: its type and its name, and where it goes: a pointer, and bytes from there."""

    kind: str
    old: str
    pointer: str
    offset: int


class ProvisionalStores:
    """The part of the machine that knows what a block has loaded, and from where.

    Addresses are known as a *root*, the name of a value, and an offset in bytes from it. `last_test`: the pc of the
    last instruction of this block that has its pending results tested, if there are several; stores before it may be
    provisional. None: there is nothing to gain, and nothing is noted. `tests`: the pcs of those instructions so far.

    `reach`: by root, from where to where the block has accessed.
    """

    pc: int
    pending: list[Pending]

    tests: list[int]
    last_test: int | None
    sums: dict[str, tuple[str, int]]
    loaded: dict[tuple[str, int], tuple[int, str, str]]
    reach: dict[str, tuple[int, int]]
    undo: list[Undo]

    def settle(self) -> None:
        raise NotImplementedError

    def forget_memory(self) -> None:
        """Start a block that knows nothing of memory."""
        self.tests = []
        self.last_test = None
        self.sums = {}
        self.loaded = {}
        self.reach = {}
        self.undo = []

    def note_sum(self, result: Value, base: Value, addend: int) -> None:
        """A value is another plus a constant."""
        if self.last_test is not None and result.width == 64:
            root, offset = self._place(base)
            self.sums[result.text] = root, offset + ((addend & _SIGN - 1) - (addend & _SIGN))

    def _place(self, address: Value) -> tuple[str, int]:
        if address.known is not None:
            return "", address.known
        return self.sums.get(address.text, (address.text, 0))

    def before_load(self, address: Value, size: int) -> None:
        """To be called before a load of `size` bytes: if it might fault, memory has to be sure."""
        if self.last_test is None:
            return
        root, offset = self._place(address)
        low, high = self.reach.get(root, (offset, offset))
        if self.undo and not low <= offset <= offset + size <= high:
            self.settle()
        low, high = min(low, offset), max(high, offset + size)
        if high - low <= _PAGE:
            self.reach[root] = low, high

    def after_load(self, address: Value, size: int, kind: str, name: str) -> None:
        """What a load gave, in its type."""
        if self.last_test is not None:
            self.loaded[self._place(address)] = size, kind, name

    def before_store(self, address: Value, size: int, pointer: str) -> bool:
        """Whether a store of `size` bytes may be provisional; what was loaded from there is forgotten."""
        if self.last_test is None:
            return False
        root, offset = self._place(address)
        old = self._old(root, offset, size, pointer)
        self.loaded = {
            (other, at): found
            for (other, at), found in self.loaded.items()
            if other == root and (at + found[0] <= offset or offset + size <= at)
        }
        if not old or not self.pending or self.pc >= self.last_test:
            return False
        self.undo += old
        return True

    def _old(self, root: str, offset: int, size: int, pointer: str) -> list[Undo]:
        """What puts back the bytes there, if the block has loaded all of them, and no others with them."""
        undo: list[Undo] = []
        done = 0
        while done < size:
            length, kind, name = self.loaded.get((root, offset + done), (0, "", ""))
            if not 0 < length <= size - done:
                return []
            undo.append(Undo(kind, name, pointer, done))
            done += length
        return undo

    def make_sure(self) -> None:
        """To be called before whatever may end the block early."""
        if self.undo and self.pending:
            self.settle()
