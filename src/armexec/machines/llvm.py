"""The machine that translates: values are names of LLVM values, and every operation appends a line of IR text.

Registers live in allocas (`%x0` ... `%x30`, `%x31` for SP, `%fN` `%fZ` `%fC` `%fV`), which LLVM's mem2reg
turns into SSA values. Within a block the machine keeps what it has read and written, so that a block loads a
register at most once; who drives the machine decides, when it knows what is live, which registers a block
stores at its end (`flush`). That makes a comparison and the branch on it one `icmp`: the flags that nobody
reads are never computed.

Guest memory is the host's own. An address becomes a pointer by `getelementptr i8, ptr null`, in functions
marked `null_pointer_is_valid`: alias analysis sees through it, as it doesn't through `inttoptr`. Nothing
emitted here has undefined behaviour or makes poison: no alignment is claimed that isn't checked, divisions
are total, and shifts are in range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from armexec.machines import system
from armexec.machines.traps import TrapKind

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FLAG", "NAMES", "SP", "STATE", "Flags", "LlvmMachine", "Terminator", "Value", "register_type"]

SP = 31
FLAG = {"N": 32, "Z": 33, "C": 34, "V": 35}
STATE = 68
"""Not a register of the guest: the number under which a use of the state structure is accounted."""

NAMES = [f"%x{n}" for n in range(32)] + ["%fN", "%fZ", "%fC", "%fV"]
"""The alloca of each register, by number."""

Terminator: TypeAlias = tuple[Any, ...]
"""How a block ends: ("goto", target), ("branch", condition, target, otherwise), ("call", target), ("call_to", value),
("jump", value), ("return", value) or ("trap",)."""


def register_type(number: int) -> str:
    """The LLVM type of a register, by number."""
    return "i64" if number < 32 else "i1"


class Value:
    """`width` bits: an operand's text, and the Python int where it is `known`.

    `address` is the guest address that a position-independent constant stands for.
    """

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("address", "known", "machine", "text", "width")

    def __init__(
        self,
        machine: LlvmMachine,
        width: int,
        text: str,
        known: int | None = None,
        address: int | None = None,
    ) -> None:
        self.machine = machine
        self.width = width
        self.text = text
        self.known = known
        self.address = address

    def __repr__(self) -> str:
        return f"<i{self.width} {self.text}>"

    def __bool__(self) -> bool:
        raise TypeError("a machine's value has no truth: use m.select")

    def _const(self, value: int) -> Value:
        return self.machine.const(self.width, value)

    def _operand(self, other: Value | int) -> Value:
        if other.__class__ is int:
            return self.machine.const(self.width, other)
        if other.width != self.width:  # type: ignore[union-attr]
            raise TypeError(f"{self.width} bits and {other.width} bits")  # type: ignore[union-attr]
        return other  # type: ignore[return-value]

    def _binary(self, operation: str, other: Value) -> Value:
        m = self.machine
        m.count += 1
        name = f"%v{m.count}"
        m.out.append(f"{name} = {operation} i{self.width} {self.text}, {other.text}")
        return Value(m, self.width, name)

    def _compare(self, predicate: str, other: Value) -> Value:
        m = self.machine
        m.count += 1
        name = f"%v{m.count}"
        m.out.append(f"{name} = icmp {predicate} i{self.width} {self.text}, {other.text}")
        return Value(m, 1, name)

    @property
    def signed(self) -> int:
        """The known value as two's complement."""
        assert self.known is not None
        sign = 1 << (self.width - 1)
        return (self.known ^ sign) - sign

    def __add__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.known is not None:
            if self.known is not None:
                return self._const(self.known + b.known)
            if b.known == 0:
                return self
            if self.address is not None:
                return self.machine.address(self.address + b.known & 0xFFFF_FFFF_FFFF_FFFF)
        return self._binary("add", b)

    def __sub__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.known is not None:
            if self.known is not None:
                return self._const(self.known - b.known)
            if b.known == 0:
                return self
        return self._binary("sub", b)

    def __mul__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.known is not None and self.known is not None:
            return self._const(self.known * b.known)
        return self._binary("mul", b)

    def __and__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.known is not None:
            if self.known is not None:
                return self._const(self.known & b.known)
            if b.known == 0:
                return b
            if b.known == (1 << self.width) - 1:
                return self
        return self._binary("and", b)

    def __or__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.known is not None:
            if self.known is not None:
                return self._const(self.known | b.known)
            if b.known == 0:
                return self
        elif self.known == 0:
            return b
        return self._binary("or", b)

    def __xor__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.known is not None:
            if self.known is not None:
                return self._const(self.known ^ b.known)
            if b.known == 0:
                return self
        elif self.known == 0:
            return b
        return self._binary("xor", b)

    def __invert__(self) -> Value:
        return self ^ ((1 << self.width) - 1)

    def __neg__(self) -> Value:
        return self._const(0) - self

    def _shift(self, operation: str, amount: Value | int) -> Value:
        b = self._operand(amount)
        if b.known is not None:
            if b.known >= self.width:
                raise ValueError(f"shift of {self.width} bits by {b.known}")
            if b.known == 0:
                return self
            if self.known is not None:
                if operation == "shl":
                    return self._const(self.known << b.known)
                return self._const((self.known if operation == "lshr" else self.signed) >> b.known)
        return self._binary(operation, b)

    def __lshift__(self, amount: Value | int) -> Value:
        return self._shift("shl", amount)

    def __rshift__(self, amount: Value | int) -> Value:
        return self._shift("lshr", amount)

    def asr(self, amount: Value | int) -> Value:
        return self._shift("ashr", amount)

    def ror(self, amount: Value | int) -> Value:
        if isinstance(amount, int):
            amount %= self.width
            if amount == 0:
                return self
            if self.known is not None:
                return self._const(self.known >> amount | self.known << (self.width - amount))
        b = self._operand(amount)
        return self._intrinsic("fshr", f", i{self.width} {self.text}, i{self.width} {b.text}")

    def _intrinsic(self, name: str, rest: str = "") -> Value:
        m = self.machine
        return m.emit(self.width, f"call i{self.width} @llvm.{name}.i{self.width}(i{self.width} {self.text}{rest})")

    def __eq__(self, other: Value | int) -> Value:  # type: ignore[override]
        b = self._operand(other)
        if self.known is not None and b.known is not None:
            return self.machine.const(1, self.known == b.known)
        return self._compare("eq", b)

    def __ne__(self, other: Value | int) -> Value:  # type: ignore[override]
        b = self._operand(other)
        if self.known is not None and b.known is not None:
            return self.machine.const(1, self.known != b.known)
        return self._compare("ne", b)

    def ult(self, other: Value | int) -> Value:
        b = self._operand(other)
        if self.known is not None and b.known is not None:
            return self.machine.const(1, self.known < b.known)
        return self._compare("ult", b)

    def ule(self, other: Value | int) -> Value:
        b = self._operand(other)
        if self.known is not None and b.known is not None:
            return self.machine.const(1, self.known <= b.known)
        return self._compare("ule", b)

    def slt(self, other: Value | int) -> Value:
        b = self._operand(other)
        if self.known is not None and b.known is not None:
            return self.machine.const(1, self.signed < b.signed)
        return self._compare("slt", b)

    def sle(self, other: Value | int) -> Value:
        b = self._operand(other)
        if self.known is not None and b.known is not None:
            return self.machine.const(1, self.signed <= b.signed)
        return self._compare("sle", b)

    def zero_extend(self, width: int) -> Value:
        if width == self.width:
            return self
        m = self.machine
        if self.known is not None:
            return m.const(width, self.known)
        return m.emit(width, f"zext i{self.width} {self.text} to i{width}")

    def sign_extend(self, width: int) -> Value:
        if width == self.width:
            return self
        m = self.machine
        if self.known is not None:
            return m.const(width, self.signed)
        return m.emit(width, f"sext i{self.width} {self.text} to i{width}")

    def bits(self, low: int, width: int) -> Value:
        m = self.machine
        if self.known is not None:
            return m.const(width, self.known >> low)
        source = self >> low
        if width == self.width:
            return source
        return m.emit(width, f"trunc i{self.width} {source.text} to i{width}")

    def udiv(self, other: Value | int) -> Value:
        b = self._operand(other)
        m = self.machine
        zero = b == 0
        quotient = self._binary("udiv", m.select(zero, self._const(1), b))
        return m.select(zero, self._const(0), quotient)  # type: ignore[no-any-return]

    def sdiv(self, other: Value | int) -> Value:
        b = self._operand(other)
        m = self.machine
        zero = b == 0
        # The minimum by -1 overflows: dividing it by 1 gives what SDIV gives.
        overflow = (self == 1 << (self.width - 1)) & (b == -1)
        quotient = self._binary("sdiv", m.select(zero | overflow, self._const(1), b))
        return m.select(zero, self._const(0), quotient)  # type: ignore[no-any-return]

    def clz(self) -> Value:
        if self.known is not None:
            return self._const(self.width - self.known.bit_length())
        return self._intrinsic("ctlz", ", i1 false")

    def popcount(self) -> Value:
        if self.known is not None:
            return self._const(self.known.bit_count())
        return self._intrinsic("ctpop")

    def reverse_bits(self) -> Value:
        if self.known is not None:
            return self._const(int(f"{self.known:0{self.width}b}"[::-1], 2))
        return self._intrinsic("bitreverse")

    def reverse_bytes(self) -> Value:
        if self.width == 8:
            return self
        if self.known is not None:
            return self._const(int.from_bytes(self.known.to_bytes(self.width // 8, "little"), "big"))
        return self._intrinsic("bswap")


class Flags:
    """N, Z, C and V, each computed when asked for.

    A subclass says how, and answers a condition in the shortest way it knows. `fork` is the same flags for
    another block: what was computed so far dominates it, what is computed later may not.
    """

    def __init__(self, machine: LlvmMachine) -> None:
        self.machine = machine
        self._made: dict[str, Value] = {}

    def fork(self) -> Flags:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._made = dict(self._made)
        return other

    def flag(self, name: str) -> Value:
        value = self._made.get(name)
        if value is None:
            value = self._made[name] = self.make(name)
        return value

    def make(self, name: str) -> Value:
        raise NotImplementedError

    @property
    def N(self) -> Value:
        return self.flag("N")

    @property
    def Z(self) -> Value:
        return self.flag("Z")

    @property
    def C(self) -> Value:
        return self.flag("C")

    @property
    def V(self) -> Value:
        return self.flag("V")

    def holds(self, cond: int) -> Value:
        """One of the seven conditions EQ CS MI VS HI GE GT, numbered 0 to 6."""
        if cond == 0:
            return self.Z
        if cond == 1:
            return self.C
        if cond == 2:
            return self.N
        if cond == 3:
            return self.V
        if cond == 4:
            return self.C & ~self.Z
        signed = ~(self.N ^ self.V)
        return signed if cond == 5 else signed & ~self.Z


class _StoredFlags(Flags):
    """The flags as the block found them."""

    def make(self, name: str) -> Value:
        return self.machine.read_register(FLAG[name])


class _BitFlags(Flags):
    """Four bits."""

    def __init__(self, machine: LlvmMachine, n: Value, z: Value, c: Value, v: Value) -> None:
        super().__init__(machine)
        self._made = {"N": n, "Z": z, "C": c, "V": v}


class _SelectedFlags(Flags):
    """One of two, by a condition: a conditional comparison."""

    def __init__(self, machine: LlvmMachine, condition: Value, true: Flags, false: Flags) -> None:
        super().__init__(machine)
        self.condition = condition
        self.true = true
        self.false = false

    def fork(self) -> Flags:
        other = super().fork()
        assert isinstance(other, _SelectedFlags)
        other.true, other.false = self.true.fork(), self.false.fork()
        return other

    def make(self, name: str) -> Value:
        return self.machine.select(  # type: ignore[no-any-return]
            self.condition, self.true.flag(name), self.false.flag(name)
        )

    def holds(self, cond: int) -> Value:
        return self.machine.select(  # type: ignore[no-any-return]
            self.condition, self.true.holds(cond), self.false.holds(cond)
        )


class _ResultFlags(Flags):
    """The flags of `x + y` or `x - y` or of a logical result."""

    def __init__(self, machine: LlvmMachine, x: Value, y: Value, result: Value) -> None:
        super().__init__(machine)
        self.x = x
        self.y = y
        self.result = result

    def make(self, name: str) -> Value:
        if name == "N":
            return self.result.slt(0)
        if name == "Z":
            return self.result == 0
        return self.carry() if name == "C" else self.overflow()

    def carry(self) -> Value:
        raise NotImplementedError

    def overflow(self) -> Value:
        raise NotImplementedError


class _AddFlags(_ResultFlags):
    def carry(self) -> Value:
        return self.result.ult(self.x)

    def overflow(self) -> Value:
        return ((self.x ^ self.result) & (self.y ^ self.result)).slt(0)


class _SubtractFlags(_ResultFlags):
    def make(self, name: str) -> Value:
        return self.x == self.y if name == "Z" else super().make(name)

    def carry(self) -> Value:
        return self.y.ule(self.x)

    def overflow(self) -> Value:
        return ((self.x ^ self.y) & (self.x ^ self.result)).slt(0)

    def holds(self, cond: int) -> Value:
        if cond == 4:
            return self.y.ult(self.x)
        if cond == 5:
            return self.y.sle(self.x)
        if cond == 6:
            return self.y.slt(self.x)
        return super().holds(cond)


class _LogicFlags(_ResultFlags):
    def carry(self) -> Value:
        return self.machine.const(1, 0)

    overflow = carry

    def holds(self, cond: int) -> Value:
        if cond == 4:
            return self.machine.const(1, 0)
        if cond == 5:
            return self.result._const(0).sle(self.result)
        if cond == 6:
            return self.result._const(0).slt(self.result)
        return super().holds(cond)


class _Registers:
    __slots__ = ("machine", "sp")

    def __init__(self, machine: LlvmMachine, *, sp: bool) -> None:
        self.machine = machine
        self.sp = sp

    def __getitem__(self, key: tuple[int, int]) -> Value:
        size, number = key
        m = self.machine
        if number == 31 and not self.sp:
            return m.const(size, 0)
        if size == 64:
            return m.read_register(number)
        low = m.low.get(number)
        if low is None:
            low = m.low[number] = m.read_register(number).bits(0, size)
        return low

    def __setitem__(self, key: tuple[int, int], value: Value) -> None:
        size, number = key
        if value.width != size:
            raise TypeError(f"{value.width} bits into a register of {size}")
        m = self.machine
        if number == 31 and not self.sp:
            return
        m.dirty |= 1 << number
        if number == 30:
            m.link_written = True
        if size == 64:
            m.full[number] = value
            m.low.pop(number, None)
        else:
            m.low[number] = value
            m.full.pop(number, None)


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
_SYSTEM_FIELDS = {
    system.FPCR: "fpcr",
    system.FPSR: "fpsr",
    system.TPIDR_EL0: "tpidr_el0",
    system.DIT: "dit",
    system.SSBS: "ssbs",
}
_FENCES = {1: "acquire", 2: "release"}  # by the low bits of the option: loads, stores; else both


class LlvmMachine:
    """Emits one guest function.

    `image_base`: addresses are emitted relative to the symbol `@image`, which is there; None emits them as they are.
    `offsets`: where each field of the state structure is. `whys` collects what `undefined` says, by pc.
    """

    def __init__(self, offsets: Mapping[str, int], image_base: int | None, *, wide_atomics: bool = True) -> None:
        self.offsets = offsets
        self.image_base = image_base
        self.wide_atomics = wide_atomics
        self.count = 0
        self.whys: dict[int, str] = {}
        self.X = _Registers(self, sp=False)
        self.XSP = _Registers(self, sp=True)
        self.pc = 0
        self.begin()

    # -- blocks -------------------------------------------------------------------------------------------------
    def begin(self) -> None:
        """Start a block that knows nothing of the registers."""
        self.out: list[str] = []
        self.full: dict[int, Value] = {}
        self.low: dict[int, Value] = {}
        self._flags: Flags = _StoredFlags(self)
        self.dirty = 0
        self.used = 0
        self.link_written = False
        self.terminator: Terminator | None = None

    def follow(self, known: tuple[dict[int, Value], dict[int, Value], Flags]) -> None:
        """Start a block whose only predecessor ended with this knowledge."""
        self.begin()
        full, low, flags = known
        self.full, self.low, self._flags = dict(full), dict(low), flags.fork()

    def knowledge(self) -> tuple[dict[int, Value], dict[int, Value], Flags]:
        return self.full, self.low, self._flags

    def resume(self, out: list[str], knowledge: tuple[dict[int, Value], dict[int, Value], Flags], dirty: int) -> None:
        """Go on at the end of a block that wrote the registers `dirty`, to flush it."""
        self.out = out
        self.dirty = dirty
        self.full, self.low, self._flags = knowledge

    def read_register(self, number: int) -> Value:
        """A register's whole value, from its alloca if the block doesn't know it."""
        value = self.full.get(number)
        if value is None:
            low = self.low.get(number)
            if low is not None:
                # The lower half alone is known only after a 32-bit write, which clears the upper.
                value = low.zero_extend(64)
            else:
                self.used |= 1 << number
                kind = register_type(number)
                value = self.emit(64 if number < 32 else 1, f"load {kind}, ptr {NAMES[number]}")
            self.full[number] = value
        return value

    def flush(self, registers: int) -> None:
        """Store those of `registers` (a set as bits) that the block wrote."""
        todo = registers & self.dirty
        while todo:
            bit = todo & -todo
            number = bit.bit_length() - 1
            todo ^= bit
            value = self.read_register(number) if number < 32 else self._flags.flag("NZCV"[number - 32])
            self.out.append(f"store {register_type(number)} {value.text}, ptr {NAMES[number]}")

    def emit(self, width: int, text: str) -> Value:
        """Append `name = text`."""
        self.count += 1
        name = f"%v{self.count}"
        self.out.append(f"{name} = {text}")
        return Value(self, width, name)

    def state_field(self, name: str) -> str:
        """A pointer to a field of the state structure."""
        self.used |= 1 << STATE
        self.count += 1
        pointer = f"%v{self.count}"
        self.out.append(f"{pointer} = getelementptr i8, ptr %state, i64 {self.offsets[name]}")
        return pointer

    # -- values -------------------------------------------------------------------------------------------------
    def const(self, width: int, value: int) -> Value:
        value &= (1 << width) - 1
        if width == 1:
            return Value(self, 1, "true" if value else "false", value)
        return Value(self, width, str(value), value)

    def address(self, address: int) -> Value:
        address &= 0xFFFF_FFFF_FFFF_FFFF
        if self.image_base is None:
            return self.const(64, address)
        offset = address - self.image_base
        return Value(self, 64, f"ptrtoint (ptr getelementptr (i8, ptr @image, i64 {offset}) to i64)", None, address)

    def select(self, condition: Value, when_true: Any, when_false: Any) -> Any:
        if condition.known is not None:
            return when_true if condition.known else when_false
        if isinstance(when_true, Flags):
            return _SelectedFlags(self, condition, when_true, when_false)
        kind = f"i{when_true.width}"
        return self.emit(
            when_true.width, f"select i1 {condition.text}, {kind} {when_true.text}, {kind} {when_false.text}"
        )

    # -- flags --------------------------------------------------------------------------------------------------
    @property
    def NZCV(self) -> Flags:
        return self._flags

    @NZCV.setter
    def NZCV(self, flags: Flags) -> None:
        self._flags = flags
        self.dirty |= 0xF << 32

    def stored_flags(self) -> Flags:
        """The flags as they are in their allocas."""
        return _StoredFlags(self)

    def _bit(self, value: Value | int) -> Value:
        return self.const(1, value) if isinstance(value, int) else value

    def flags(self, n: Value | int, z: Value | int, c: Value | int, v: Value | int) -> Flags:
        return _BitFlags(self, self._bit(n), self._bit(z), self._bit(c), self._bit(v))

    def add_with_carry(self, x: Value, y: Value, carry: Value | int) -> tuple[Value, Flags]:
        c = self._bit(carry)
        if c.known == 0:
            return self.add_flags(x, y)
        partial = x + y
        result = partial + c.zero_extend(x.width)
        carried = partial.ult(x) | result.ult(partial)
        overflow = ((x ^ result) & (y ^ result)).slt(0)
        return result, _BitFlags(self, result.slt(0), result == 0, carried, overflow)

    def add_flags(self, x: Value, y: Value) -> tuple[Value, Flags]:
        result = x + y
        if y.known is not None and y.known not in (0, 1 << (y.width - 1)):
            # Adding c sets the flags as subtracting -c does, except at these two: comparisons fuse.
            return result, _SubtractFlags(self, x, -y, result)
        return result, _AddFlags(self, x, y, result)

    def subtract_flags(self, x: Value, y: Value) -> tuple[Value, Flags]:
        result = x - y
        return result, _SubtractFlags(self, x, y, result)

    def logic_flags(self, result: Value) -> Flags:
        return _LogicFlags(self, result, result, result)

    def condition(self, cond: int) -> Value:
        if cond >= 14:
            return self.const(1, 1)
        holds = self._flags.holds(cond >> 1)
        return ~holds if cond & 1 else holds

    # -- memory -------------------------------------------------------------------------------------------------
    def _pointer(self, address: Value) -> str:
        self.count += 1
        pointer = f"%v{self.count}"
        self.out.append(f"{pointer} = getelementptr i8, ptr null, i64 {address.text}")
        return pointer

    def load(self, address: Value, bits: int, *, acquire: bool = False) -> Value:
        pointer = self._pointer(address)
        if acquire and (bits < 128 or self.wide_atomics):
            return self.emit(bits, f"load atomic i{bits}, ptr {pointer} acquire, align {bits // 8}")
        return self.emit(bits, f"load i{bits}, ptr {pointer}, align 1")

    def store(self, address: Value, value: Value, *, release: bool = False) -> None:
        bits = value.width
        pointer = self._pointer(address)
        if release and (bits < 128 or self.wide_atomics):
            # A load-acquire after a store-release stays after it (RCsc): on x86 that takes sequential consistency.
            self.out.append(f"store atomic i{bits} {value.text}, ptr {pointer} seq_cst, align {bits // 8}")
        else:
            self.out.append(f"store i{bits} {value.text}, ptr {pointer}, align 1")

    def _trap_if(self, condition: Value, kind: TrapKind, detail: Value) -> None:
        if condition.known == 0:
            return
        self.used |= 1 << STATE
        self.count += 1
        n = self.count
        self.out.append(f"br i1 {condition.text}, label %t{n}, label %c{n}")
        self.out.append(f"t{n}:")
        self._trap(kind, detail)
        self.out.append("unreachable")
        self.out.append(f"c{n}:")

    def _trap(self, kind: TrapKind, detail: Value) -> None:
        self.used |= 1 << STATE
        pc = self.address(self.pc).text
        self.out.append(f"call preserve_allcc void @trap(ptr %state, i32 {int(kind)}, i64 {pc}, i64 {detail.text})")

    def trap(self, kind: TrapKind, detail: Value | int = 0) -> None:
        """End the block by reporting a trap at this instruction."""
        self._trap(kind, self.const(64, detail) if isinstance(detail, int) else detail)
        self.terminator = ("trap",)

    def check_alignment(self, address: Value, size: int) -> None:
        if size > 1:
            self._trap_if((address & (size - 1)) != 0, TrapKind.ALIGNMENT, address)

    def check_stack_alignment(self) -> None:
        sp = self.read_register(SP)
        self._trap_if((sp & 15) != 0, TrapKind.ALIGNMENT, sp)

    def load_exclusive(self, address: Value, bits: int, *, acquire: bool = False) -> Value:
        value = self.load(address, bits, acquire=True)
        self.out.append(f"store i64 {address.text}, ptr {self.state_field('exclusive_address')}")
        self.out.append(f"store i{bits} {value.text}, ptr {self.state_field('exclusive_value')}")
        self.out.append(f"store i64 {bits}, ptr {self.state_field('exclusive_bits')}")
        return value

    def store_exclusive(self, address: Value, value: Value, *, release: bool = False) -> Value:
        # The store succeeds if memory still holds what was loaded.
        bits = value.width
        there = self.emit(64, f"load i64, ptr {self.state_field('exclusive_address')}")
        size = self.emit(64, f"load i64, ptr {self.state_field('exclusive_bits')}")
        old = self.emit(bits, f"load i{bits}, ptr {self.state_field('exclusive_value')}")
        self.clear_exclusive()
        stands = (there == address) & (size == bits)
        self.count += 1
        n = self.count
        self.out.append("store i1 true, ptr %failed")
        self.out.append(f"br i1 {stands.text}, label %s{n}, label %e{n}")
        self.out.append(f"s{n}:")
        seen = self._exchange(address, old, value, "seq_cst")
        self.out.append(f"store i1 {(seen != old).text}, ptr %failed")
        self.out.append(f"br label %e{n}")
        self.out.append(f"e{n}:")
        return self.emit(1, "load i1, ptr %failed").zero_extend(32)

    def clear_exclusive(self) -> None:
        self.out.append(f"store i64 0, ptr {self.state_field('exclusive_bits')}")

    def _exchange(self, address: Value, expected: Value, new: Value, order: str) -> Value:
        """Compare and exchange; the old value."""
        bits = expected.width
        pointer = self._pointer(address)
        if bits == 128 and not self.wide_atomics:
            # This processor has no 16-byte compare-and-exchange: right for one thread.
            old = self.emit(bits, f"load i128, ptr {pointer}, align 1")
            chosen = self.select(old == expected, new, old)
            self.out.append(f"store i128 {chosen.text}, ptr {pointer}, align 1")
            return old
        pair = self.emit(
            bits,
            f"cmpxchg ptr {pointer}, i{bits} {expected.text}, i{bits} {new.text} {order} seq_cst, align {bits // 8}",
        )
        return self.emit(bits, f"extractvalue {{i{bits}, i1}} {pair.text}, 0")

    def atomic(self, operation: str, address: Value, operand: Value, *, acquire: bool, release: bool) -> Value:
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
        return self._exchange(address, expected, new, "seq_cst")

    def barrier(self, kind: str, option: int) -> None:
        if kind in ("dmb", "dsb"):
            self.out.append(f"fence {_FENCES.get(option & 3, 'seq_cst')}")

    def zero_cache_block(self, address: Value) -> None:
        pointer = self._pointer(address & ~63)
        self.out.append(f"store <64 x i8> zeroinitializer, ptr {pointer}, align 1")

    def invalidate_instruction_cache(self, address: Value) -> None:
        # The code of an image never changes: its pages are not writable.
        pass

    # -- control flow -------------------------------------------------------------------------------------------
    def branch(self, target: int) -> None:
        self.terminator = ("goto", target)

    def branch_if(self, condition: Value, target: int) -> None:
        otherwise = self.pc + 4
        if condition.known is not None:
            self.terminator = ("goto", target if condition.known else otherwise)
        else:
            self.terminator = ("branch", condition, target, otherwise)

    def call(self, target: int) -> None:
        self.terminator = ("call", target)

    def branch_to(self, target: Value) -> None:
        self.terminator = ("jump", target)

    def call_to(self, target: Value) -> None:
        self.terminator = ("call_to", target)

    def return_to(self, target: Value) -> None:
        self.terminator = ("return", target)

    # -- exceptions ---------------------------------------------------------------------------------------------
    def supervisor_call(self, immediate: int) -> None:
        self.trap(TrapKind.SUPERVISOR_CALL, immediate)

    def breakpoint(self, immediate: int) -> None:
        self.trap(TrapKind.BREAKPOINT, immediate)

    def undefined(self, why: str) -> None:
        self.whys[self.pc] = why
        self.trap(TrapKind.UNDEFINED)

    # -- system registers -----------------------------------------------------------------------------------------
    def read_system_register(self, register: int) -> Value:
        if register == system.NZCV:
            f = self._flags
            n, z, c, v = (bit.zero_extend(64) for bit in (f.N, f.Z, f.C, f.V))
            return n << 31 | z << 30 | c << 29 | v << 28
        if register in (system.CNTVCT_EL0, system.CNTPCT_EL0):
            return self.emit(64, "call i64 @monotonic_clock()")
        constant = system.CONSTANT_REGISTERS.get(register)
        if constant is not None:
            return self.const(64, constant)
        return self.emit(64, f"load i64, ptr {self.state_field(_SYSTEM_FIELDS[register])}")

    def write_system_register(self, register: int, value: Value) -> None:
        if register == system.NZCV:
            self.NZCV = self.flags(value.bits(31, 1), value.bits(30, 1), value.bits(29, 1), value.bits(28, 1))
        else:
            self.out.append(f"store i64 {value.text}, ptr {self.state_field(_SYSTEM_FIELDS[register])}")
