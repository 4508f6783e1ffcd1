"""The reference machine: values are Python ints, and every operation is said in the plainest way."""

from __future__ import annotations

import time
from typing import Any, Protocol

from armexec.errors import Error
from armexec.machines import system
from armexec.machines.traps import Trap, TrapKind

__all__ = ["Bits", "Flags", "Memory", "ReferenceMachine"]


class Memory(Protocol):
    """Where loads and stores go. Both raise an armexec.Error with an `address` where memory refuses."""

    def read(self, address: int, size: int) -> bytes: ...
    def write(self, address: int, data: bytes) -> None: ...


class Bits:
    """`width` bits holding `value`, 0 <= value < 2**width."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("value", "width")

    def __init__(self, width: int, value: int) -> None:
        self.width = width
        self.value = value & ((1 << width) - 1)

    def __repr__(self) -> str:
        return f"Bits({self.width}, 0x{self.value:x})"

    def __bool__(self) -> bool:
        raise TypeError("a machine's value has no truth: use m.select")

    def _other(self, other: Bits | int) -> int:
        if other.__class__ is int:
            return other & ((1 << self.width) - 1)  # type: ignore[operator,return-value]
        if other.width != self.width:  # type: ignore[union-attr]
            raise TypeError(f"{self.width} bits and {other.width} bits")  # type: ignore[union-attr]
        return other.value  # type: ignore[union-attr]

    @property
    def signed(self) -> int:
        """The value as two's complement."""
        sign = 1 << (self.width - 1)
        return (self.value ^ sign) - sign

    def _signed_other(self, other: Bits | int) -> int:
        sign = 1 << (self.width - 1)
        return (self._other(other) ^ sign) - sign

    def __add__(self, other: Bits | int) -> Bits:
        return Bits(self.width, self.value + self._other(other))

    def __sub__(self, other: Bits | int) -> Bits:
        return Bits(self.width, self.value - self._other(other))

    def __mul__(self, other: Bits | int) -> Bits:
        return Bits(self.width, self.value * self._other(other))

    def __and__(self, other: Bits | int) -> Bits:
        return Bits(self.width, self.value & self._other(other))

    def __or__(self, other: Bits | int) -> Bits:
        return Bits(self.width, self.value | self._other(other))

    def __xor__(self, other: Bits | int) -> Bits:
        return Bits(self.width, self.value ^ self._other(other))

    def __invert__(self) -> Bits:
        return Bits(self.width, ~self.value)

    def __neg__(self) -> Bits:
        return Bits(self.width, -self.value)

    def _amount(self, amount: Bits | int) -> int:
        amount = amount if isinstance(amount, int) else amount.value
        if not 0 <= amount < self.width:
            raise ValueError(f"shift of {self.width} bits by {amount}")
        return amount

    def __lshift__(self, amount: Bits | int) -> Bits:
        return Bits(self.width, self.value << self._amount(amount))

    def __rshift__(self, amount: Bits | int) -> Bits:
        return Bits(self.width, self.value >> self._amount(amount))

    def asr(self, amount: Bits | int) -> Bits:
        return Bits(self.width, self.signed >> self._amount(amount))

    def ror(self, amount: Bits | int) -> Bits:
        count = (amount if isinstance(amount, int) else amount.value) % self.width
        return Bits(self.width, self.value >> count | self.value << (self.width - count))

    def __eq__(self, other: Bits | int) -> Bits:  # type: ignore[override]
        return Bits(1, self.value == self._other(other))

    def __ne__(self, other: Bits | int) -> Bits:  # type: ignore[override]
        return Bits(1, self.value != self._other(other))

    def ult(self, other: Bits | int) -> Bits:
        return Bits(1, self.value < self._other(other))

    def ule(self, other: Bits | int) -> Bits:
        return Bits(1, self.value <= self._other(other))

    def slt(self, other: Bits | int) -> Bits:
        return Bits(1, self.signed < self._signed_other(other))

    def sle(self, other: Bits | int) -> Bits:
        return Bits(1, self.signed <= self._signed_other(other))

    def zero_extend(self, width: int) -> Bits:
        return Bits(width, self.value)

    def sign_extend(self, width: int) -> Bits:
        return Bits(width, self.signed)

    def bits(self, low: int, width: int) -> Bits:
        return Bits(width, self.value >> low)

    def udiv(self, other: Bits | int) -> Bits:
        divisor = self._other(other)
        return Bits(self.width, self.value // divisor if divisor else 0)

    def sdiv(self, other: Bits | int) -> Bits:
        divisor = self._signed_other(other)
        if divisor == 0:
            return Bits(self.width, 0)
        quotient = abs(self.signed) // abs(divisor)
        return Bits(self.width, quotient if (self.signed < 0) == (divisor < 0) else -quotient)

    def clz(self) -> Bits:
        return Bits(self.width, self.width - self.value.bit_length())

    def popcount(self) -> Bits:
        return Bits(self.width, self.value.bit_count())

    def reverse_bits(self) -> Bits:
        return Bits(self.width, int(f"{self.value:0{self.width}b}"[::-1], 2))

    def reverse_bytes(self) -> Bits:
        return Bits(self.width, int.from_bytes(self.value.to_bytes(self.width // 8, "little"), "big"))


class Flags:
    """N, Z, C and V."""

    __slots__ = ("C", "N", "V", "Z")

    def __init__(self, n: int, z: int, c: int, v: int) -> None:
        self.N, self.Z, self.C, self.V = Bits(1, n), Bits(1, z), Bits(1, c), Bits(1, v)

    @property
    def value(self) -> int:
        """NZCV as four bits, N highest."""
        return self.N.value << 3 | self.Z.value << 2 | self.C.value << 1 | self.V.value


class _Registers:
    """X0-X30, with 31 as zero."""

    __slots__ = ("file",)

    def __init__(self, file: list[int]) -> None:
        self.file = file

    def __getitem__(self, key: tuple[int, int]) -> Bits:
        size, number = key
        return Bits(size, self.file[number] if number != 31 else 0)

    def __setitem__(self, key: tuple[int, int], value: Bits) -> None:
        size, number = key
        if value.width != size:
            raise TypeError(f"{value.width} bits into a register of {size}")
        if number != 31:
            self.file[number] = value.value


class _RegistersOrSP(_Registers):
    """X0-X30, with 31 as SP: the last of the file."""

    __slots__ = ()

    def __getitem__(self, key: tuple[int, int]) -> Bits:
        size, number = key
        return Bits(size, self.file[number])

    def __setitem__(self, key: tuple[int, int], value: Bits) -> None:
        size, number = key
        if value.width != size:
            raise TypeError(f"{value.width} bits into a register of {size}")
        self.file[number] = value.value


def _plain(value: Bits | int) -> int:
    return value if isinstance(value, int) else value.value


class ReferenceMachine:
    """The state of one guest thread, and what instructions do to it.

    `registers` holds X0-X30 and, at 31, SP. After an instruction `next_pc` says where to go on.
    """

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.registers = [0] * 32
        self.X = _Registers(self.registers)
        self.XSP = _RegistersOrSP(self.registers)
        self.NZCV = Flags(0, 0, 0, 0)
        self.pc = 0
        self.next_pc = 0
        self.system_registers = {
            system.FPCR: 0,
            system.FPSR: 0,
            system.TPIDR_EL0: 0,
            system.DIT: 0,
            system.SSBS: 0,
        }
        # The exclusive monitor: address and the bytes that were loaded, or None.
        self.monitor: tuple[int, bytes] | None = None

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
        try:
            return self.memory.read(address, size)
        except Error as error:
            raise Trap(TrapKind.READ, self.pc, getattr(error, "address", address)) from None

    def _write(self, address: int, data: bytes) -> None:
        try:
            self.memory.write(address, data)
        except Error as error:
            raise Trap(TrapKind.WRITE, self.pc, getattr(error, "address", address)) from None

    def load(self, address: Bits, bits: int, *, acquire: bool = False) -> Bits:
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
        if self._read(address.value, size) != monitor[1]:
            return Bits(32, 1)
        self._write(address.value, value.value.to_bytes(size, "little"))
        return Bits(32, 0)

    def clear_exclusive(self) -> None:
        self.monitor = None

    def atomic(self, operation: str, address: Bits, operand: Bits, *, acquire: bool, release: bool) -> Bits:
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
        # Every instruction is fetched from memory.
        pass

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
        raise Trap(TrapKind.SUPERVISOR_CALL, self.pc, immediate)

    def breakpoint(self, immediate: int) -> None:
        raise Trap(TrapKind.BREAKPOINT, self.pc, immediate)

    def undefined(self, why: str) -> None:
        raise Trap(TrapKind.UNDEFINED, self.pc, 0, why)

    # -- system registers -----------------------------------------------------------------------------------------
    def read_system_register(self, register: int) -> Bits:
        if register == system.NZCV:
            return Bits(64, self.NZCV.value << 28)
        if register in (system.CNTVCT_EL0, system.CNTPCT_EL0):
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
