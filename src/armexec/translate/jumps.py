"""Jump tables: the targets of a `br` whose address comes from a table that the code itself bounds.

The instructions before the jump are run once more, on a machine whose values are expressions. When the target
turns out to be `base + (table[index] << n)` (or just `table[index]`), table and base known, the table not
writable, and the block before has compared the index with a constant, then the targets are read from the
table, and the jump becomes a `switch`. Compilers move the addresses of the table and the base out of loops: a
register that only one constant is ever put into in the function counts as that constant. So the targets are a
prediction; a jump to elsewhere, like any jump that isn't recognized, is left to the dispatcher.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from .flow import Block, Flow

__all__ = ["ReadConstant", "jump_targets"]

ReadConstant: TypeAlias = Callable[[int, int], "bytes | None"]
"""(address, size): bytes of memory that never changes, or None."""

_MASK = (1 << 64) - 1
_MAX_ENTRIES = 4096

Expression: TypeAlias = tuple[Any, ...]
"""("const", n), ("unknown", id), ("register", number), ("add", a, b), ("shl", a, n), ("zext", a, bits),
("sext", a, bits) or ("load", address, bits)."""


def _const(value: int) -> Expression:
    return ("const", value & _MASK)


def _low(expression: Expression) -> Expression:
    """Without the extensions around it."""
    while expression[0] in ("zext", "sext"):
        expression = expression[1]
    return expression


def _terms(expression: Expression) -> tuple[int, list[Expression]]:
    """A sum as its constant and its other terms."""
    if expression[0] == "const":
        return expression[1], []
    if expression[0] == "add":
        a, first = _terms(expression[1])
        b, second = _terms(expression[2])
        return a + b & _MASK, first + second
    return 0, [expression]


class _Value:
    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("expression", "machine", "width")

    def __init__(self, machine: _Machine, width: int, expression: Expression | None = None) -> None:
        self.machine = machine
        self.width = width
        self.expression = expression if expression is not None else machine.unknown()

    def _other(self, other: Any) -> Expression:
        return _const(other) if isinstance(other, int) else other.expression

    def __add__(self, other: Any) -> _Value:
        return _Value(self.machine, self.width, ("add", self.expression, self._other(other)))

    def __lshift__(self, amount: Any) -> _Value:
        if amount == 0:
            return self
        return _Value(self.machine, self.width, ("shl", self.expression, amount) if isinstance(amount, int) else None)

    def __sub__(self, other: Any) -> _Value:
        if isinstance(other, int):
            return self + -other
        return _Value(self.machine, self.width)

    def zero_extend(self, width: int) -> _Value:
        return _Value(self.machine, width, ("zext", self.expression, self.width))

    def sign_extend(self, width: int) -> _Value:
        return _Value(self.machine, width, ("sext", self.expression, self.width))

    def bits(self, low: int, width: int) -> _Value:
        if low == 0:
            return _Value(self.machine, width, ("zext", self.expression, width))
        return _Value(self.machine, width)

    def __or__(self, other: Any) -> _Value:
        # `mov x, y` is `orr x, xzr, y`.
        if self.expression == _const(0):
            return _Value(self.machine, self.width, self._other(other))
        return _Value(self.machine, self.width)

    def _anything(self, *_: Any, **__: Any) -> _Value:
        return _Value(self.machine, self.width)

    __mul__ = __and__ = __xor__ = __rshift__ = __invert__ = __neg__ = _anything
    asr = ror = udiv = sdiv = clz = popcount = reverse_bits = reverse_bytes = _anything

    def _bit(self, *_: Any) -> _Value:
        return _Value(self.machine, 1)

    __eq__ = __ne__ = ult = ule = slt = sle = _bit  # type: ignore[assignment]


class _Registers:
    def __init__(self, machine: _Machine, *, sp: bool) -> None:
        self.machine = machine
        self.sp = sp

    def __getitem__(self, key: tuple[int, int]) -> _Value:
        size, number = key
        m = self.machine
        if number == 31 and not self.sp:
            return _Value(m, size, _const(0))
        value = m.registers.setdefault(number, ("register", number))
        return _Value(m, size, value if size == 64 else ("zext", value, size))

    def __setitem__(self, key: tuple[int, int], value: _Value) -> None:
        size, number = key
        if number != 31 or self.sp:
            self.machine.registers[number] = value.expression if size == 64 else ("zext", value.expression, size)


class _Flags:
    """`compared`: the flags are of a comparison of an expression with a constant."""

    def __init__(self, machine: _Machine, compared: tuple[Expression, int] | None = None) -> None:
        self.N = self.Z = self.C = self.V = _Value(machine, 1)
        self.compared = compared


class _Machine:
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

    def const(self, width: int, value: int) -> _Value:
        return _Value(self, width, _const(value & ((1 << width) - 1)))

    def address(self, address: int) -> _Value:
        return _Value(self, 64, _const(address))

    def select(self, condition: Any, when_true: Any, when_false: Any) -> Any:
        return _Flags(self) if isinstance(when_true, _Flags) else _Value(self, when_true.width)

    def flags(self, *_: Any) -> _Flags:
        return _Flags(self)

    def logic_flags(self, result: Any) -> _Flags:
        return _Flags(self)

    def add_with_carry(self, x: _Value, y: Any, carry: Any) -> tuple[_Value, _Flags]:
        return _Value(self, x.width), _Flags(self)

    def add_flags(self, x: _Value, y: _Value) -> tuple[_Value, _Flags]:
        return x + y, _Flags(self)

    def subtract_flags(self, x: _Value, y: _Value) -> tuple[_Value, _Flags]:
        if y.expression[0] == "const":
            return x - int(y.expression[1]), _Flags(self, (_low(x.expression), int(y.expression[1])))
        return _Value(self, x.width), _Flags(self)

    def condition(self, cond: int) -> _Value:
        self.asked = cond
        return _Value(self, 1)

    def load(self, address: _Value, bits: int, **_: Any) -> _Value:
        known = self.memory.get(f"{_terms(address.expression)}/{bits}")
        return _Value(self, bits, known if known is not None else ("load", address.expression, bits))

    def store(self, address: _Value, value: _Value, **_: Any) -> None:
        key = f"{_terms(address.expression)}/{value.width}"
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

    def branch_to(self, target: _Value) -> None:
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


def jump_targets(starts: Sequence[int], flow: Flow, read: ReadConstant) -> dict[int, tuple[int, ...]]:
    """The targets, in order, of the jumps that end the blocks at `starts`, by these, where they can be told."""
    before: dict[int, list[Block]] = {}
    for block in flow.blocks.values():
        for successor in set(block.successors):
            before.setdefault(successor, []).append(block)
    constants: dict[int, Expression] | None = None
    found = {}
    for start in starts:
        analyzed = _analyze(flow.blocks[start], before)
        if analyzed is None:
            continue
        target, compared, count = analyzed
        targets = _read_targets(target, compared, count, read)
        if not targets:
            if constants is None:
                constants = _constants(flow)
            # The index may come from such a register too, but then there would be no table.
            hidden = _substitute(_replace(target, compared, _INDEX), constants)
            targets = _read_targets(hidden, _INDEX, count, read)
        if targets:
            found[start] = targets
    return found


def _analyze(block: Block, before: dict[int, list[Block]]) -> tuple[Expression, Expression, int] | None:
    """Where a jump goes, what was compared with a constant before it, and how many values that can have."""
    path = [block]
    # The comparison is in the block before, or in one before that if a block only goes on.
    for _ in range(3):
        previous = before.get(path[0].start, [])
        if len(previous) != 1 or previous[0].kind not in ("goto", "branch"):
            break
        path.insert(0, previous[0])
        if previous[0].kind == "branch":
            break
    if path[0].kind != "branch" or len(path) < 2:
        return None
    machine = _Machine()
    if not all(machine.run(b) for b in path) or machine.target is None or machine.bound is None:
        return None
    count = _count(machine.bound, taken=path[0].target == path[1].start)
    if count is None or not 0 < count <= _MAX_ENTRIES:
        return None
    return machine.target, machine.bound[1], count


def _constants(flow: Flow) -> dict[int, Expression]:
    """The registers that hold one and the same constant at the end of every block that leaves a constant there."""
    found: dict[int, set[int]] = {}
    for block in flow.blocks.values():
        machine = _Machine()
        machine.run(block)
        for number, expression in machine.registers.items():
            value, terms = _terms(expression)
            if not terms:
                found.setdefault(number, set()).add(value)
    return {number: _const(values.pop()) for number, values in found.items() if len(values) == 1}


_INDEX: Expression = ("index",)
"""In the place of what was compared."""


def _replace(expression: Expression, old: Expression, new: Expression) -> Expression:
    if expression == old:
        return new
    return tuple(_replace(part, old, new) if isinstance(part, tuple) else part for part in expression)


def _substitute(expression: Expression, constants: dict[int, Expression]) -> Expression:
    if expression[0] == "register":
        return constants.get(expression[1], expression)
    return tuple(_substitute(part, constants) if isinstance(part, tuple) else part for part in expression)


def _count(bound: tuple[int, Expression, int], *, taken: bool) -> int | None:
    """How many values the index can have, given the branch on its comparison."""
    cond, _, constant = bound
    if not taken:
        cond ^= 1
    # LS: at most the constant; LO: below it.
    return constant + 1 if cond == 9 else constant if cond == 3 else None


def _read_targets(target: Expression, compared: Expression, count: int, read: ReadConstant) -> tuple[int, ...]:
    base, terms = _terms(target)
    if len(terms) != 1:
        return ()
    entry, shift = terms[0], 0
    if entry[0] == "shl":
        entry, shift = entry[1], entry[2]
    signed = False
    while entry[0] in ("zext", "sext"):
        signed = signed or entry[0] == "sext"
        entry = entry[1]
        if entry[0] == "shl" and not shift:
            entry, shift = entry[1], entry[2]
    if entry[0] != "load":
        return ()
    size = entry[2] // 8
    table, indexes = _terms(entry[1])
    if len(indexes) != 1:
        return ()
    index, scale = _low(indexes[0]), 0
    if index[0] == "shl":
        index, scale = _low(index[1]), index[2]
    if 1 << scale != size or index != compared:
        return ()
    data = read(table, count * size)
    if data is None:
        return ()
    targets = []
    for at in range(0, len(data), size):
        value = int.from_bytes(data[at : at + size], "little", signed=signed)
        targets.append((base + (value << shift)) & _MASK)
    return tuple(targets)
