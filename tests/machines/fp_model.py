"""An independent model of Arm's floating point, on values: exact fractions, and results found among neighbours.

It is written from IEEE 754 and from the Arm manual's chapter A1.5 ("Floating-point support"), not from the pseudocode
that the implementation follows, and shares no code with it. An operation takes bit patterns and gives a pattern and the
cumulative flags.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

IOC, DZC, OFC, UFC, IXC, IDC = 1, 2, 4, 8, 16, 128

Result = tuple[int, int]
"""A bit pattern (or integer, or NZCV, or truth) and flags."""


@dataclass(frozen=True)
class Modes:
    """FPCR. `rounding` is one of "even", "up", "down", "zero", "away", "odd"."""

    rounding: str = "even"
    fz: bool = False
    fz16: bool = False
    dn: bool = False
    ahp: bool = False

    @classmethod
    def of(cls, fpcr: int) -> Modes:
        bits = f"{fpcr:032b}"[::-1]
        rounding = {"00": "even", "10": "up", "01": "down", "11": "zero"}[bits[22:24]]
        return cls(rounding, bits[24] == "1", bits[19] == "1", bits[25] == "1", bits[26] == "1")


class Kind:
    """A format, as the values of its patterns. `e` and `f` are the widths of exponent and fraction."""

    def __init__(self, width: int, e: int, f: int) -> None:
        self.width, self.e, self.f = width, e, f
        self.bias = 2 ** (e - 1) - 1
        self.inf = (2**e - 1) * 2**f
        self.nan = self.inf + 2 ** (f - 1)
        self.minus = 2 ** (width - 1)
        self.tiny = Fraction(2) ** (1 - self.bias)

    def value(self, magnitude: int) -> Fraction:
        """Of a pattern without its sign, as if infinities and NaNs were larger numbers still."""
        exponent, fraction = divmod(magnitude, 2**self.f)
        scaled = Fraction(fraction, 2**self.f)
        return scaled * self.tiny if exponent == 0 else (1 + scaled) * Fraction(2) ** (exponent - self.bias)

    def guess(self, number: float) -> int:
        """A pattern near a positive number."""
        fraction, exponent = math.frexp(number)
        if number < self.tiny:
            return int(math.ldexp(fraction, exponent + self.bias - 1 + self.f))
        pattern = (exponent - 1 + self.bias) * 2**self.f + int((2 * fraction - 1) * 2**self.f)
        return min(pattern, self.inf)


HALF, SINGLE, DOUBLE, BFLOAT = Kind(16, 5, 10), Kind(32, 8, 23), Kind(64, 11, 52), Kind(16, 8, 7)
KINDS = {16: HALF, 32: SINGLE, 64: DOUBLE}


@dataclass(frozen=True)
class Real:
    """A positive real number: how it compares with a fraction, and about what it is."""

    minus: Callable[[Fraction], Fraction]
    """Of the same sign as the number minus the fraction."""
    about: float

    @classmethod
    def of(cls, x: Fraction) -> Real:
        return cls(lambda v: x - v, _float(x))

    @classmethod
    def root(cls, x: Fraction) -> Real:
        return cls(lambda v: x - v * v, math.sqrt(_float(x)))


def _float(x: Fraction) -> float:
    try:
        return float(x)
    except OverflowError:
        return sys.float_info.max


def fit(kind: Kind, x: Real, negative: bool, rounding: str) -> tuple[int, bool]:
    """The magnitude chosen among the two neighbours of x, and whether it is x. Too large a number is infinity."""
    low = kind.guess(x.about)
    while x.minus(kind.value(low)) < 0:
        low -= 1
    while low < kind.inf and x.minus(kind.value(low + 1)) >= 0:
        low += 1
    below, above = kind.value(low), kind.value(low + 1)
    if x.minus(below) == 0:
        return low, True
    middle = x.minus((below + above) / 2)
    if rounding == "even":
        chosen = low + (middle > 0 or (middle == 0 and low % 2 == 1))
    elif rounding == "odd":
        chosen = low if low % 2 else low + 1
    else:
        chosen = low + (rounding == ("down" if negative else "up"))
    return min(chosen, kind.inf), False


def rounded(modes: Modes, kind: Kind, x: Real, negative: bool, *, converting: bool = False) -> Result:
    """The result of an operation whose exact result is x, not zero."""
    sign = kind.minus if negative else 0
    half = kind is HALF
    tiny = x.minus(kind.tiny) < 0
    if tiny and ((modes.fz16 and not converting) if half else modes.fz):
        return sign, UFC
    top = kind.inf
    if half and converting and modes.ahp:
        # No infinities and NaNs: the largest exponent is one more.
        top = 0x8000
        wide = Kind(16, 6, 10)
        wide.bias, wide.tiny = kind.bias, kind.tiny
        kind = wide
    chosen, exact = fit(kind, x, negative, modes.rounding)
    if top == 0x8000:
        if chosen >= top:
            return sign | 0x7FFF, IOC
    elif chosen >= top:
        away = modes.rounding in ("even", "down" if negative else "up")
        return sign | (top if away else top - 1), OFC | IXC
    return sign | chosen, 0 if exact else IXC | (UFC if tiny else 0)


class Operand:
    """A pattern and what it is under the modes."""

    def __init__(self, modes: Modes, kind: Kind, bits: int, *, converting: bool = False) -> None:
        self.kind, self.bits = kind, bits
        self.negative = bits >= kind.minus
        magnitude = bits % kind.minus
        self.flags = 0
        special = not (converting and kind is HALF and modes.ahp)
        self.infinite = special and magnitude == kind.inf
        self.nan = special and magnitude > kind.inf
        self.signalling = self.nan and magnitude < kind.nan
        self.value = Fraction(0) if self.nan or self.infinite else kind.value(magnitude)
        if 0 < self.value < kind.tiny:
            if kind is HALF:
                if modes.fz16 and not converting:
                    self.value = Fraction(0)
            elif modes.fz:
                self.value, self.flags = Fraction(0), IDC
        self.zero = self.value == 0 and not (self.nan or self.infinite)
        if self.negative:
            self.value = -self.value

    @property
    def sketch(self) -> float:
        """A float of the same class and sign: for asking the host about infinities."""
        size = math.inf if self.infinite else 0.0 if self.zero else 1.0
        return -size if self.negative else size


def propagated(modes: Modes, operands: Sequence[Operand], kind: Kind | None = None) -> Result | None:
    """The NaN that operands give: a signalling one first, then a quiet one, each in order of operands."""
    flags = 0
    for operand in operands:
        flags |= operand.flags
    for candidates in ([o for o in operands if o.signalling], [o for o in operands if o.nan]):
        for first in candidates:
            if first.signalling:
                flags |= IOC
            kind = kind or first.kind
            return (kind.nan if modes.dn else quieted(first, kind)), flags
    return None


def quieted(nan: Operand, kind: Kind) -> int:
    """The NaN in another format: sign, quiet, and the highest bits of the payload."""
    text = f"{nan.bits:0{nan.kind.width}b}"
    payload = text[2 + nan.kind.e :].ljust(kind.f - 1, "0")[: kind.f - 1]
    return int(text[0] + "1" * (kind.e + 1) + payload, 2)


def signed_zero(kind: Kind, negative: bool) -> int:
    return kind.minus if negative else 0


def from_host(kind: Kind, number: float, flags: int) -> Result:
    """An infinity, zero or NaN that the host computed from sketches."""
    if math.isnan(number):
        return kind.nan, flags | IOC
    sign = kind.minus if math.copysign(1, number) < 0 else 0
    assert number == 0 or math.isinf(number)
    return sign | (kind.inf if number else 0), flags


def exact(modes: Modes, kind: Kind, value: Fraction, negative_zero: bool, flags: int) -> Result:
    """Round a value; a zero gets its sign as told."""
    if value == 0:
        return signed_zero(kind, negative_zero), flags
    bits, more = rounded(modes, kind, Real.of(abs(value)), value < 0)
    return bits, flags | more


def add(modes: Modes, kind: Kind, a: int, b: int, *, subtract: bool = False) -> Result:
    x, y = Operand(modes, kind, a), Operand(modes, kind, b)
    nan = propagated(modes, [x, y])
    if nan:
        return nan
    flags = x.flags | y.flags
    t = -1 if subtract else 1
    if x.infinite or y.infinite:
        return from_host(kind, x.sketch + t * y.sketch, flags)
    if x.zero and y.zero:
        alike = x.negative == (y.negative != subtract)
        return signed_zero(kind, x.negative if alike else modes.rounding == "down"), flags
    return exact(modes, kind, x.value + t * y.value, modes.rounding == "down", flags)


def subtract(modes: Modes, kind: Kind, a: int, b: int) -> Result:
    return add(modes, kind, a, b, subtract=True)


def multiply(modes: Modes, kind: Kind, a: int, b: int, *, extended: bool = False) -> Result:
    x, y = Operand(modes, kind, a), Operand(modes, kind, b)
    nan = propagated(modes, [x, y])
    if nan:
        return nan
    flags = x.flags | y.flags
    negative = x.negative != y.negative
    if x.infinite or y.infinite:
        if extended and (x.zero or y.zero):
            return exact(modes, kind, Fraction(-2 if negative else 2), False, flags)
        return from_host(kind, x.sketch * y.sketch, flags)
    return exact(modes, kind, x.value * y.value, negative, flags)


def multiply_extended(modes: Modes, kind: Kind, a: int, b: int) -> Result:
    return multiply(modes, kind, a, b, extended=True)


def divide(modes: Modes, kind: Kind, a: int, b: int) -> Result:
    x, y = Operand(modes, kind, a), Operand(modes, kind, b)
    nan = propagated(modes, [x, y])
    if nan:
        return nan
    flags = x.flags | y.flags
    negative = x.negative != y.negative
    if y.zero:
        if x.zero:
            return kind.nan, flags | IOC
        return signed_zero(kind, negative) | kind.inf, flags | (0 if x.infinite else DZC)
    if x.infinite or y.infinite:
        return from_host(kind, x.sketch / y.sketch, flags)
    return exact(modes, kind, x.value / y.value, negative, flags)


def square_root(modes: Modes, kind: Kind, a: int) -> Result:
    x = Operand(modes, kind, a)
    nan = propagated(modes, [x])
    if nan:
        return nan
    if x.zero:
        return signed_zero(kind, x.negative), x.flags
    if x.negative:
        return kind.nan, x.flags | IOC
    if x.infinite:
        return kind.inf, x.flags
    bits, flags = rounded(modes, kind, Real.root(x.value), False)
    return bits, flags | x.flags


def multiply_add(modes: Modes, kind: Kind, addend: int, a: int, b: int, *, factors: Kind | None = None) -> Result:
    c, x, y = Operand(modes, kind, addend), *(Operand(modes, factors or kind, bits) for bits in (a, b))
    flags = c.flags | x.flags | y.flags
    if {(x.infinite, y.zero), (x.zero, y.infinite)} & {(True, True)} and not c.signalling:
        # Whatever quiet NaN is added: the product is invalid.
        return kind.nan, flags | IOC
    nan = propagated(modes, [c, x, y], kind)
    if nan:
        return nan
    if c.infinite or x.infinite or y.infinite:
        # A product of finite numbers is finite.
        return from_host(kind, c.sketch + x.sketch * y.sketch, flags)
    negative = x.negative != y.negative
    same = c.zero and (x.zero or y.zero) and c.negative == negative
    return exact(modes, kind, c.value + x.value * y.value, negative if same else modes.rounding == "down", flags)


def multiply_add_long(modes: Modes, kind: Kind, addend: int, a: int, b: int) -> Result:
    return multiply_add(modes, kind, addend, a, b, factors=HALF)


def reciprocal_step(modes: Modes, kind: Kind, a: int, b: int, *, start: int = 2, divisor: int = 1) -> Result:
    x, y = Operand(modes, kind, a ^ kind.minus), Operand(modes, kind, b)
    nan = propagated(modes, [x, y])
    if nan:
        return nan
    flags = x.flags | y.flags
    if (x.infinite or y.infinite) and not (x.zero or y.zero):
        return from_host(kind, x.sketch * y.sketch, flags)
    return exact(modes, kind, (start + x.value * y.value) / divisor, modes.rounding == "down", flags)


def reciprocal_square_root_step(modes: Modes, kind: Kind, a: int, b: int) -> Result:
    return reciprocal_step(modes, kind, a, b, start=3, divisor=2)


def _rank(x: Operand) -> tuple[Fraction | float, bool]:
    """Ordered as numbers, and among zeros -0 first."""
    if x.infinite:
        return (-math.inf if x.negative else math.inf), True
    return x.value, not x.negative


def extreme(
    modes: Modes, kind: Kind, a: int, b: int, pick: Callable[..., Operand], *, missing: int | None = None
) -> Result:
    x, y = Operand(modes, kind, a), Operand(modes, kind, b)
    if missing is not None and not (x.signalling or y.signalling) and x.nan != y.nan:
        # A number and a quiet NaN: the number.
        number = y if x.nan else x
        return (signed_zero(kind, number.negative) if number.zero else number.bits), number.flags
    nan = propagated(modes, [x, y])
    if nan:
        return nan
    best = pick(x, y, key=_rank)
    return (signed_zero(kind, best.negative) if best.zero else best.bits), x.flags | y.flags


def maximum(modes: Modes, kind: Kind, a: int, b: int) -> Result:
    return extreme(modes, kind, a, b, max)


def minimum(modes: Modes, kind: Kind, a: int, b: int) -> Result:
    return extreme(modes, kind, a, b, min)


def maximum_number(modes: Modes, kind: Kind, a: int, b: int) -> Result:
    return extreme(modes, kind, a, b, max, missing=1)


def minimum_number(modes: Modes, kind: Kind, a: int, b: int) -> Result:
    return extreme(modes, kind, a, b, min, missing=1)


def _relation(modes: Modes, kind: Kind, a: int, b: int, *, signal: bool) -> tuple[str, int]:
    x, y = Operand(modes, kind, a), Operand(modes, kind, b)
    flags = x.flags | y.flags
    if x.nan or y.nan:
        return "unordered", flags | (IOC if signal or x.signalling or y.signalling else 0)
    p, q = _rank(x)[0], _rank(y)[0]
    return ("<" if p < q else ">" if p > q else "="), flags


def compare(modes: Modes, kind: Kind, a: int, b: int, *, signal: bool) -> Result:
    relation, flags = _relation(modes, kind, a, b, signal=signal)
    return {"unordered": 0b0011, "=": 0b0110, "<": 0b1000, ">": 0b0010}[relation], flags


def _mask(kind: Kind, relation: str, wanted: str) -> int:
    return 2**kind.width - 1 if relation in wanted else 0


def equal(modes: Modes, kind: Kind, a: int, b: int) -> Result:
    relation, flags = _relation(modes, kind, a, b, signal=False)
    return _mask(kind, relation, "="), flags


def greater_equal(modes: Modes, kind: Kind, a: int, b: int) -> Result:
    relation, flags = _relation(modes, kind, a, b, signal=True)
    return _mask(kind, relation, ">="), flags


def greater(modes: Modes, kind: Kind, a: int, b: int) -> Result:
    relation, flags = _relation(modes, kind, a, b, signal=True)
    return _mask(kind, relation, ">"), flags


def convert(modes: Modes, kind: Kind, a: int, *, target: Kind, rounding: str | None = None) -> Result:
    modes = replace(modes, rounding=rounding or modes.rounding)
    x = Operand(modes, kind, a, converting=True)
    sign = signed_zero(target, x.negative)
    alternative = target is HALF and modes.ahp
    if x.nan:
        if alternative:
            return sign, IOC
        return (target.nan if modes.dn else quieted(x, target)), IOC if x.signalling else 0
    if x.infinite:
        return (sign | 0x7FFF, IOC) if alternative else (sign | target.inf, 0)
    if x.zero:
        return sign, x.flags
    return rounded(modes, target, Real.of(abs(x.value)), x.negative, converting=True)


def to_integer(x: Fraction, rounding: str) -> int:
    if rounding == "even":
        return round(x)
    if rounding == "away":
        return int(abs(x) + Fraction(1, 2)) * (-1 if x < 0 else 1)
    return math.ceil(x) if rounding == "up" else math.floor(x) if rounding == "down" else math.trunc(x)


def to_fixed(
    modes: Modes, kind: Kind, a: int, *, size: int, signed: bool, rounding: str | None, fraction_bits: int = 0
) -> Result:
    x = Operand(modes, kind, a)
    low, high = (-(2 ** (size - 1)), 2 ** (size - 1) - 1) if signed else (0, 2**size - 1)
    if x.nan:
        return 0, IOC
    if x.infinite:
        return (low if x.negative else high) % 2**size, IOC
    scaled = x.value * 2**fraction_bits
    integer = to_integer(scaled, rounding or modes.rounding)
    if not low <= integer <= high:
        return (low if integer < 0 else high) % 2**size, x.flags | IOC
    return integer % 2**size, x.flags | (IXC if integer != scaled else 0)


def to_fixed_javascript(modes: Modes, kind: Kind, a: int) -> tuple[int, int, int]:
    """ECMAScript's ToInt32, Z and the flags."""
    x = Operand(modes, kind, a)
    if x.nan or x.infinite:
        return 0, 0, IOC
    integer = math.trunc(x.value)
    fits = -(2**31) <= integer < 2**31
    flags = x.flags | (IOC if not fits else IXC if integer != x.value else 0)
    same = fits and (integer == x.value) and a != kind.minus and not x.flags
    return integer % 2**32, int(same), flags


