"""The machine that translates: values are names of LLVM values, and every operation appends a line of IR text.

Registers live in allocas (`%x0` ... `%x30`, `%x31` for SP, `%fN` `%fZ` `%fC` `%fV`), which LLVM's mem2reg
turns into SSA values. Within a block the machine keeps what it has read and written, so that a block loads a
register at most once; who drives the machine decides, when it knows what is live, which registers a block
stores at its end (`flush`). That makes a comparison and the branch on it one `icmp`: the flags that nobody
reads are never computed.

Nothing emitted here has undefined behaviour or makes poison: no alignment is claimed that isn't checked, divisions
are total, and shifts are in range.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from armexec.cpu.registers import COUNTER, FLAGS, NZCV, SP, STATE, VIEWS, Kind, bit, register_type, state_place, x
from armexec.machines import system
from armexec.machines.llvm.builder import Builder, Host
from armexec.machines.llvm.flags import (
    AddFlags,
    BitFlags,
    Flags,
    LogicFlags,
    SelectedFlags,
    StoredFlags,
    SubtractFlags,
)
from armexec.machines.llvm.floats import FloatingPoint
from armexec.machines.llvm.general_registers import GeneralFile, GeneralRegisters
from armexec.machines.llvm.guards import Guards
from armexec.machines.llvm.knowledge import Knowledge
from armexec.machines.llvm.memory import Memory
from armexec.machines.llvm.shapes import Shapes
from armexec.machines.llvm.values import ShapedValue, Value, address_of, const, select
from armexec.machines.llvm.vector_registers import ScalarRegisters, VectorFile, VectorRegisters
from armexec.machines.llvm.vectors import Vectors
from armexec.machines.traps import TrapKind

__all__ = ["NAMES", "LlvmMachine", "Terminator", "place_label"]

NAMES: Mapping[int, str] = {number: view.variable for number, view in VIEWS.items()}
"""The alloca of each register, by number."""

_STATE = bit(STATE)

Terminator: TypeAlias = tuple[Any, ...]
"""How a block ends: ("goto", target), ("branch", condition, target, otherwise), ("call", target), ("call_to", value),
("jump", value), ("return", value), ("switch", FPCR's new value, target) or ("trap",)."""


def place_label(kind: str, *offsets: int) -> str:
    """The label of what stands once for each place in the guest's code, or for each way from one to another.

    Labels share a name space with values: neither `Builder.block` nor values have such names.
    """
    return ".".join((kind, *(f"x{offset:x}" for offset in offsets)))


_SYSTEM_FIELDS = {
    system.FPCR: "fpcr",
    system.FPSR: "fpsr",
    system.TPIDR_EL0: "tpidr_el0",
    system.DIT: "dit",
    system.SSBS: "ssbs",
}


_CONDITION_FLAGS = ("Z", "C", "N", "V", "CZ", "NV", "NVZ")
"""What each condition reads, by its number without the lowest bit."""


class LlvmMachine(GeneralFile, VectorFile, Memory, Vectors, FloatingPoint):
    """Emits one guest function, through its `builder`.

    `image_base`: addresses are emitted relative to the symbol `@image`, which is there; None emits them as they are.
    `offsets`: where each field of the state structure is. `strict`: floating point as FPCR says, with FPSR's flags;
    otherwise FPCR is zero, and FPSR never read. `speculates`: on there being no NaN (`Guards`).
    `undefined_reasons`: what `undefined` said, by pc. `max_deferred_stores`: the most stores that wait for one guard.
    `system_calls`: `svc` calls `@system_call`, and goes on, and `ic ivau` calls `@invalidate_code`; else the one is a
    trap, and the other does nothing. `counts`: instructions are counted; then `block_end` is where the block ends that
    is translated. `sandbox`: addresses are offsets of 32 bits from the symbol
    `@memory` (`memory.pointer_to`).
    """

    def __init__(
        self,
        offsets: Mapping[str, int],
        image_base: int | None,
        *,
        host: Host | None = None,
        strict: bool = False,
        speculates: bool = False,
        max_deferred_stores: int = 8,
        system_calls: bool = False,
        counts: bool = False,
        sandbox: bool = False,
    ) -> None:
        self.builder = Builder(offsets, image_base, host, sandbox=sandbox)
        self.guards = Guards(self.builder, speculates=speculates, max_deferred_stores=max_deferred_stores)
        self.strict = strict
        self.system_calls = system_calls
        self.counts = counts
        self.block_end = 0
        self.volatile = set()
        self.helpers = {}
        self.undefined_reasons: dict[int, str] = {}
        self.X = GeneralRegisters(self, sp=False)
        self.XSP = GeneralRegisters(self, sp=True)
        self.V = ScalarRegisters(self)
        self.Vec = VectorRegisters(self)
        self.begin()

    @property
    def pc(self) -> int:
        """The address of the instruction that is translated."""
        return self.builder.pc

    @pc.setter
    def pc(self, pc: int) -> None:
        self.builder.pc = pc

    # -- blocks -------------------------------------------------------------------------------------------------
    def begin(self) -> None:
        """Start a block that knows nothing of the registers."""
        self.builder.begin()
        self.guards.begin()
        self.full = {}
        self.low = {}
        self.vectors = {}
        self.pairs = {}
        self._flags: Flags = self.stored_flags()
        self.dirty = 0
        self.reads = 0
        self.loaded = 0
        self.aligned = ""
        self.link_written = False
        self.written = {}
        self.terminator: Terminator | None = None

    def start(self, knowledge: Knowledge | None) -> None:
        """Start a block, whose only predecessor ended with this knowledge."""
        self.begin()
        if knowledge is None:
            return
        full, low, flags, vectors = knowledge
        self.full, self.low, self._flags = dict(full), dict(low), flags.fork()
        if vectors:
            self.follow_vectors(vectors)

    def knowledge(self) -> Knowledge:
        return self.full, self.low, self._flags, self.vectors

    @property
    def used(self) -> int:
        """The registers that the block loads from where they are kept, as bits, with the state if it uses that."""
        return self.loaded | (_STATE if self.builder.state.is_used else 0)

    def next_segment(self) -> None:
        """Start a segment at this instruction."""
        self.end_segment()
        self.guards.next_segment((dict(self.full), dict(self.low), self._flags.fork(), dict(self.vectors)))

    def end_segment(self) -> None:
        segment = self.guards.segments[-1]
        segment.reads, segment.writes = self.reads, self.dirty
        self.reads = self.dirty = 0

    def resume(self, out: list[str], knowledge: Knowledge, dirty: int) -> None:
        """Go on at the end of a block that wrote the registers `dirty`, to flush it."""
        self.builder.out = out
        self.dirty = dirty
        self.full, self.low, self._flags, self.vectors = knowledge

    def register(self, number: int) -> Value:
        """Any register's value, by its number among those of the translation."""
        view = VIEWS[number]
        register = view.register
        if number == COUNTER:
            # It changes at the beginning of each block, so that nothing is known of it.
            return self.emit(64, f"load i64, ptr {view.variable}")
        if register.kind is Kind.VECTOR:
            return Value(self.builder, view.bits, self.read_vector(register.n, view.bits).get(view.type))
        if register.kind is Kind.FLAG:
            return self._flags.flag(register.name.upper())
        return self.read_register(number)

    def narrow(self, value: Value, source: int, target: int) -> Value:
        """A view of a V register from a wider one."""
        wide, low = VIEWS[source], VIEWS[target]
        text = Shapes(self.builder, wide.bits, {wide.type: value.text}).low(low.bits).get(low.type)
        return Value(self.builder, low.bits, text)

    def flush(self, registers: int) -> None:
        """Store those of `registers` (a set as bits) that the block wrote."""
        todo = registers & self.dirty
        while todo:
            bit = todo & -todo
            number = bit.bit_length() - 1
            todo ^= bit
            self.builder.store(register_type(number), self.register(number).text, NAMES[number])

    # -- values -------------------------------------------------------------------------------------------------
    def const(self, width: int, value: int) -> Value:
        return const(self.builder, width, value)

    def address(self, address: int) -> Value:
        return address_of(self.builder, address)

    def select(self, condition: Value, when_true: Any, when_false: Any) -> Any:
        if condition.constant is not None:
            return when_true if condition.constant else when_false
        if isinstance(when_true, Flags):
            return SelectedFlags(self.builder, condition, when_true, when_false)
        if when_true.__class__ is ShapedValue and when_false.__class__ is ShapedValue:
            chosen = self.choose_number(condition, when_true, when_false)
            if chosen is not None:
                return chosen
        return select(condition, when_true, when_false)

    # -- flags --------------------------------------------------------------------------------------------------
    @property
    def NZCV(self) -> Flags:
        self._read_flags("NZCV")
        return self._flags

    @NZCV.setter
    def NZCV(self, flags: Flags) -> None:
        self._flags = flags
        self.dirty |= NZCV

    def _read_flags(self, names: str) -> None:
        if not self.dirty & NZCV:
            for name in names:
                self.reads |= 1 << FLAGS[name]

    def stored_flags(self) -> Flags:
        """The flags as they are in their allocas."""
        return StoredFlags(self.builder, self.read_register)

    def _bit(self, value: Value | int) -> Value:
        return self.const(1, value) if isinstance(value, int) else value

    def flags(self, n: Value | int, z: Value | int, c: Value | int, v: Value | int) -> Flags:
        return BitFlags(self.builder, self._bit(n), self._bit(z), self._bit(c), self._bit(v))

    def add_with_carry(self, x: Value, y: Value, carry: Value | int) -> tuple[Value, Flags]:
        c = self._bit(carry)
        if c.constant == 0:
            return self.add_flags(x, y)
        partial = x + y
        result = partial + c.zero_extend(x.width)
        carried = partial.ult(x) | result.ult(partial)
        overflow = ((x ^ result) & (y ^ result)).slt(0)
        return result, BitFlags(self.builder, result.slt(0), result == 0, carried, overflow)

    def add_flags(self, x: Value, y: Value) -> tuple[Value, Flags]:
        result = x + y
        if y.constant is not None and y.constant not in (0, 1 << (y.width - 1)):
            # Adding c sets the flags as subtracting -c does, except at these two: comparisons fuse.
            return result, SubtractFlags(self.builder, x, -y, result)
        return result, AddFlags(self.builder, x, y, result)

    def subtract_flags(self, x: Value, y: Value) -> tuple[Value, Flags]:
        result = x - y
        return result, SubtractFlags(self.builder, x, y, result)

    def logic_flags(self, result: Value) -> Flags:
        return LogicFlags(self.builder, result, result, result)

    def condition(self, cond: int) -> Value:
        if cond >= 14:
            return self.const(1, 1)
        self._read_flags(_CONDITION_FLAGS[cond >> 1])
        holds = self._flags.holds(cond >> 1)
        return ~holds if cond & 1 else holds

    # -- memory -------------------------------------------------------------------------------------------------
    def _trap_if(self, condition: Value, kind: TrapKind, detail: Value) -> None:
        if condition.constant == 0:
            return
        self.guards.stores.require_none()
        b = self.builder
        trap, checked = b.block("trap"), b.block("checked")
        b.branch(condition.text, trap, checked)
        b.start(trap)
        self._trap(kind, detail)
        b.unreachable()
        b.start(checked)

    def _trap(self, kind: TrapKind, detail: Value) -> None:
        b = self.builder
        b.state.is_used = True
        pc = self.address(b.pc).text
        b.call("preserve_allcc void", "@trap", "ptr %state", f"i32 {int(kind)}", f"i64 {pc}", f"i64 {detail.text}")

    def trap(self, kind: TrapKind, detail: Value | int = 0) -> None:
        """End the block by reporting a trap at this instruction."""
        self.guards.stores.require_none()
        self._trap(kind, self.const(64, detail) if isinstance(detail, int) else detail)
        self.terminator = ("trap",)

    def check_alignment(self, address: Value, size: int) -> None:
        if size > 1:
            self._trap_if((address & (size - 1)) != 0, TrapKind.ALIGNMENT, address)

    def check_stack_alignment(self) -> None:
        # Where it is known to be aligned, the mask turns out to be zero.
        sp = self.read_register(SP)
        if self.aligned != sp.text:
            self._trap_if((sp & Value(self.builder, 64, "%alignment")) != 0, TrapKind.ALIGNMENT, sp)
            self.aligned = sp.text

    # -- control flow -------------------------------------------------------------------------------------------
    def branch(self, target: int) -> None:
        self.terminator = ("goto", target)

    def branch_if(self, condition: Value, target: int) -> None:
        otherwise = self.builder.pc + 4
        if condition.constant is not None:
            self.terminator = ("goto", target if condition.constant else otherwise)
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
        if not self.system_calls or immediate:
            self.trap(TrapKind.SUPERVISOR_CALL, immediate)
            return
        # Linux: the number in X8, the arguments in X0 to X5, the result in X0 (syscall(2)). No other register changes.
        self.guards.begin_effect()
        b = self.builder
        b.state.is_used = True
        registers = [f"i64 {self.read_register(x(n)).text}" for n in (8, *range(6))]
        pc = self.address(b.pc).text
        if self.counts:
            self._put_counter()
        result = b.call("i64", "@system_call", "ptr %state", f"i64 {pc}", *registers)
        if self.counts:
            self._take_counter()
        self.XSP[64, 0] = Value(b, 64, result)

    def _put_counter(self) -> None:
        """Put the counter into the state as it is after this instruction: the whole block was subtracted from it."""
        b = self.builder
        following = (self.block_end - b.pc) // 4 - 1
        left = b.line(f"add i64 {self.register(COUNTER).text}, {following}")
        b.store("i64", left, b.line(f"getelementptr i8, ptr %state, i64 {state_place(COUNTER)[0]}"), 8)

    def _take_counter(self) -> None:
        """Take the counter from the state after something that may have changed it."""
        b = self.builder
        following = (self.block_end - b.pc) // 4 - 1
        left = b.load("i64", b.line(f"getelementptr i8, ptr %state, i64 {state_place(COUNTER)[0]}"), 8)
        b.store("i64", b.line(f"call i64 @llvm.usub.sat.i64(i64 {left}, i64 {following})"), NAMES[COUNTER])

    def breakpoint(self, immediate: int) -> None:
        self.trap(TrapKind.BREAKPOINT, immediate)

    def undefined(self, why: str) -> None:
        self.undefined_reasons[self.builder.pc] = why
        self.trap(TrapKind.UNDEFINED)

    # -- system registers -----------------------------------------------------------------------------------------
    def read_system_register(self, register: int) -> Value:
        if register == system.NZCV:
            f = self._flags
            n, z, c, v = (bit.zero_extend(64) for bit in (f.N, f.Z, f.C, f.V))
            return n << 31 | z << 30 | c << 29 | v << 28
        if register == system.CNTVCT_EL0:
            self.guards.begin_effect()
            return self.emit(64, "call i64 @monotonic_clock()")
        constant = system.CONSTANT_REGISTERS.get(register)
        if constant is not None:
            return self.const(64, constant)
        return Value(self.builder, 64, self.builder.state.load(_SYSTEM_FIELDS[register]))

    def write_system_register(self, register: int, value: Value) -> None:
        if register == system.NZCV:
            self.NZCV = self.flags(value.bits(31, 1), value.bits(30, 1), value.bits(29, 1), value.bits(28, 1))
            return
        self.guards.begin_effect()
        self.builder.state.store(_SYSTEM_FIELDS[register], value.text)
        if register == system.FPCR:
            self.terminator = ("switch", value, self.builder.pc + 4)
