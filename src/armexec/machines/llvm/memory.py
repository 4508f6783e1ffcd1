"""Accesses to memory on the translating machine: plain, ordered, exclusive and atomic ones.

An address becomes a pointer in `pointer_to`, and nowhere else. Guest memory is the host's own, or in a sandbox: then
it begins at the symbol `@memory`, and only the low 32 bits of an address count. No alignment is claimed that isn't
checked.
"""

from __future__ import annotations

from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.operations import Operations
from armexec.machines.llvm.shapes import FLOATS, Shapes
from armexec.machines.llvm.values import ShapedValue, Value, address_of, select

__all__ = ["REACH", "Memory", "pointer_to"]

REACH = 1 << 16
"""How far from an address of 32 bits a sandbox's code may access, in bytes. So many bytes are never mapped at both ends
of a sandbox's 4 GiB, and more before and behind them (`memory/sandbox.py`)."""
_LOW = 0xFFFF_FFFF

_ATOMIC = {
    "add": "add",
    "clr": "and",
    "eor": "xor",
    "set": "or",
    "smax": "max",
    "smin": "min",
    "umax": "umax",
    "umin": "umin",
    "swp": "xchg",
}
_ORDER = {
    (False, False): "monotonic",
    (True, False): "acquire",
    (False, True): "release",
    (True, True): "acq_rel",
}
_FENCES = {1: "acquire", 2: "release"}  # by the low bits of the option: loads, stores; else both


def pointer_to(builder: Builder, address: Value) -> str:
    """The pointer to what is at an address of the guest.

    Without a sandbox it is made by `getelementptr i8, ptr null`, in functions marked `null_pointer_is_valid`: alias
    analysis sees through it, as it doesn't through `inttoptr`.

    In a sandbox, a constant that was added to an address is added behind the mask: so addresses that differ in it share
    the mask, and it becomes the host's displacement. That reaches out of the 4 GiB only where the address itself is
    within `REACH` of their ends, where nothing is mapped either. So it is the same as if the mask came last.
    """
    if not builder.sandbox:
        return builder.line(f"getelementptr i8, ptr null, i64 {address.text}")
    root, offset = address.root()
    if not root:
        return builder.line(f"getelementptr i8, ptr @memory, i64 {offset & _LOW}")
    if not -REACH < offset < REACH:
        root, offset = address.text, 0
    low = builder.line(f"and i64 {root}, {_LOW}")
    if offset:
        low = builder.line(f"add i64 {low}, {offset}")
    return builder.line(f"getelementptr i8, ptr @memory, i64 {low}")