def from_fixed(
    modes: Modes, kind: Kind, a: int, *, source: int, signed: bool, fraction_bits: int = 0, rounding: str | None = None
) -> Result:
    integer = a - 2**source if signed and a >= 2 ** (source - 1) else a
    modes = replace(modes, rounding=rounding or modes.rounding)
    return exact(modes, kind, Fraction(integer, 2**fraction_bits), False, 0)


def _integral(kind: Kind, integer: int, negative: bool) -> int:
    """The pattern of an integer that the format has."""
    bits, same = fit(kind, Real.of(Fraction(abs(integer))), negative, "even")
    assert same
    return bits | signed_zero(kind, negative)


def round_integral(modes: Modes, kind: Kind, a: int, *, rounding: str | None, exact: bool) -> Result:
    x = Operand(modes, kind, a)
    nan = propagated(modes, [x])
    if nan:
        return nan
    if x.infinite:
        return a, 0
    integer = to_integer(x.value, rounding or modes.rounding)
    return _integral(kind, integer, x.negative), x.flags | (IXC if exact and integer != x.value else 0)


def round_integral_sized(modes: Modes, kind: Kind, a: int, *, size: int, rounding: str | None) -> Result:
    x = Operand(modes, kind, a)
    least = _integral(kind, -(2 ** (size - 1)), True)
    if x.nan or x.infinite:
        return least, IOC
    integer = to_integer(x.value, rounding or modes.rounding)
    if not -(2 ** (size - 1)) <= integer < 2 ** (size - 1):
        return least, x.flags | IOC
    return _integral(kind, integer, x.negative), x.flags | (IXC if integer != x.value else 0)


