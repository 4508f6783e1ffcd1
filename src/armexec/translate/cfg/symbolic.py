"""A machine whose values are expressions: what the instructions before a place in the code make of the registers."""

from __future__ import annotations

from typing import Any, TypeAlias

from armexec.translate.cfg.discovery import Block

__all__ = ["MASK", "Expression", "SymbolicMachine", "SymbolicValue", "constant", "low", "terms"]

MASK = (1 << 64) - 1

Expression: TypeAlias = tuple[Any, ...]
"""("const", n), ("unknown", id), ("register", number), ("add", a, b), ("shl", a, n), ("zext", a, bits),
("sext", a, bits) or ("load", address, bits)."""


def constant(value: int) -> Expression:
    return ("const", value & MASK)


def low(expression: Expression) -> Expression:
    """An expression without the extensions around it."""
    while expression[0] in ("zext", "sext"):
        expression = expression[1]
    return expression


def terms(expression: Expression) -> tuple[int, list[Expression]]:
    """A sum as its constant and its other terms."""
    if expression[0] == "const":
        return expression[1], []
    if expression[0] == "add":
        a, first = terms(expression[1])
        b, second = terms(expression[2])
        return a + b & MASK, first + second
    return 0, [expression]


class SymbolicValue:
    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("expression", "machine", "width")

    def __init__(self, machine: SymbolicMachine, width: int, expression: Expression | None = None) -> None:
        self.machine = machine
        self.width = width
        self.expression = expression if expression is not None else machine.unknown()

    def _other(self, other: Any) -> Expression:
        return constant(other) if isinstance(other, int) else other.expression

    def __add__(self, other: Any) -> SymbolicValue:
        return SymbolicValue(self.machine, self.width, ("add", self.expression, self._other(other)))

    def __lshift__(self, amount: Any) -> SymbolicValue:
        if amount == 0:
            return self
        return SymbolicValue(
            self.machine, self.width, ("shl", self.expression, amount) if isinstance(amount, int) else None
        )

    def __sub__(self, other: Any) -> SymbolicValue:
        if isinstance(other, int):
            return self + -other
        return SymbolicValue(self.machine, self.width)

    def zero_extend(self, width: int) -> SymbolicValue:
        return SymbolicValue(self.machine, width, ("zext", self.expression, self.width))

    def sign_extend(self, width: int) -> SymbolicValue:
        return SymbolicValue(self.machine, width, ("sext", self.expression, self.width))

    def bits(self, low: int, width: int) -> SymbolicValue:
        if low == 0:
            return SymbolicValue(self.machine, width, ("zext", self.expression, width))
        return SymbolicValue(self.machine, width)

    def __or__(self, other: Any) -> SymbolicValue:
        # `mov x, y` is `orr x, xzr, y`.
        if self.expression == constant(0):
            return SymbolicValue(self.machine, self.width, self._other(other))
        return SymbolicValue(self.machine, self.width)

    def _anything(self, *_: Any, **__: Any) -> SymbolicValue:
        return SymbolicValue(self.machine, self.width)

    __mul__ = __and__ = __xor__ = __rshift__ = __invert__ = __neg__ = _anything
    asr = ror = udiv = sdiv = clz = popcount = reverse_bits = reverse_bytes = _anything

    def _bit(self, *_: Any) -> SymbolicValue:
        return SymbolicValue(self.machine, 1)

    __eq__ = __ne__ = ult = ule = slt = sle = _bit  # type: ignore[assignment]


class _Registers:
    def __init__(self, machine: SymbolicMachine, *, sp: bool) -> None:
        self.machine = machine
        self.sp = sp

    def __getitem__(self, key: tuple[int, int]) -> SymbolicValue:
        size, number = key
        m = self.machine
        if number == 31 and not self.sp:
            return SymbolicValue(m, size, constant(0))
        value = m.registers.setdefault(number, ("register", number))
        return SymbolicValue(m, size, value if size == 64 else ("zext", value, size))

    def __setitem__(self, key: tuple[int, int], value: SymbolicValue) -> None:
        size, number = key
        if number != 31 or self.sp:
            self.machine.registers[number] = value.expression if size == 64 else ("zext", value.expression, size)


