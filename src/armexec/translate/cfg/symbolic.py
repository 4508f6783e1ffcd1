"""A symbolic domain: an abstract machine whose values are expressions of what registers held at the beginning."""

from __future__ import annotations

from typing import Any, TypeAlias

from armexec.isa.abstract import AbstractFlags, AbstractMachine, AbstractValue
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


class SymbolicValue(AbstractValue):
    """A value of which an expression is known. Operations that have none give TOP."""

    __slots__ = ("expression",)

    def __init__(self, width: int, expression: Expression) -> None:
        super().__init__(width)
        self.expression = expression

    def __add__(self, other: Any) -> AbstractValue:
        if isinstance(other, int):
            return SymbolicValue(self.width, ("add", self.expression, constant(other)))
        if isinstance(other, SymbolicValue):
            return SymbolicValue(self.width, ("add", self.expression, other.expression))
        return AbstractValue(self.width)

    def __sub__(self, other: Any) -> AbstractValue:
        return self + -other if isinstance(other, int) else AbstractValue(self.width)

    def __lshift__(self, amount: Any) -> AbstractValue:
        if not isinstance(amount, int):
            return AbstractValue(self.width)
        return SymbolicValue(self.width, ("shl", self.expression, amount)) if amount else self

    def __or__(self, other: Any) -> AbstractValue:
        # `mov x, y` is `orr x, xzr, y`.
        if self.expression == constant(0) and isinstance(other, SymbolicValue):
            return other
        return AbstractValue(self.width)

    def zero_extend(self, width: int) -> AbstractValue:
        return self if width == self.width else SymbolicValue(width, ("zext", self.expression, self.width))

    def sign_extend(self, width: int) -> AbstractValue:
        return self if width == self.width else SymbolicValue(width, ("sext", self.expression, self.width))

    def bits(self, low: int, width: int) -> AbstractValue:
        if low:
            return AbstractValue(width)
        return self if width == self.width else SymbolicValue(width, ("zext", self.expression, width))


class _Registers:
    def __init__(self, machine: SymbolicMachine, *, sp: bool) -> None:
        self.machine = machine
        self.sp = sp

    def __getitem__(self, key: tuple[int, int]) -> SymbolicValue:
        size, number = key
        if number == 31 and not self.sp:
            return SymbolicValue(size, constant(0))
        value = self.machine.registers.setdefault(number, ("register", number))
        return SymbolicValue(size, value if size == 64 else ("zext", value, size))

    def __setitem__(self, key: tuple[int, int], value: AbstractValue) -> None:
        size, number = key
        if number != 31 or self.sp:
            expression = self.machine.expression(value)
            self.machine.registers[number] = expression if size == 64 else ("zext", expression, size)


class _Comparison(AbstractFlags):
    """Flags of a comparison of an expression with a constant."""

    __slots__ = ("constant", "expression")

    def __init__(self, expression: Expression, constant: int) -> None:
        self.expression = expression
        self.constant = constant


class SymbolicMachine(AbstractMachine):
    """Runs the instructions before a jump or a call.

    `target` is where it goes, if to a register; `bound` the last comparison branched on, as (condition, expression,
    constant).
    """

    def __init__(self) -> None:
        self.count = 0
        self.registers: dict[int, Expression] = {}
        self.memory: dict[str, Expression] = {}
        self.X = _Registers(self, sp=False)
        self.XSP = _Registers(self, sp=True)
        self.asked: int | None = None
        self.bound: tuple[int, Expression, int] | None = None
        self.target: Expression | None = None

    # -- the domain -------------------------------------------------------------------------------------------------
    def constant(self, width: int, value: int) -> AbstractValue:
        return SymbolicValue(width, constant(value & (1 << width) - 1))

    def join(self, a: Any, b: Any) -> Any:
        if isinstance(a, SymbolicValue) and isinstance(b, SymbolicValue) and a.expression == b.expression:
            return a
        return super().join(a, b)

    def unknown(self) -> Expression:
        """A new expression of which nothing is known but that it is equal to itself."""
        self.count += 1
        return ("unknown", self.count)

    def expression(self, value: AbstractValue) -> Expression:
        """The expression of a value; of TOP a new one."""
        return value.expression if isinstance(value, SymbolicValue) else self.unknown()

    # -- flags ------------------------------------------------------------------------------------------------------
    def add_flags(self, x: Any, y: Any) -> tuple[AbstractValue, Any]:
        return x + y, self.top_flags()

    def subtract_flags(self, x: Any, y: Any) -> tuple[AbstractValue, Any]:
        if isinstance(y, SymbolicValue) and y.expression[0] == "const" and isinstance(x, SymbolicValue):
            return x - int(y.expression[1]), _Comparison(low(x.expression), int(y.expression[1]))
        return super().subtract_flags(x, y)

    def condition(self, cond: int) -> AbstractValue:
        self.asked = cond
        return super().condition(cond)

    # -- memory -----------------------------------------------------------------------------------------------------
    # Anything may be overwritten by a store to elsewhere; what compilers spill isn't.
    def load(self, address: Any, bits: int, *, acquire: bool = False, simd: bool = False) -> AbstractValue:
        where = self.expression(address)
        return SymbolicValue(bits, self.memory.get(_slot(where, bits), ("load", where, bits)))

    def store(self, address: Any, value: Any, *, release: bool = False) -> None:
        self.memory[_slot(self.expression(address), value.width)] = self.expression(value)

    def store_exclusive(self, address: Any, value: Any, *, release: bool = False) -> AbstractValue:
        self.store(address, self.top(value.width))
        return super().store_exclusive(address, value)

    def atomic(self, operation: str, address: Any, operand: Any, *, acquire: bool, release: bool) -> AbstractValue:
        self.store(address, self.top(operand.width))
        return super().atomic(operation, address, operand, acquire=acquire, release=release)

    def compare_and_swap(self, address: Any, expected: Any, new: Any, *, acquire: bool, release: bool) -> AbstractValue:
        self.store(address, self.top(new.width))
        return super().compare_and_swap(address, expected, new, acquire=acquire, release=release)

    def zero_cache_block(self, address: Any) -> None:
        self.memory.clear()

    # -- control flow -----------------------------------------------------------------------------------------------
    def branch_if(self, condition: Any, target: int) -> None:
        flags = self.NZCV
        if self.asked is not None and isinstance(flags, _Comparison):
            self.bound = (self.asked, flags.expression, flags.constant)

    def branch_to(self, target: Any) -> None:
        self.target = self.expression(target)

    def call_to(self, target: Any) -> None:
        self.target = self.expression(target)

    def run(self, block: Block) -> bool:
        """Run a block's instructions up to one that doesn't decode; whether there is none."""
        pc = block.start
        for decoded in block.instructions:
            if isinstance(decoded, int):
                return False
            self.pc = pc
            self.asked = None
            decoded.instruction.semantics(self, *decoded.fields.values())
            pc += 4
        return True


def _slot(address: Expression, bits: int) -> str:
    """The key of a place in memory."""
    return f"{terms(address)}/{bits}"
