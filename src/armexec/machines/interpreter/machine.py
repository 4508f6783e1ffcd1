"""The reference machine: values are Python ints, and every operation is said in the plainest way."""

from __future__ import annotations

import operator
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from armexec.forks import hold
from armexec.machines import system
from armexec.machines.addresses import CACHE_LINE, without_tag
from armexec.machines.aes import substitution_box
from armexec.machines.interpreter.flags import Flags
from armexec.machines.interpreter.floats import FloatingPoint
from armexec.machines.interpreter.registers import ScalarRegisters, VectorRegisters, XRegisters
from armexec.machines.interpreter.values import Bits, Elements
from armexec.machines.traps import Trap, TrapKind
from armexec.memory import EXECUTABLE_RANGES, AccessError

__all__ = ["Memory", "ReferenceMachine"]


_Lanes = TypeVar("_Lanes", Bits, Elements)
_atomic = hold(threading.RLock())
"""Held by what loads and stores at once. Python may change threads between the two."""


class Memory(Protocol):
    """Where loads and stores go. Both raise AccessError where memory refuses."""

    def read(self, address: int, size: int) -> bytes: ...
    def write(self, address: int, data: bytes) -> None: ...


def _plain(value: Bits | int) -> int:
    return value if isinstance(value, int) else value.value


