"""Stores that wait for the guard of what they store.

A pending floating-point result is guarded before it is stored, since a store can't be undone. Where several stores of a
block follow each other with computations in between, that is a guard for each. So a store of a pending result is
*deferred*: one guard serves several stores, and they are made behind it, in their order. Arm's memory model lets an
ordinary store be performed after loads that follow it (Arm ARM, B2.3).

A load may pass a deferred store if it can't fault, since memory has to be right when a fault is reported, and if it
doesn't read what the store writes. It can't fault between two addresses that the block has loaded from, less than a
page apart. Where the addresses don't tell that they differ, the guard compares them too.
"""

from __future__ import annotations

from typing import NamedTuple

from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.values import IMAGE, Value, address_of

__all__ = ["DeferredStore", "DeferredStores", "FlushBefore"]

_PAGE = 4096
"""The smallest page of a host, in bytes."""


class FlushBefore(Exception):
    """The deferred stores have to be made before the instruction at `pc`, which has begun already."""

    def __init__(self, pc: int) -> None:
        super().__init__(pc)
        self.pc = pc


class DeferredStore(NamedTuple):
    """A store of the instruction at `pc`, of the bytes from `start` to `end` behind `root`."""

    pc: int
    pointer: str
    value: Value
    root: str
    start: int
    end: int


class DeferredStores:
    """The loads and stores of a block, and the stores of it that wait.

    Addresses are known as a *root* and an offset in bytes from it (`Value.root`). `maximum`: how many stores wait at
    most.
    """

    def __init__(self, builder: Builder, maximum: int) -> None:
        self.builder = builder
        self.maximum = maximum
        self.forget()

    def forget(self) -> None:
        """Start a block, which has accessed nothing so far."""
        self.waiting: list[DeferredStore] = []
        # By root, from where to where the block has loaded, and what of that has passed deferred stores.
        self._loaded: dict[str, tuple[int, int]] = {}
        self._passed: dict[str, tuple[int, int]] = {}

    def require_none(self) -> None:
        """Have the stores made before this instruction, if any wait.

        Raises:
            FlushBefore: some do.
        """
        if self.waiting:
            raise FlushBefore(self.builder.pc)

    def before_load(self, address: Value, size: int, *, in_order: bool) -> None:
        """Prepare a load of `size` bytes; `in_order`: it stays where it is among the stores."""
        root, offset = address.root()
        end = offset + size
        low, high = self._loaded.get(root, (offset, offset))
        if self.waiting:
            reads_store = any(s.root == root and s.start < end and offset < s.end for s in self.waiting)
            if in_order or reads_store or not low <= offset <= end <= high:
                raise FlushBefore(self.builder.pc)
            first, last = self._passed.get(root, (offset, end))
            self._passed[root] = min(first, offset), max(last, end)
        low, high = min(low, offset), max(high, end)
        if high - low <= _PAGE:
            self._loaded[root] = low, high

    def add(self, address: Value, value: Value, pointer: str) -> None:
        """Let a store wait."""
        if len(self.waiting) == self.maximum:
            raise FlushBefore(self.builder.pc)
        root, offset = address.root()
        self.waiting.append(DeferredStore(self.builder.pc, pointer, value, root, offset, offset + value.width // 8))

    def aliases(self) -> list[str]:
        """Conditions of which one holds if a load that has passed a deferred store has read what that writes."""
        b = self.builder
        conditions = []
        for load, (low, high) in self._passed.items():
            stores: dict[str, tuple[int, int]] = {}
            for store in self.waiting:
                start, end = stores.get(store.root, (store.start, store.end))
                stores[store.root] = min(start, store.start), max(end, store.end)
            for root, (start, end) in stores.items():
                if root == load:
                    continue
                distance = b.line(f"sub i64 {self._root(load)}, {self._root(root)}")
                # Less than 0 and more than the size of both together are no overlap, modulo 2**64, or modulo 2**32.
                shifted = b.line(f"add i64 {distance}, {high - start - 1}")
                if b.sandbox:
                    shifted = b.line(f"and i64 {shifted}, {0xFFFF_FFFF}")
                conditions.append(b.line(f"icmp ult i64 {shifted}, {high - low + end - start - 1}"))
        self._passed = {}
        return conditions

    def _root(self, root: str) -> str:
        b = self.builder
        if root == IMAGE:
            assert b.image_base is not None
            return address_of(b, b.image_base).text
        return root or "0"

    def make(self) -> bool:
        """Make the stores that wait, their guard being behind; whether there were any."""
        b = self.builder
        waiting, self.waiting = self.waiting, []
        for store in waiting:
            b.mark(store.pc)
            store.value.store(store.pointer)
        if waiting:
            b.mark(b.pc)
        return bool(waiting)