def recip_estimate(a: float) -> float:
    """The Armv7 manual's recip_estimate(), in doubles."""
    q = int(a * 512.0)
    r = 1.0 / ((q + 0.5) / 512.0)
    return int(256.0 * r + 0.5) / 256.0


def recip_sqrt_estimate(a: float) -> float:
    """The Armv7 manual's recip_sqrt_estimate(), in doubles."""
    steps = 512.0 if a < 0.5 else 256.0
    r = 1.0 / math.sqrt((int(a * steps) + 0.5) / steps)
    return int(256.0 * r + 0.5) / 256.0


def reciprocal_estimate(modes: Modes, kind: Kind, a: int) -> Result:
    x = Operand(modes, kind, a)
    nan = propagated(modes, [x])
    if nan:
        return nan
    sign = signed_zero(kind, x.negative)
    if x.infinite:
        return sign, 0
    if x.zero:
        return sign | kind.inf, x.flags | DZC
    size = abs(x.value)
    if size < kind.tiny / 4:
        return rounded(modes, kind, Real.of(kind.value(kind.inf)), x.negative)
    if size >= 1 / kind.tiny and (modes.fz16 if kind is HALF else modes.fz):
        return sign, UFC
    # To between 1/2 and 1.
    scale = Fraction(2) ** -math.frexp(size)[1]
    # Cut off to the eight bits it looks at, for which a float is exact.
    estimate = Fraction(recip_estimate(math.floor(size * scale * 512) / 512)) * scale
    bits, same = fit(kind, Real.of(estimate), False, "zero")
    assert same
    return sign | bits, 0