class ReferenceMachine(FloatingPoint):
    """The state of one guest thread, and what instructions do to it.

    `registers` holds X0-X30 and, at 31, SP. After an instruction `next_pc` says where to go on.
    """

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.registers = [0] * 32
        self.X = XRegisters(self.registers)
        self.XSP = ScalarRegisters(self.registers)
        self.NZCV = Flags(0, 0, 0, 0)
        self.vectors = [0] * 32
        self.V = ScalarRegisters(self.vectors)
        self.Vec = VectorRegisters(self.vectors)
        self.pc = 0
        self.next_pc = 0
        self.word = 0
        self.system_registers = {
            system.FPCR: 0,
            system.FPSR: 0,
            system.TPIDR_EL0: 0,
            system.DIT: 0,
            system.SSBS: 0,
        }
        # The exclusive monitor: address and the bytes that were loaded, or None.
        self.monitor: tuple[int, bytes] | None = None
        # Does a system call at a pc, given its number and X0 to X5, and gives X0; None: it is a trap.
        self.system_call: Callable[[int, int, tuple[int, ...]], int] | None = None

    # -- values -------------------------------------------------------------------------------------------------
    def const(self, width: int, value: int) -> Bits:
        return Bits(width, value)

    def address(self, address: int) -> Bits:
        return Bits(64, address)

    def select(self, condition: Bits, when_true: Any, when_false: Any) -> Any:
        return when_true if condition.value else when_false

    # -- flags --------------------------------------------------------------------------------------------------
    def flags(self, n: Bits | int, z: Bits | int, c: Bits | int, v: Bits | int) -> Flags:
        return Flags(_plain(n), _plain(z), _plain(c), _plain(v))

    def add_with_carry(self, x: Bits, y: Bits, carry: Bits | int) -> tuple[Bits, Flags]:
        c = _plain(carry)
        result = Bits(x.width, x.value + y.value + c)
        unsigned_sum = x.value + y.value + c
        signed_sum = x.signed + y.signed + c
        return result, Flags(
            result.value >> (x.width - 1),
            result.value == 0,
            result.value != unsigned_sum,
            result.signed != signed_sum,
        )

    def add_flags(self, x: Bits, y: Bits) -> tuple[Bits, Flags]:
        return self.add_with_carry(x, y, 0)

    def subtract_flags(self, x: Bits, y: Bits) -> tuple[Bits, Flags]:
        return self.add_with_carry(x, ~y, 1)

    def logic_flags(self, result: Bits) -> Flags:
        return Flags(result.value >> (result.width - 1), result.value == 0, 0, 0)

    def condition(self, cond: int) -> Bits:
        f = self.NZCV
        n, z, c, v = f.N.value, f.Z.value, f.C.value, f.V.value
        holds = (z, c, n, v, c and not z, n == v, n == v and not z, True)[cond >> 1]
        return Bits(1, bool(holds) != (cond & 1 == 1 and cond != 15))

    # -- memory -------------------------------------------------------------------------------------------------
    def _read(self, address: int, size: int) -> bytes:
        address = without_tag(address)
        try:
            return self.memory.read(address, size)
        except AccessError as error:
            raise Trap(TrapKind.READ, self.pc, error.address) from None

    def _write(self, address: int, data: bytes) -> None:
        address = without_tag(address)
        try:
            self.memory.write(address, data)
        except AccessError as error:
            raise Trap(TrapKind.WRITE, self.pc, error.address) from None

    def load(self, address: Bits, bits: int, *, acquire: bool = False, simd: bool = False) -> Bits:
        return Bits(bits, int.from_bytes(self._read(address.value, bits // 8), "little"))

    def store(self, address: Bits, value: Bits, *, release: bool = False) -> None:
        self._write(address.value, value.value.to_bytes(value.width // 8, "little"))

    def check_alignment(self, address: Bits, size: int) -> None:
        if address.value % size:
            raise Trap(TrapKind.ALIGNMENT, self.pc, address.value)

    def check_stack_alignment(self) -> None:
        if self.registers[31] % 16:
            raise Trap(TrapKind.ALIGNMENT, self.pc, self.registers[31], "the stack pointer is not a multiple of 16")

    def load_exclusive(self, address: Bits, bits: int, *, acquire: bool = False) -> Bits:
        data = self._read(address.value, bits // 8)
        self.monitor = (address.value, data)
        return Bits(bits, int.from_bytes(data, "little"))

    def store_exclusive(self, address: Bits, value: Bits, *, release: bool = False) -> Bits:
        # Like QEMU, and like the translated engine: the store succeeds if memory still holds what was loaded.
        monitor, self.monitor = self.monitor, None
        size = value.width // 8
        if monitor is None or monitor[0] != address.value or len(monitor[1]) != size:
            return Bits(32, 1)
        with _atomic:
            if self._read(address.value, size) != monitor[1]:
                return Bits(32, 1)
            self._write(address.value, value.value.to_bytes(size, "little"))
        return Bits(32, 0)

    def clear_exclusive(self) -> None:
        self.monitor = None

    def atomic(self, operation: str, address: Bits, operand: Bits, *, acquire: bool, release: bool) -> Bits:
        with _atomic:
            old = self.load(address, operand.width)
            new = {
                "add": lambda: old + operand,
                "clr": lambda: old & ~operand,
                "eor": lambda: old ^ operand,
                "set": lambda: old | operand,
                "smax": lambda: old if old.signed > operand.signed else operand,
                "smin": lambda: old if old.signed < operand.signed else operand,
                "umax": lambda: old if old.value > operand.value else operand,
                "umin": lambda: old if old.value < operand.value else operand,
                "swp": lambda: operand,
            }[operation]()
            self.store(address, new)
        return old

    def compare_and_swap(self, address: Bits, expected: Bits, new: Bits, *, acquire: bool, release: bool) -> Bits:
        with _atomic:
            old = self.load(address, expected.width)
            # A write happens either way, as far as permissions go: memory that can't be written faults.
            self.store(address, new if old.value == expected.value else old)
        return old

    def barrier(self, kind: str, option: int) -> None:
        # One instruction is complete before the next begins.
        pass

    def zero_cache_block(self, address: Bits) -> None:
        self._write(address.value & ~63, bytes(64))

    def invalidate_instruction_cache(self, address: Bits) -> None:
        # Here every instruction is fetched from memory. Other engines may have translated code that is changed.
        line = address.value & -CACHE_LINE
        EXECUTABLE_RANGES.changed(line, line + CACHE_LINE)

    # -- control flow -------------------------------------------------------------------------------------------
    def branch(self, target: int) -> None:
        self.next_pc = target

    def branch_if(self, condition: Bits, target: int) -> None:
        if condition.value:
            self.next_pc = target

    call = branch

    def branch_to(self, target: Bits) -> None:
        self.next_pc = target.value

    call_to = return_to = branch_to

    # -- exceptions ---------------------------------------------------------------------------------------------
    def supervisor_call(self, immediate: int) -> None:
        if self.system_call is None or immediate:
            raise Trap(TrapKind.SUPERVISOR_CALL, self.pc, immediate)
        # Linux's convention, syscall(2).
        registers = self.registers
        result = self.system_call(self.pc, registers[8], tuple(registers[:6]))
        registers[0] = result & (1 << 64) - 1

    def breakpoint(self, immediate: int) -> None:
        raise Trap(TrapKind.BREAKPOINT, self.pc, immediate)

    def undefined(self, why: str) -> None:
        raise Trap(TrapKind.UNDEFINED, self.pc, 0, why)

    # -- system registers -----------------------------------------------------------------------------------------
    def read_system_register(self, register: int) -> Bits:
        if register == system.NZCV:
            return Bits(64, self.NZCV.value << 28)
        if register == system.CNTVCT_EL0:
            return Bits(64, time.monotonic_ns())
        constant = system.CONSTANT_REGISTERS.get(register)
        if constant is not None:
            return Bits(64, constant)
        return Bits(64, self.system_registers[register])

    def write_system_register(self, register: int, value: Bits) -> None:
        if register == system.NZCV:
            flags = value.value >> 28
            self.NZCV = Flags(flags >> 3 & 1, flags >> 2 & 1, flags >> 1 & 1, flags & 1)
        else:
            self.system_registers[register] = value.value

    # -- vectors ------------------------------------------------------------------------------------------------------
    def vector(self, esize: int, values: Sequence[int]) -> Elements:
        return Elements(esize, values)

    def splat(self, value: Bits, lanes: int) -> Elements:
        return Elements(value.width, [value.value] * lanes)

    def reduce(self, operation: str, vector: Elements) -> Bits:
        combine = {"add": Elements.__add__, "smin": Elements.smin, "smax": Elements.smax, "umin": Elements.umin}
        combine["umax"] = Elements.umax
        result = Elements(vector.esize, vector.values[:1])
        for value in vector.values[1:]:
            result = combine[operation](result, value)
        return result.lane(0)

    def aes_sub_bytes(self, state: Elements, *, inverse: bool) -> Elements:
        box = substitution_box(inverse=inverse)
        return Elements(8, [box[byte] for byte in state.values])

    def _saturating(self, a: _Lanes, exact: Callable[[int, int], int], b: _Lanes, *, signed: bool) -> _Lanes:
        return self._lanes(
            lambda x, y, width: self._clamp(exact(_read(x, width, signed), _read(y, width, signed)), width, signed),
            a,
            b,
        )

    def _clamp(self, value: int, width: int, signed: bool) -> int:
        low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
        clamped = min(max(value, low), high)
        if clamped != value:
            self.system_registers[system.FPSR] |= system.QC
        return clamped

    def saturating_add(self, a: _Lanes, b: _Lanes, *, signed: bool) -> _Lanes:
        return self._saturating(a, operator.add, b, signed=signed)

    def saturating_subtract(self, a: _Lanes, b: _Lanes, *, signed: bool) -> _Lanes:
        return self._saturating(a, operator.sub, b, signed=signed)

    def saturate(self, a: _Lanes, esize: int, *, source_signed: bool, signed: bool) -> _Lanes:
        return self._lanes(lambda x, width: self._clamp(_read(x, width, source_signed), esize, signed), a, width=esize)

    def saturated_if(self, condition: Bits) -> None:
        if condition.value:
            self.system_registers[system.FPSR] |= system.QC


def _read(value: int, width: int, signed: bool) -> int:
    return value - (1 << width) if signed and value >> (width - 1) else value
