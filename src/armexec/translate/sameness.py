"""What is the same in each round of a loop: where it stores, and which way it goes; and how its addresses are aligned.

A register that a loop writes *varies* where a round begins, and so does what is computed of it, what is loaded and what
is computed of V registers. All else is the same in each round. If neither the addresses of stores vary nor the
conditions of branches that stay in the loop, each round stores to the places of the round before.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple, TypeAlias

from armexec.isa import Decoded

from .anything import ANYTHING, Anything
from .flow import Flow
from .registers import bits

__all__ = ["aligned_registers"]

_FLAGS = 32
"""The place of the flags among the facts of a block."""


class _Fact(NamedTuple):
    """Of a value: whether it varies; how many of its low bits are zero, if the registers `given` (as bits) are aligned
    where a round begins.
    """

    varies: bool
    zeros: int
    given: int = 0


_Facts: TypeAlias = "tuple[_Fact, ...]"


def _merged(a: _Fact, b: _Fact) -> _Fact:
    zeros = min(a.zeros, b.zeros)
    return _Fact(a.varies or b.varies, zeros, a.given | b.given if zeros else 0)


class _Value:
    """A value of a general register."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("fact", "machine", "width")

    def __init__(self, machine: _Machine, width: int, fact: _Fact) -> None:
        self.machine = machine
        self.width = width
        self.fact = fact

    def _of(self, zeros: int, *others: Any, given: int = 0, width: int = 0) -> _Value:
        varies = self.fact.varies or any(self.machine.fact(other).varies for other in others)
        most = self.machine.most
        return _Value(self.machine, width or self.width, _Fact(varies, min(zeros, most), given if zeros else 0))

    def _sum(self, other: Any) -> _Value:
        fact = self.machine.fact(other)
        return self._of(min(self.fact.zeros, fact.zeros), other, given=self.fact.given | fact.given)

    __add__ = __sub__ = __or__ = __xor__ = _sum

    def __mul__(self, other: Any) -> _Value:
        a, b = self.fact, self.machine.fact(other)
        for alone in (a, b):
            if alone.zeros >= self.machine.most and not alone.given:
                return self._of(alone.zeros, other)
        return self._of(a.zeros + b.zeros, other, given=a.given | b.given)

    def __and__(self, other: Any) -> _Value:
        best = min((self.fact, self.machine.fact(other)), key=lambda fact: (-fact.zeros, fact.given))
        return self._of(best.zeros, other, given=best.given)

    def __lshift__(self, amount: Any) -> _Value:
        if not isinstance(amount, int):
            return self._of(0, amount)
        return self._of(self.fact.zeros + amount, given=0 if amount >= self.machine.most else self.fact.given)

    def bits(self, low: int, width: int) -> _Value:
        return self._of(0 if low else self.fact.zeros, given=self.fact.given, width=width)

    def zero_extend(self, width: int) -> _Value:
        return self._of(self.fact.zeros, given=self.fact.given, width=width)

    sign_extend = zero_extend

    def __neg__(self) -> _Value:
        return self._of(self.fact.zeros, given=self.fact.given)

    def _other(self, *others: Any) -> _Value:
        return self._of(0, *others)

    __rshift__ = __invert__ = _other
    asr = ror = udiv = sdiv = clz = popcount = reverse_bits = reverse_bytes = _other

    def _bit(self, *others: Any) -> _Value:
        return self._of(0, *others, width=1)

    __eq__ = __ne__ = ult = ule = slt = sle = _bit  # type: ignore[assignment]

    def vector(self, _: int) -> Anything:
        return ANYTHING


class _Flags:
    def __init__(self, machine: _Machine, *, varies: bool) -> None:
        self.varies = varies
        self.N = self.Z = self.C = self.V = _Value(machine, 1, _Fact(varies, 0))


class _Registers:
    def __init__(self, machine: _Machine, *, sp: bool) -> None:
        self.machine = machine
        self.sp = sp

    def __getitem__(self, key: tuple[int, int]) -> _Value:
        size, number = key
        m = self.machine
        if number == 31 and not self.sp:
            return m.const(size, 0)
        return _Value(m, size, m.facts[number])

    def __setitem__(self, key: tuple[int, int], value: Any) -> None:
        if key[1] != 31 or self.sp:
            self.machine.facts[key[1]] = self.machine.fact(value)