def reciprocal_square_root_estimate(modes: Modes, kind: Kind, a: int) -> Result:
    x = Operand(modes, kind, a)
    nan = propagated(modes, [x])
    if nan:
        return nan
    if x.zero:
        return signed_zero(kind, x.negative) | kind.inf, x.flags | DZC
    if x.negative:
        return kind.nan, IOC
    if x.infinite:
        return 0, 0
    # To between 1/4 and 1.
    root = Fraction(2) ** -math.ceil(math.frexp(x.value)[1] / 2)
    estimate = Fraction(recip_sqrt_estimate(math.floor(x.value * root * root * 512) / 512)) * root
    bits, same = fit(kind, Real.of(estimate), False, "zero")
    assert same
    return bits, 0


def reciprocal_exponent(modes: Modes, kind: Kind, a: int) -> Result:
    x = Operand(modes, kind, a)
    nan = propagated(modes, [x])
    if nan:
        return nan
    exponent = a % kind.minus // 2**kind.f
    inverted = 2**kind.e - 2 if exponent == 0 else 2**kind.e - 1 - exponent
    return signed_zero(kind, x.negative) | inverted * 2**kind.f, x.flags


def bf16_convert(modes: Modes, kind: Kind, a: int) -> Result:
    assert kind is SINGLE
    x = Operand(modes, SINGLE, a)
    sign = signed_zero(BFLOAT, x.negative)
    if x.nan:
        return (BFLOAT.nan if modes.dn else quieted(x, BFLOAT)), IOC if x.signalling else 0
    if x.infinite or x.zero:
        return sign | (BFLOAT.inf if x.infinite else 0), x.flags
    return rounded(modes, BFLOAT, Real.of(abs(x.value)), x.negative)


def bf16_dot(addend: int, a0: int, a1: int, b0: int, b1: int) -> int:
    """In modes of its own: rounded to odd, denormals flushed both ways, the default NaN; overflow to infinity."""
    modes = Modes("odd", fz=True, dn=True)

    def step(operation: Callable[..., Result], a: int, b: int) -> int:
        bits, flags = operation(modes, SINGLE, a, b)
        return bits & 0x8000_0000 | 0x7F80_0000 if flags & OFC else bits

    products = [step(multiply, a << 16, b << 16) for a, b in ((a0, b0), (a1, b1))]
    return step(add, addend, step(add, *products))
