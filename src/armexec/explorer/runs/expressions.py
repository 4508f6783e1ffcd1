"""Expressions of the page: conditions, addresses and values. They are some of the conditions of sessions.

A link has them too, so nothing of them is given to Python's `eval`: the text is parsed, and what isn't known is
refused. What is known has no names but registers, numbers in memory and symbols, and makes no large numbers.
"""

from __future__ import annotations

import ast
import operator
import struct
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from armexec.debugger import Session
from armexec.debugger.places import Places
from armexec.debugger.values import NUMBERS, Numbers, register_value
from armexec.errors import Error, SignatureError

__all__ = ["Expression", "Place"]

_LONGEST = 200
"""Characters."""
_MOST_BITS = 1024


class Standing(Protocol):
    """What an expression is computed from: a session, or a `Moment` of a recording."""

    cpu: Any
    memory: Any
    places: Places


_Value: TypeAlias = int | float
_Compute: TypeAlias = Callable[[Standing], _Value]
_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_UNARY: dict[type, Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_C = {"&&": "and", "||": "or", "!x": "not x"}


class Expression:
    """A text whose value can be computed at any time of a session, such as "x0 == 3 and u32[sp + 12] > 7"."""

    def __init__(self, text: str) -> None:
        """Raises SignatureError: it is none."""
        self.text = text
        self._compute = _parsed(_tree(text), text)

    def value(self, at: Standing) -> _Value:
        """What it is now. Raises SignatureError: it has no value now, and says why."""
        try:
            return self._compute(at)
        except (ArithmeticError, TypeError, ValueError, struct.error) as error:
            raise SignatureError(f"{self.text} has no value here: {error}") from None
        except SignatureError:
            raise
        except Error as error:
            raise SignatureError(f"{self.text} has no value here: {error}") from None

    def integer(self, at: Standing) -> int:
        """What it is now, if that is an integer. Raises SignatureError: it isn't."""
        value = self.value(at)
        if isinstance(value, float):
            raise SignatureError(f"{self.text} is {value!r}, and no integer")
        return int(value)


def _tree(text: str) -> ast.expr:
    if not text.strip():
        raise SignatureError("an expression is needed, such as x0 == 3")
    if len(text) > _LONGEST:
        raise SignatureError(f"an expression has {_LONGEST} characters at most")
    for foreign, own in _C.items():
        if foreign[:2] in text:
            raise SignatureError(f"write {own} instead of {foreign}")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else str(error)
        raise SignatureError(f"{text!r} is no expression: {why}") from None


def _parsed(node: ast.expr, text: str) -> _Compute:
    def inner(part: ast.expr) -> _Compute:
        return _parsed(part, text)

    match node:
        case ast.Constant(bool() | int() | float() as value):
            return lambda at: _small(value)
        case ast.Name(name):
            return _named(name)
        case ast.UnaryOp(op, operand) if type(op) in _UNARY:
            unary, one = _UNARY[type(op)], inner(operand)
            return lambda at: unary(one(at))
        case ast.BinOp(left, op, right) if type(op) in _BINARY:
            return _binary(op, inner(left), inner(right))
        case ast.Compare(first, operators, others) if all(type(op) in _COMPARE for op in operators):
            sides = [first, *others]
            _check_signs(sides, operators)
            return _chain([_COMPARE[type(op)] for op in operators], [inner(side) for side in sides])
        case ast.BoolOp(op, values):
            parts = [inner(value) for value in values]
            if isinstance(op, ast.And):
                return lambda at: all(part(at) for part in parts)
            return lambda at: any(part(at) for part in parts)
        case ast.Subscript(ast.Name(name), index) if name in NUMBERS and not isinstance(index, ast.Slice):
            address = inner(index)
            return lambda at: Numbers(name, at.memory)[_integer(address(at))]
        case ast.Call(ast.Name(name), [argument], []) if name in NUMBERS:
            converted = inner(argument)
            return lambda at: Numbers(name, at.memory)(_integer(converted(at)))
    part = ast.get_source_segment(text.strip(), node) or text
    raise SignatureError(
        f"{part!r:.80} can't be used here: there are numbers, registers, u32[sp + 12] (u8 to u64, i8 to i64, f32,"
        " f64), i32(w0), and, or, not, comparisons and arithmetic"
    )


def _named(name: str) -> _Compute:
    def value(at: Standing) -> _Value:
        for form in (name, name.lower()):
            try:
                return register_value(at.cpu, form)  # type: ignore[no-any-return]
            except KeyError:
                continue
        return at.places.addresses(name)[0]

    return value


def _binary(op: ast.operator, left: _Compute, right: _Compute) -> _Compute:
    operate = _BINARY[type(op)]
    is_shift = isinstance(op, ast.LShift | ast.RShift)

    def value(at: Standing) -> _Value:
        a, b = left(at), right(at)
        if is_shift and not 0 <= b < 128:
            raise SignatureError(f"a shift is by 0 to 127 bits, not by {b}")
        return _small(operate(a, b))

    return value


def _small(value: _Value) -> _Value:
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise SignatureError(f"a number has {_MOST_BITS} bits at most")
    return value


def _integer(value: _Value) -> int:
    if isinstance(value, float):
        raise SignatureError(f"an integer is needed, not {value!r}")
    return int(value)


def _chain(compare: list[Callable[[Any, Any], bool]], sides: list[_Compute]) -> _Compute:
    def value(at: Standing) -> bool:
        now = sides[0](at)
        for test, side in zip(compare, sides[1:], strict=True):
            other = side(at)
            if not test(now, other):
                return False
            now = other
        return True

    return value


def _check_signs(sides: list[ast.expr], operators: list[ast.cmpop]) -> None:
    """Refuse what is never or always true, since registers are unsigned. Raises SignatureError."""
    for a, op, b in zip(sides, operators, sides[1:], strict=False):
        for one, other, is_first in ((a, b, True), (b, a, False)):
            if not isinstance(one, ast.Name) or one.id.lower()[0] not in "xw" or not one.id[1:].isdecimal():
                continue
            is_negative = isinstance(other, ast.UnaryOp) and isinstance(other.op, ast.USub)
            below = (ast.Lt, ast.GtE) if is_first else (ast.Gt, ast.LtE)
            is_below_zero = isinstance(other, ast.Constant) and other.value == 0 and isinstance(op, below)
            if is_negative or is_below_zero:
                size = 64 if one.id[0] in "xX" else 32
                raise SignatureError(f"{one.id} is never negative; as a signed number it is i{size}({one.id})")


class Place:
    """What can be changed: a register, or a number in memory."""

    def __init__(self, text: str) -> None:
        """Raises SignatureError: it is none."""
        self.text = text.strip()
        self.register = self.format = ""
        node = _tree(text)
        match node:
            case ast.Name(name) if _is_register(name.lower()):
                self.register = name.lower()
            case ast.Subscript(ast.Name(name), index) if name in NUMBERS and not isinstance(index, ast.Slice):
                self.format = name
                self._address = _parsed(index, self.text)
            case _:
                raise SignatureError(f"{self.text!r:.80} can't be changed: a register can, or memory, as u32[sp + 12]")

    @property
    def size(self) -> int:
        """How many bytes of memory it has; 0 of a register."""
        return struct.calcsize(NUMBERS[self.format]) if self.format else 0

    def address(self, at: Standing) -> int:
        """Where it is in memory now. Raises SignatureError: it has no address now."""
        return _integer(self._address(at)) & (1 << 64) - 1

    def change(self, session: Session, value: Expression) -> None:
        """Give it a value now. Raises SignatureError: it can't hold that, or can't be written."""
        if self.register:
            self._change_register(session, value)
            return
        code = NUMBERS[self.format]
        try:
            new = value.value(session)
            if code[-1] in "fd":
                data = struct.pack(code, new)
            else:
                bits = 8 * self.size
                number = value.integer(session)
                if not -(1 << bits - 1) <= number < 1 << bits:
                    raise SignatureError(f"{self.text} has {bits} bits: {number:#x} doesn't fit")
                data = (number & (1 << bits) - 1).to_bytes(self.size, "little")
            session.memory.write(self.address(session), data)
        except (struct.error, OverflowError) as error:
            raise SignatureError(f"{self.text} can't hold {value.text}: {error}") from None
        except SignatureError:
            raise
        except Error as error:
            raise SignatureError(f"{self.text} can't be changed: {error}") from None

    def _change_register(self, session: Session, value: Expression) -> None:
        cpu: Any = session.cpu
        name = self.register
        kind = name[:1]
        if name in ("sp", "pc", "nzcv", "fpcr", "fpsr"):
            setattr(cpu, name, value.integer(session))
        elif kind in "xw":
            getattr(cpu, kind)[int(name[1:])] = value.integer(session)
        else:
            kind = "q" if kind == "v" else kind
            new = value.integer(session) if kind == "q" else float(value.value(session))
            setattr(cpu.v[int(name[1:])], kind, new)


def _is_register(name: str) -> bool:
    if name in ("sp", "pc", "nzcv", "fpcr", "fpsr"):
        return True
    kind, number = name[:1], name[1:]
    if not number.isdecimal() or not number.isascii() or len(number) > 2:
        return False
    return int(number) < 31 if kind in ("x", "w") else kind in ("v", "q", "d", "s", "h") and int(number) < 32