class _Machine:
    """Runs a block. `most`: more zero bits than so many don't count. `is_fit`: nothing is in the way of the loop's
    running again; `given`: the registers whose alignment the addresses of V registers' accesses rely on.
    """

    def __init__(self, most: int, image_base: int) -> None:
        self.most = most
        self.image_base = image_base
        self.pc = 0
        self.facts: list[_Fact] = []
        self.is_fit = True
        self.given = 0
        self.branched: _Fact | None = None
        self.X = _Registers(self, sp=False)
        self.XSP = _Registers(self, sp=True)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return ANYTHING

    def fact(self, value: Any) -> _Fact:
        if isinstance(value, _Value):
            return value.fact
        if isinstance(value, int):
            return self._constant(value)
        return _Fact(True, 0)

    def _constant(self, value: int) -> _Fact:
        return _Fact(False, min((value & -value).bit_length() - 1, self.most) if value else self.most)

    def const(self, width: int, value: int) -> _Value:
        return _Value(self, width, self._constant(value))

    def address(self, address: int) -> _Value:
        return _Value(self, 64, self._constant(address - self.image_base))

    def select(self, condition: Any, when_true: Any, when_false: Any) -> Any:
        varies = self.fact(condition).varies
        if isinstance(when_true, _Flags) and isinstance(when_false, _Flags):
            return _Flags(self, varies=varies or when_true.varies or when_false.varies)
        if isinstance(when_true, _Value) and isinstance(when_false, _Value):
            a, b = when_true.fact, when_false.fact
            zeros = min(a.zeros, b.zeros)
            return _Value(self, when_true.width, _Fact(varies or a.varies or b.varies, zeros, a.given | b.given))
        return ANYTHING

    # -- flags --------------------------------------------------------------------------------------------------
    @property
    def NZCV(self) -> _Flags:
        return _Flags(self, varies=self.facts[_FLAGS].varies)

    @NZCV.setter
    def NZCV(self, flags: Any) -> None:
        self.facts[_FLAGS] = _Fact(not isinstance(flags, _Flags) or flags.varies, 0)

    def flags(self, *parts: Any) -> _Flags:
        return _Flags(self, varies=any(self.fact(part).varies for part in parts))

    logic_flags = flags

    def add_with_carry(self, x: Any, y: Any, carry: Any) -> tuple[Any, _Flags]:
        return x + y + carry, self.flags(x, y, carry)

    def add_flags(self, x: Any, y: Any) -> tuple[Any, _Flags]:
        return x + y, self.flags(x, y)

    def subtract_flags(self, x: Any, y: Any) -> tuple[Any, _Flags]:
        return x - y, self.flags(x, y)

    def condition(self, cond: int) -> _Value:
        return _Value(self, 1, _Fact(cond < 14 and self.facts[_FLAGS].varies, 0))

    # -- memory -------------------------------------------------------------------------------------------------
    def _access(self, address: Any) -> _Fact:
        fact = self.fact(address)
        if fact.zeros < self.most:
            self.is_fit = False
        self.given |= fact.given
        return fact

    def load(self, address: Any, bits: int, *, acquire: bool = False, simd: bool = False) -> Anything:
        self._access(address)
        if acquire or not (simd or bits == 128):
            self.is_fit = False
        return ANYTHING

    def store(self, address: Any, value: Any, *, release: bool = False) -> None:
        if self._access(address).varies or release or isinstance(value, _Value):
            self.is_fit = False

    def check_alignment(self, *_: Any) -> None:
        self.is_fit = False

    def check_stack_alignment(self) -> None:
        # It is aligned in each round if it is in one.
        if self.facts[31].varies:
            self.is_fit = False

    # -- control flow -------------------------------------------------------------------------------------------
    def branch(self, target: int) -> None:
        pass

    def branch_if(self, condition: Any, target: int) -> None:
        self.branched = self.fact(condition)


class _Analysis:
    def __init__(self, flow: Flow, header: int, loop: Collection[int], written: int, machine: _Machine) -> None:
        self.flow = flow
        self.header = header
        self.loop = loop
        self.written = written
        self.machine = machine

    def run(self) -> int | None:
        """The registers that have to be aligned; None if something varies that mustn't."""
        assumed = (1 << 32) - 1
        while True:
            around = self._round(assumed)
            if around is None:
                return None
            fallen = 0
            for number in bits(assumed & self.written):
                if around[number].zeros < self.machine.most:
                    fallen |= 1 << number
            if not fallen:
                break
            assumed &= ~fallen
        # What a register's alignment at the end of a round relies on has to hold too.
        given, before = self.machine.given, -1
        while given != before:
            before = given
            for number in bits(given & self.written):
                given |= around[number].given
        return given

    def _round(self, assumed: int) -> _Facts | None:
        """What is known where a round ends, if the registers `assumed` are aligned where it begins."""
        m = self.machine
        start = tuple(
            _Fact(bool(self.written >> n & 1), m.most if assumed >> n & 1 else 0, assumed & 1 << n) for n in range(32)
        )
        known: dict[int, _Facts] = {self.header: (*start, _Fact(True, 0))}
        around: _Facts | None = None
        todo = [self.header]
        m.given = 0
        while todo:
            at = todo.pop()
            m.facts = list(known[at])
            if not self._run(at):
                return None
            after = tuple(m.facts)
            inside = [target for target in set(self.flow.blocks[at].successors) if target in self.loop]
            if len(inside) > 1 and (m.branched is None or m.branched.varies):
                return None
            for target in inside:
                if target == self.header:
                    around = after if around is None else tuple(map(_merged, around, after))
                    continue
                before = known.get(target)
                now = after if before is None else tuple(map(_merged, before, after))
                if now != before:
                    known[target] = now
                    todo.append(target)
        return around

    def _run(self, start: int) -> bool:
        m = self.machine
        m.branched = None
        m.pc = start
        for decoded in self.flow.blocks[start].instructions:
            if not isinstance(decoded, Decoded):
                return False
            try:
                decoded.instruction.semantics(m, *decoded.fields.values())
            except (AttributeError, TypeError, ValueError, IndexError):
                # It asks something of a value that isn't known here.
                return False
            if not m.is_fit:
                return False
            m.pc += 4
        return True


def aligned_registers(
    flow: Flow, header: int, loop: Collection[int], written: int, esize: int, image_base: int
) -> int | None:
    """The registers that have to be multiples of an element's size where a round begins, as bits; X31 is SP.

    All that the loop does then is to load and store whole elements of `esize` bits, by V registers, each at a multiple
    of its size, and each round stores to the same places. None if that can't be shown. `written`: the registers that
    the loop writes.
    """
    machine = _Machine((esize // 8).bit_length() - 1, image_base)
    return _Analysis(flow, header, loop, written, machine).run()
