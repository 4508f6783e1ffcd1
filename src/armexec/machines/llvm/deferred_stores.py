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

from typing import TYPE_CHECKING, NamedTuple

from armexec.machines.llvm.shapes import ShapedValue

if TYPE_CHECKING:
    from armexec.machines.llvm.machine import LlvmMachine
    from armexec.machines.llvm.values import Value

__all__ = ["DeferredStore", "DeferredStores", "FlushBefore"]

_PAGE = 4096
"""The smallest page of a host, in bytes."""
_IMAGE = "@image"
_SIGN = 1 << 63


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
    """The part of the machine that knows where a block loads and stores.

    Addresses are known as a *root*, the name of a value, and an offset in bytes from it.
    """

    _m: LlvmMachine
    deferred: list[DeferredStore]
    _sums: dict[str, tuple[str, int]]
    _loaded: dict[str, tuple[int, int]]
    _passed: dict[str, tuple[int, int]]

    def forget_memory(self) -> None:
        """Start a block, which has accessed nothing so far."""
        self.deferred = []
        self._sums = {}
        # By root, from where to where the block has loaded, and what of that has passed deferred stores.
        self._loaded = {}
        self._passed = {}

    def note_sum(self, result: Value, base: Value, addend: int) -> None:
        """Remember that a value is another plus a constant."""
        if result.width == 64 and not self._m.careful:
            root, offset = self._place(base)
            self._sums[result.text] = root, offset + ((addend & _SIGN - 1) - (addend & _SIGN))

    def _place(self, address: Value) -> tuple[str, int]:
        if address.address is not None and self._m.image_base is not None:
            return _IMAGE, address.address - self._m.image_base
        if address.constant is not None:
            return "", address.constant
        return self._sums.get(address.text, (address.text, 0))

    def before_load(self, address: Value, size: int, *, in_order: bool) -> None:
        """Prepare a load of `size` bytes; `in_order`: it stays where it is among the stores."""
        if self._m.careful:
            return
        root, offset = self._place(address)
        end = offset + size
        low, high = self._loaded.get(root, (offset, offset))
        if self.deferred:
            reads_store = any(s.root == root and s.start < end and offset < s.end for s in self.deferred)
            if in_order or reads_store or not low <= offset <= end <= high:
                raise FlushBefore(self._m.pc)
            first, last = self._passed.get(root, (offset, end))
            self._passed[root] = min(first, offset), max(last, end)
        low, high = min(low, offset), max(high, end)
        if high - low <= _PAGE:
            self._loaded[root] = low, high

    def defer(self, address: Value, value: Value, pointer: str) -> bool:
        """Whether a store waits: one of a pending result does, and all that follow it."""
        m = self._m
        if not self.deferred and (
            m.careful or m.unchecked is not None or not m.max_deferred_stores or not _is_pending(value)
        ):
            return False
        if len(self.deferred) == m.max_deferred_stores:
            raise FlushBefore(m.pc)
        root, offset = self._place(address)
        self.deferred.append(DeferredStore(m.pc, pointer, value, root, offset, offset + value.width // 8))
        return True

    def passed_alias(self) -> list[str]:
        """Conditions of which one holds if a load that has passed a deferred store has read what that writes."""
        m = self._m
        conditions = []
        for load, (low, high) in self._passed.items():
            stores: dict[str, tuple[int, int]] = {}
            for store in self.deferred:
                start, end = stores.get(store.root, (store.start, store.end))
                stores[store.root] = min(start, store.start), max(end, store.end)
            for root, (start, end) in stores.items():
                if root == load:
                    continue
                distance = m.line(f"sub i64 {self._root(load)}, {self._root(root)}")
                # Less than 0 and more than the size of both together are no overlap, modulo 2**64.
                shifted = m.line(f"add i64 {distance}, {high - start - 1}")
                conditions.append(m.line(f"icmp ult i64 {shifted}, {high - low + end - start - 1}"))
        self._passed = {}
        return conditions

    def _root(self, root: str) -> str:
        m = self._m
        if root == _IMAGE:
            assert m.image_base is not None
            return m.address(m.image_base).text
        return root or "0"

    def make_deferred(self) -> None:
        """Make the deferred stores: the guard is behind us."""
        m = self._m
        deferred, self.deferred = self.deferred, []
        for store in deferred:
            m.mark(store.pc)
            m.put(store.pointer, store.value)
        if deferred:
            m.mark(m.pc)
            m.has_effect = True


def _is_pending(value: Value) -> bool:
    return value.__class__ is ShapedValue and value.shapes().pending is not None