class Memory(Operations):
    """The part of the machine that accesses memory.

    `volatile`: the addresses of loads that have to be made where they stand. `system_calls`: as for `LlvmMachine`.
    """

    volatile: set[int]
    system_calls: bool

    def _pointer(self, address: Value) -> str:
        return pointer_to(self.builder, address)

    def load(self, address: Value, bits: int, *, acquire: bool = False, simd: bool = False) -> Value:
        is_volatile = self.builder.pc in self.volatile
        if self.guards.speculates:
            self.guards.stores.before_load(address, bits // 8, in_order=acquire or is_volatile)
        pointer = self._pointer(address)
        if acquire and (bits < 128 or self.builder.host.wide_atomics):
            return self.emit(bits, f"load atomic i{bits}, ptr {pointer} acquire, align {bits // 8}")
        # What a SIMD&FP register is loaded for is a number, most often.
        kind = "<2 x i64>" if bits == 128 else FLOATS[bits] if simd and bits in (32, 64) else f"i{bits}"
        name = self.line(f"load{' volatile' if is_volatile else ''} {kind}, ptr {pointer}, align 1")
        if kind[0] == "i":
            return Value(self.builder, bits, name)
        return ShapedValue(self.builder, bits, Shapes(self.builder, bits, {kind: name}))

    def store(self, address: Value, value: Value, *, release: bool = False) -> None:
        bits = value.width
        if release:
            self.guards.begin_effect()
            pointer = self._pointer(address)
            if bits < 128 or self.builder.host.wide_atomics:
                # A load-acquire after a store-release stays after it (RCsc): on x86 that takes sequential consistency.
                self.builder.append(f"store atomic i{bits} {value.text}, ptr {pointer} seq_cst, align {bits // 8}")
            else:
                self.builder.store(f"i{bits}", value.text, pointer, align=1)
            return
        pointer = self._pointer(address)
        if not self.guards.defer(address, value, pointer):
            self.guards.begin_effect()
            value.store(pointer)

    def load_exclusive(self, address: Value, bits: int, *, acquire: bool = False) -> Value:
        self.guards.begin_effect()
        value = self.load(address, bits, acquire=True)
        state = self.builder.state
        state.store("exclusive_address", address.text)
        state.store("exclusive_value", value.text, f"i{bits}")
        state.store("exclusive_bits", str(bits))
        return value

    def store_exclusive(self, address: Value, value: Value, *, release: bool = False) -> Value:
        # The store succeeds if memory still holds what was loaded.
        self.guards.begin_effect()
        b, bits = self.builder, value.width
        there = Value(b, 64, b.state.load("exclusive_address"))
        size = Value(b, 64, b.state.load("exclusive_bits"))
        old = Value(b, bits, b.state.load("exclusive_value", f"i{bits}"))
        self.clear_exclusive()
        stands = (there == address) & (size == bits)
        exchange, exchanged = b.block("exchange"), b.block("exchanged")
        b.store("i1", "true", "%failed")
        b.branch(stands.text, exchange, exchanged)
        b.start(exchange)
        seen = self._exchange(address, old, value, "seq_cst")
        b.store("i1", (seen != old).text, "%failed")
        b.jump(exchanged)
        b.start(exchanged)
        return self.emit(1, "load i1, ptr %failed").zero_extend(32)

    def clear_exclusive(self) -> None:
        self.guards.begin_effect()
        self.builder.state.store("exclusive_bits", "0")

    def _exchange(self, address: Value, expected: Value, new: Value, order: str) -> Value:
        """Compare and exchange; the old value."""
        bits = expected.width
        pointer = self._pointer(address)
        if bits == 128 and not self.builder.host.wide_atomics:
            # This processor has no 16-byte compare-and-exchange: right for one thread.
            old = self.emit(bits, f"load i128, ptr {pointer}, align 1")
            chosen = select(old == expected, new, old)
            self.builder.store("i128", chosen.text, pointer, align=1)
            return old
        pair = self.emit(
            bits,
            f"cmpxchg ptr {pointer}, i{bits} {expected.text}, i{bits} {new.text} {order} seq_cst, align {bits // 8}",
        )
        return self.emit(bits, f"extractvalue {{i{bits}, i1}} {pair.text}, 0")

    def atomic(self, operation: str, address: Value, operand: Value, *, acquire: bool, release: bool) -> Value:
        self.guards.begin_effect()
        if operation == "clr":
            operand = ~operand
        bits = operand.width
        pointer = self._pointer(address)
        order = _ORDER[acquire, release]
        return self.emit(
            bits,
            f"atomicrmw {_ATOMIC[operation]} ptr {pointer}, i{bits} {operand.text} {order}, align {bits // 8}",
        )

    def compare_and_swap(self, address: Value, expected: Value, new: Value, *, acquire: bool, release: bool) -> Value:
        self.guards.begin_effect()
        return self._exchange(address, expected, new, "seq_cst")

    def barrier(self, kind: str, option: int) -> None:
        self.guards.begin_effect()
        if kind in ("dmb", "dsb"):
            self.builder.append(f"fence {_FENCES.get(option & 3, 'seq_cst')}")

    def zero_cache_block(self, address: Value) -> None:
        self.guards.begin_effect()
        pointer = self._pointer(address & ~63)
        self.builder.store("<64 x i8>", "zeroinitializer", pointer, align=1)

    def invalidate_instruction_cache(self, address: Value) -> None:
        # The code of an image never changes: its pages are not writable. But the guest may write other code.
        if self.system_calls:
            self.guards.begin_effect()
            self.builder.state.is_used = True
            pc = address_of(self.builder, self.builder.pc).text
            self.builder.append(f"call void @invalidate_code(ptr %state, i64 {pc}, i64 {address.text})")
