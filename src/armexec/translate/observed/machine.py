"""The translating machine for code of an address space.

An access is made by the host where the page table allows it. Where it doesn't, the block is left before the
instruction, and the interpreter executes that: it knows whether it is a fault, or one that hooks are told of. So the
registers are exact at every stop, and no access ever faults on the host. Whatever else stops a program, or is rare, is
left to the interpreter too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from armexec.cpu.state import OFFSETS
from armexec.machines import system
from armexec.machines.llvm.builder import Host
from armexec.machines.llvm.machine import LlvmMachine
from armexec.machines.llvm.values import Value
from armexec.memory.guest.page_table import LEVEL_2_BITS, PAGE, PAGE_BITS, READ, ROOTS, WRITE
from armexec.translate.observed.host_float import host_function

if TYPE_CHECKING:
    from armexec.machines.traps import TrapKind

__all__ = ["ObservedMachine", "page_lookup"]

_UNTAGGED = (1 << 56) - 1
"""Without the highest byte, which is ignored. What isn't an address of user space then is above all pages."""


def page_lookup() -> str:
    """`ptr @page(address, last, flags)`: where bytes of the guest are for the host; null if the page doesn't allow it.

    `last` is the highest offset in a page at which they begin. `@page_roots` is the first level of the page table. It
    is a function of its own: inlined, it would make the compiler slow.
    """
    return f"""
define internal preserve_allcc ptr @page(i64 %address, i64 %last, i64 %flags) noinline nounwind memory(read) {{
  %at = and i64 %address, {_UNTAGGED}
  %high = lshr i64 %at, {PAGE_BITS + LEVEL_2_BITS}
  %index = call i64 @llvm.umin.i64(i64 %high, i64 {ROOTS})
  %root = getelementptr ptr, ptr @page_roots, i64 %index
  %table = load ptr, ptr %root
  %number = lshr i64 %at, {PAGE_BITS}
  %low = and i64 %number, {(1 << LEVEL_2_BITS) - 1}
  %place = getelementptr i64, ptr %table, i64 %low
  %entry = load i64, ptr %place
  %given = and i64 %entry, %flags
  %allowed = icmp eq i64 %given, %flags
  %offset = and i64 %at, {PAGE - 1}
  %inside = icmp ule i64 %offset, %last
  %both = and i1 %allowed, %inside
  %distance = and i64 %entry, {-PAGE}
  %there = add i64 %at, %distance
  %pointer = inttoptr i64 %there to ptr
  %result = select i1 %both, ptr %pointer, ptr null
  ret ptr %result
}}
"""


class ObservedMachine(LlvmMachine):
    """Emits the blocks of a function, which calls `page_lookup`'s.

    `leaves` are the ways out of a block before instructions: how many of it have been executed, and the label that each
    comes from; `leave` is where they lead.
    """

    def __init__(self, host: Host) -> None:
        super().__init__(OFFSETS, None, host=host, strict=True)
        self._wanted = 0, 0
        self._pointers: dict[tuple[str, int, int], str] = {}
        self.leaves: list[tuple[int, str]] = []
        self.leaves_of: dict[int, list[tuple[int, str]]] = {}
        self.leave = ""
        self.executed = 0

    def start_block(self, start: int) -> None:
        """Start a block of the function."""
        self.begin()
        self.builder.label = f"block.{start:x}"
        self.leave = f"leave.{start:x}"
        self.leaves = self.leaves_of[start] = []
        self.executed = 0

    def start_instruction(self, pc: int, executed: int) -> None:
        self.pc = pc
        self.executed = executed
        self._pointers.clear()

    # -- ways out -----------------------------------------------------------------------------------------------------
    def leave_unless(self, condition: str) -> None:
        """Leave before this instruction unless a bit is set."""
        b = self.builder
        self.leaves.append((self.executed, b.label))
        label = b.block("on")
        b.branch(condition, label, self.leave, weights="!0")
        b.start(label)

    def _trap_if(self, condition: Value, kind: TrapKind, detail: Value) -> None:
        if condition.constant != 0:
            self.leave_unless((~condition).text)

    def trap(self, kind: TrapKind, detail: Value | int = 0) -> None:
        self.terminator = ("trap",)

    def supervisor_call(self, immediate: int) -> None:
        self.terminator = ("trap",)

    def invalidate_instruction_cache(self, address: Value) -> None:
        self.terminator = ("trap",)

    def read_system_register(self, register: int) -> Value:
        if register == system.CNTVCT_EL0:
            self.terminator = ("trap",)
            return self.const(64, 0)
        return super().read_system_register(register)

    # -- floating point -----------------------------------------------------------------------------------------------
    def _call_soft(self, name: str, operands: list[Value], width: int, when: Value | None = None) -> Value:
        function = None if when is not None else host_function(name, tuple(o.width for o in operands), width)
        if function is None:
            return super()._call_soft(name, operands, width, when)
        self.helpers |= function
        arguments = ", ".join(f"i{operand.width} {operand.text}" for operand in operands)
        return self.emit(width, f"call i{width} @host_{name}_{operands[0].width}({arguments}, ptr %state)")

    # -- memory -------------------------------------------------------------------------------------------------------
    def _pointer(self, address: Value) -> str:
        size, flags = self._wanted
        key = address.text, size, flags
        pointer = self._pointers.get(key)
        if pointer is None:
            pointer = self._pointers[key] = self._checked_pointer(address, size, flags)
        return pointer

    def _checked_pointer(self, address: Value, size: int, flags: int) -> str:
        pointer = self.line(f"call preserve_allcc ptr @page(i64 {address.text}, i64 {PAGE - size}, i64 {flags})")
        self.leave_unless(self.line(f"icmp ne ptr {pointer}, null"))
        return pointer

    def load(self, address: Value, bits: int, *, acquire: bool = False, simd: bool = False) -> Value:
        self._wanted = bits // 8, READ
        return super().load(address, bits, acquire=acquire, simd=simd)

    def store(self, address: Value, value: Value, *, release: bool = False) -> None:
        self._wanted = value.width // 8, WRITE
        super().store(address, value, release=release)

    def store_exclusive(self, address: Value, value: Value, *, release: bool = False) -> Value:
        # Before anything changes.
        self._wanted = value.width // 8, READ | WRITE
        self._pointer(address)
        return super().store_exclusive(address, value, release=release)

    def atomic(self, operation: str, address: Value, operand: Value, *, acquire: bool, release: bool) -> Value:
        self._wanted = operand.width // 8, READ | WRITE
        return super().atomic(operation, address, operand, acquire=acquire, release=release)

    def compare_and_swap(self, address: Value, expected: Value, new: Value, *, acquire: bool, release: bool) -> Value:
        self._wanted = expected.width // 8, READ | WRITE
        return super().compare_and_swap(address, expected, new, acquire=acquire, release=release)

    def zero_cache_block(self, address: Value) -> None:
        self._wanted = 64, WRITE
        super().zero_cache_block(address)
