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
from armexec.machines.llvm.machine import Host, LlvmMachine, Value
from armexec.memory.page_table import LEVEL_2_BITS, PAGE, PAGE_BITS, READ, ROOTS, WRITE

if TYPE_CHECKING:
    from armexec.machines.traps import TrapKind

__all__ = ["ObservedMachine"]

_UNTAGGED = (1 << 56) - 1
"""Without the highest byte, which is ignored. What isn't an address of user space then is above all pages."""


class ObservedMachine(LlvmMachine):
    """Emits one block. `roots`: the address of the page table.

    `leave` is the label of the way out before the current instruction, and `leaves` whether that is used.
    """

    def __init__(self, roots: int, host: Host) -> None:
        super().__init__(OFFSETS, None, host=host, strict=True)
        self._roots = roots
        self._wanted = 0, 0
        self._pointers: dict[tuple[str, int, int], str] = {}
        self.leave = ""
        self.leaves = False

    def start_instruction(self, pc: int) -> None:
        self.pc = pc
        self.leave = f"leave.{pc:x}"
        self.leaves = False
        self._pointers.clear()

    # -- ways out -----------------------------------------------------------------------------------------------------
    def leave_unless(self, condition: str) -> None:
        """Leave before this instruction unless a bit is set."""
        self.leaves = True
        label = self.block("on")
        self.out.append(f"br i1 {condition}, label %{label}, label %{self.leave}, !prof !0")
        self.out.append(f"{label}:")
        self.label = label

    def _trap_if(self, condition: Value, kind: TrapKind, detail: Value) -> None:
        if condition.known != 0:
            self.leave_unless((~condition).text)

    def trap(self, kind: TrapKind, detail: Value | int = 0) -> None:
        self.terminator = ("trap",)

    def invalidate_instruction_cache(self, address: Value) -> None:
        self.terminator = ("trap",)

    def read_system_register(self, register: int) -> Value:
        if register == system.CNTVCT_EL0:
            self.terminator = ("trap",)
            return self.const(64, 0)
        return super().read_system_register(register)

    # -- memory -------------------------------------------------------------------------------------------------------
    def _pointer(self, address: Value) -> str:
        size, flags = self._wanted
        key = address.text, size, flags
        pointer = self._pointers.get(key)
        if pointer is None:
            pointer = self._pointers[key] = self._checked_pointer(address, size, flags)
        return pointer

    def _checked_pointer(self, address: Value, size: int, flags: int) -> str:
        line = self.line
        at = line(f"and i64 {address.text}, {_UNTAGGED}")
        high = line(f"lshr i64 {at}, {PAGE_BITS + LEVEL_2_BITS}")
        index = line(f"call i64 @llvm.umin.i64(i64 {high}, i64 {ROOTS})")
        root = line(f"getelementptr ptr, ptr inttoptr (i64 {self._roots} to ptr), i64 {index}")
        table = line(f"load ptr, ptr {root}")
        page = line(f"lshr i64 {at}, {PAGE_BITS}")
        low = line(f"and i64 {page}, {(1 << LEVEL_2_BITS) - 1}")
        entry = line(f"load i64, ptr {line(f'getelementptr i64, ptr {table}, i64 {low}')}")
        allowed = line(f"icmp eq i64 {line(f'and i64 {entry}, {flags}')}, {flags}")
        if size > 1:
            offset = line(f"and i64 {at}, {PAGE - 1}")
            inside = line(f"icmp ule i64 {offset}, {PAGE - size}")
            allowed = line(f"and i1 {allowed}, {inside}")
        self.leave_unless(allowed)
        distance = line(f"and i64 {entry}, {-PAGE}")
        return line(f"getelementptr i8, ptr null, i64 {line(f'add i64 {at}, {distance}')}")

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