class _Flags:
    """`compared`: the flags are of a comparison of an expression with a constant."""

    def __init__(self, machine: SymbolicMachine, compared: tuple[Expression, int] | None = None) -> None:
        self.N = self.Z = self.C = self.V = SymbolicValue(machine, 1)
        self.compared = compared


class SymbolicMachine:
    """Runs the instructions before a jump.

    `target` is where the jump goes; `bound` the last comparison branched on, as (condition, expression, constant).
    """

    def __init__(self) -> None:
        self.count = 0
        self.pc = 0
        self.registers: dict[int, Expression] = {}
        self.memory: dict[str, Expression] = {}
        self.X = _Registers(self, sp=False)
        self.XSP = _Registers(self, sp=True)
        self.NZCV: Any = _Flags(self)
        self.asked: int | None = None
        self.bound: tuple[int, Expression, int] | None = None
        self.target: Expression | None = None

    def unknown(self) -> Expression:
        self.count += 1
        return ("unknown", self.count)

    def const(self, width: int, value: int) -> SymbolicValue:
        return SymbolicValue(self, width, constant(value & ((1 << width) - 1)))

    def address(self, address: int) -> SymbolicValue:
        return SymbolicValue(self, 64, constant(address))

    def select(self, condition: Any, when_true: Any, when_false: Any) -> Any:
        return _Flags(self) if isinstance(when_true, _Flags) else SymbolicValue(self, when_true.width)

    def flags(self, *_: Any) -> _Flags:
        return _Flags(self)

    def logic_flags(self, result: Any) -> _Flags:
        return _Flags(self)

    def add_with_carry(self, x: SymbolicValue, y: Any, carry: Any) -> tuple[SymbolicValue, _Flags]:
        return SymbolicValue(self, x.width), _Flags(self)

    def add_flags(self, x: SymbolicValue, y: SymbolicValue) -> tuple[SymbolicValue, _Flags]:
        return x + y, _Flags(self)

    def subtract_flags(self, x: SymbolicValue, y: SymbolicValue) -> tuple[SymbolicValue, _Flags]:
        if y.expression[0] == "const":
            return x - int(y.expression[1]), _Flags(self, (low(x.expression), int(y.expression[1])))
        return SymbolicValue(self, x.width), _Flags(self)

    def condition(self, cond: int) -> SymbolicValue:
        self.asked = cond
        return SymbolicValue(self, 1)

    def load(self, address: SymbolicValue, bits: int, **_: Any) -> SymbolicValue:
        known = self.memory.get(f"{terms(address.expression)}/{bits}")
        return SymbolicValue(self, bits, known if known is not None else ("load", address.expression, bits))

    def store(self, address: SymbolicValue, value: SymbolicValue, **_: Any) -> None:
        key = f"{terms(address.expression)}/{value.width}"
        # Anything may be overwritten by a store to elsewhere; what compilers spill isn't.
        self.memory[key] = value.expression

    def check_alignment(self, *_: Any) -> None:
        pass

    def check_stack_alignment(self) -> None:
        pass

    def branch(self, target: int) -> None:
        pass

    def branch_if(self, condition: Any, target: int) -> None:
        if self.asked is not None and self.NZCV.compared is not None:
            self.bound = (self.asked, *self.NZCV.compared)

    def branch_to(self, target: SymbolicValue) -> None:
        self.target = target.expression

    def run(self, block: Block) -> bool:
        """Whether all of a block's instructions could be run."""
        pc = block.start
        for decoded in block.instructions:
            if isinstance(decoded, int):
                return False
            self.pc = pc
            self.asked = None
            try:
                decoded.instruction.semantics(self, *decoded.fields.values())
            except (AttributeError, TypeError):
                if "simd_fp" not in decoded.instruction.semantics.__module__:
                    # An instruction that no code of a switch holds (an atomic, a system register).
                    return False
                # Between switches, but not part of one: what it may write isn't known after it.
                self.NZCV = _Flags(self)
                for name in ("Rd", "Rt", "Rn"):
                    if name in decoded.fields:
                        self.registers[decoded.fields[name]] = self.unknown()
            pc += 4
        return True
