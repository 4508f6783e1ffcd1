"""Two instructions on 128-bit vectors as one operation on a vector of the host's that is twice as long.

Compilers unroll loops over arrays, so that the same operation comes twice in a row, on registers that one LDP has
loaded and one STP will store. LLVM makes one load of the two; so two instructions of a kind are translated by running
the meaning of the first on pairs of registers. The result is stored at once, or split when a half is asked for.

That pays where the operands are in pairs already: loaded together, or the result of such an operation. The same
register for both counts too, since what is made of it doesn't change in a loop.
"""

from __future__ import annotations

from armexec.isa import Decoded
from armexec.machines.llvm.floats import FloatingPoint
from armexec.machines.llvm.machine import LlvmMachine
from armexec.machines.llvm.shapes import Shapes
from armexec.machines.llvm.values import ShapedValue, Value, Vector
from armexec.machines.llvm.vectors import Vectors

__all__ = ["PairMachine", "is_lanewise", "may_pair", "note_load", "run_pair", "run_store"]

_WIDENED = frozenset(
    (
        *("fadd", "fsub", "fmul", "fdiv", "fmla", "fmls", "fmax", "fmin", "fabd", "fneg", "fabs", "fsqrt"),
        *("scvtf", "ucvtf", "add", "sub", "mul", "mla", "mls", "and", "orr", "eor", "bic", "orn", "neg", "abs"),
        *("not", "smax", "smin", "umax", "umin", "sabd", "uabd"),
    )
)
"""The mnemonics of what hosts do to longer vectors as fast as to short ones."""
_WIDTH = 256


class _Registers:
    """Pairs of V registers, as vectors. `others`: of each register of the first instruction, the second's."""

    def __init__(self, machine: LlvmMachine, others: dict[int, int]) -> None:
        self.machine = machine
        self.others = others

    def __getitem__(self, key: tuple[int, int, int]) -> Vector:
        _, esize, number = key
        m = self.machine
        other = self.others.get(number)
        if other is None:
            # The register of an element that both are multiplied by.
            return m.Vec[128, esize, number]
        return Vector(m.builder, esize, _WIDTH // esize, m.read_pair(number, other))

    def __setitem__(self, key: tuple[int, int, int], vector: Vector) -> None:
        self.machine.write_pair(key[2], self.others[key[2]], vector.shapes())


class PairMachine(Vectors, FloatingPoint):
    """The operations of a machine on vectors that are pairs."""

    def __init__(self, machine: LlvmMachine, others: dict[int, int]) -> None:
        self.builder = machine.builder
        self.guards = machine.guards
        self.strict = machine.strict
        self.helpers = machine.helpers
        self.Vec = _Registers(machine, others)

    def splat(self, value: Value, lanes: int) -> Vector:
        # Of as many as a pair has, however many are asked for: those of one of its registers, or of both.
        return super().splat(value, _WIDTH // value.width)


class _StoringMachine:
    """A machine that stores a pair of registers at once, where the first of the two goes."""

    def __init__(self, machine: LlvmMachine, whole: Shapes) -> None:
        self._machine = machine
        self._whole: Shapes | None = whole
        # An address is made of these.
        self.XSP = machine.XSP
        self.const = machine.const
        self.check_stack_alignment = machine.check_stack_alignment
        self.V = self

    def __getitem__(self, key: tuple[int, int]) -> None:
        return None

    def store(self, address: Value, value: None) -> None:
        if self._whole is not None:
            self._machine.store(address, ShapedValue(self._machine.builder, _WIDTH, self._whole))
            self._whole = None


def may_pair(machine: LlvmMachine) -> bool:
    """Whether the host has such vectors, and the code is what they are for."""
    return machine.guards.speculates and machine.builder.host.has("avx2")


def note_load(machine: LlvmMachine, decoded: Decoded) -> None:
    """Remember what an LDP of two Q registers has loaded; to be called when it has run."""
    pair = _transferred(decoded)
    if pair is not None and decoded.effects.is_load and pair[0] != pair[1]:
        machine.pair_registers(*pair)


def run_store(machine: LlvmMachine, decoded: Decoded) -> bool:
    """Run an STP of two Q registers that were computed together."""
    pair = _transferred(decoded)
    if pair is None or not decoded.effects.is_store:
        return False
    whole = machine.pair_value(*pair)
    if whole is None:
        return False
    decoded.instruction.semantics(_StoringMachine(machine, whole), *decoded.fields.values())
    return True


def _transferred(decoded: Decoded) -> tuple[int, int] | None:
    """The registers of an LDP or STP of two Q registers."""
    fields = decoded.fields
    if "Rt2" not in fields:
        return None
    effects = decoded.effects
    first, second = fields["Rt"], fields["Rt2"]
    whole = all(128 in (effects.reads.get(("v", n)), effects.writes.get(("v", n))) for n in (first, second))
    return (first, second) if whole else None


def run_pair(machine: LlvmMachine, first: Decoded, second: Decoded | int) -> bool:
    """Run two instructions as one, if that can be done and pays."""
    if isinstance(second, int):
        return False
    if first.instruction is not second.instruction or not is_lanewise(first):
        return False
    a, b = first.fields, second.fields
    if "Rn" not in a:
        # Its other operand is an immediate.
        return False
    others: dict[int, int] = {}
    for name in a:
        one, other = a[name], b[name]
        if name not in ("Rd", "Rn", "Rm") or (name == "Rm" and "H" in a):
            if one != other:
                return False
        elif others.setdefault(one, other) != other:
            return False
    if a["Rd"] in (b["Rd"], b["Rn"], b.get("Rm")) or not _pays(machine, first, others):
        return False
    first.instruction.semantics(PairMachine(machine, others), *a.values())
    return True


def is_lanewise(decoded: Decoded) -> bool:
    """Whether it does the same to each element of registers of 128 bits, and the host can do that to longer ones."""
    if decoded.form.mnemonic not in _WIDENED:
        return False
    effects = decoded.effects
    return effects.is_lanewise and effects.writes.get(("v", decoded.fields["Rd"])) == 128


def _pays(machine: LlvmMachine, decoded: Decoded, others: dict[int, int]) -> bool:
    read = {number for kind, number in decoded.effects.reads if kind == "v" and number in others}
    pairs = {number for number in read if machine.is_pair(number, others[number])}
    return bool(pairs) and all(number in pairs or others[number] == number for number in read)
