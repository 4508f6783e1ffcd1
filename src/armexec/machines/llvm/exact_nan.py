"""Floating-point operations as host instructions, and the functions that give the exact result where that is a NaN.

The host's instruction is right unless its result is a NaN, which differs between processors (and which LLVM doesn't
keep). An exact function computes the same again and, if that is a NaN, picks the one of the manual's FPProcessNaNs;
round to nearest, no flushing of denormals, no default NaN (FPCR is zero).

Exact functions preserve all registers, so that those who call them keep theirs. Their attributes `#2` are defined with
the module (`translate.host.exact_attributes`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from armexec.machines.fp.formats import FORMATS, Format
from armexec.machines.llvm.shapes import FLOATS

__all__ = ["Emitter", "FloatType", "emit", "exact_function", "narrow", "result_type", "round_to_odd"]


class Emitter(Protocol):
    def line(self, text: str, /) -> str:
        """Append `name = text`; the name."""


@dataclass(frozen=True)
class FloatType:
    """Floating-point numbers of `esize` bits: one (`lanes` is 0) or a vector."""

    lanes: int
    esize: int

    def _of(self, element: str) -> str:
        return f"<{self.lanes} x {element}>" if self.lanes else element

    @property
    def kind(self) -> str:
        return self._of(FLOATS[self.esize])

    @property
    def integer(self) -> str:
        return self._of(f"i{self.esize}")

    @property
    def bits(self) -> str:
        return self._of("i1")

    @property
    def suffix(self) -> str:
        """As the names of intrinsics have it."""
        return f"v{self.lanes}f{self.esize}" if self.lanes else f"f{self.esize}"

    @property
    def format(self) -> Format:
        return FORMATS[self.esize]

    def sized(self, esize: int) -> FloatType:
        """As many numbers of another size."""
        return FloatType(self.lanes, esize)

    def constant(self, bits: int) -> str:
        """An integer, in every lane."""
        return f"splat (i{self.esize} {bits})" if self.lanes else str(bits)

    def number(self, value: float) -> str:
        """A number that every format has, in every lane."""
        # LLVM writes a single as the double it is.
        text = f"0xH{struct.pack('>e', value).hex()}" if self.esize == 16 else f"0x{struct.pack('>d', value).hex()}"
        return f"splat ({FLOATS[self.esize]} {text})" if self.lanes else text


# -- the host's instructions -----------------------------------------------------------------------------------------

_ARITHMETIC = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv", "mulx": "fmul"}
_INTRINSICS = {
    "sqrt": "sqrt",
    "max": "maximum",
    "min": "minimum",
    # A NaN even against a number: which one it loses to is for the exact function.
    "maxnm": "maximum",
    "minnm": "minimum",
    "abs": "fabs",
    "roundeven": "roundeven",
    "ceil": "ceil",
    "floor": "floor",
    "trunc": "trunc",
    "round": "round",
}


def emit(e: Emitter, operation: str, t: FloatType, operands: Sequence[str]) -> str:
    """The operation by host instructions: a NaN if the exact result may be another than this."""
    if operation in ("fma", "fmal", "recps", "rsqrts"):
        return _fused(e, operation, t, operands)
    if operation.startswith("to"):
        return _convert(e, t, operands[0], operation)
    if operation == "neg":
        return e.line(f"fneg {t.kind} {operands[0]}")
    if t.esize == 16 and operation != "abs":
        # Rounding twice does no harm here: a single has more than twice the bits of a half, and two.
        wide = t.sized(32)
        extended = [e.line(f"fpext {t.kind} {a} to {wide.kind}") for a in operands]
        result = emit(e, operation, wide, extended)
        return e.line(f"fptrunc {wide.kind} {result} to {t.kind}")
    if operation in _ARITHMETIC:
        return e.line(f"{_ARITHMETIC[operation]} {t.kind} {operands[0]}, {operands[1]}")
    arguments = ", ".join(f"{t.kind} {a}" for a in operands)
    return e.line(f"call {t.kind} @llvm.{_INTRINSICS[operation]}.{t.suffix}({arguments})")


def _fma(e: Emitter, t: FloatType, addend: str, a: str, b: str) -> str:
    if t.esize == 16:
        # The product is exact in double precision, and a sum that isn't is not near a tie of half precision.
        wide = t.sized(64)
        c, x, y = (e.line(f"fpext {t.kind} {v} to {wide.kind}") for v in (addend, a, b))
        product = e.line(f"fmul {wide.kind} {x}, {y}")
        return narrow(e, t, e.line(f"fadd {wide.kind} {product}, {c}"))
    return e.line(f"call {t.kind} @llvm.fma.{t.suffix}({t.kind} {a}, {t.kind} {b}, {t.kind} {addend})")


def _fused(e: Emitter, operation: str, t: FloatType, operands: Sequence[str]) -> str:
    if operation == "fma":
        return _fma(e, t, *operands)
    if operation == "fmal":
        half = t.sized(16)
        addend, *factors = operands
        x, y = (e.line(f"fpext {half.kind} {v} to {t.kind}") for v in factors)
        return _fma(e, t, addend, x, y)
    a, b = operands
    minus = e.line(f"fneg {t.kind} {a}")
    if operation == "recps":
        return _fma(e, t, t.number(2.0), minus, b)
    # (3 - a * b) / 2: halving a factor first can't overflow, and is exact unless that is tiny; then the sum is small.
    size = e.line(f"call {t.kind} @llvm.fabs.{t.suffix}({t.kind} {a})")
    bound = e.line(f"bitcast {t.integer} {t.constant(t.format.power_of_two(t.format.min_exponent + 2))} to {t.kind}")
    tiny = e.line(f"fcmp olt {t.kind} {size}, {bound}")
    half_a = emit(e, "mul", t, (minus, t.number(0.5)))
    factor = e.line(f"select {t.bits} {tiny}, {t.kind} {minus}, {t.kind} {half_a}")
    addend = e.line(f"select {t.bits} {tiny}, {t.kind} {t.number(3.0)}, {t.kind} {t.number(1.5)}")
    result = _fma(e, t, addend, factor, b)
    halved = emit(e, "mul", t, (result, t.number(0.5)))
    return e.line(f"select {t.bits} {tiny}, {t.kind} {halved}, {t.kind} {result}")


def round_to_odd(e: Emitter, t: FloatType, a: str) -> str:
    """From double precision to single, rounded to odd: to be rounded again to fewer bits as if at once."""
    wide = t.sized(64)
    near = e.line(f"fptrunc {wide.kind} {a} to {t.kind}")
    back = e.line(f"fpext {t.kind} {near} to {wide.kind}")
    bits = e.line(f"bitcast {t.kind} {near} to {t.integer}")
    low = e.line(f"and {t.integer} {bits}, {t.constant(1)}")
    even = e.line(f"icmp eq {t.integer} {low}, {t.constant(0)}")
    inexact = e.line(f"fcmp one {wide.kind} {a}, {back}")
    wrong = e.line(f"and {t.bits} {even}, {inexact}")
    size, size_back = (e.line(f"call {wide.kind} @llvm.fabs.{wide.suffix}({wide.kind} {v})") for v in (a, back))
    more = e.line(f"fcmp ogt {wide.kind} {size}, {size_back}")
    step = e.line(f"select {t.bits} {more}, {t.integer} {t.constant(1)}, {t.integer} {t.constant(-1)}")
    odd = e.line(f"add {t.integer} {bits}, {step}")
    chosen = e.line(f"select {t.bits} {wrong}, {t.integer} {odd}, {t.integer} {bits}")
    return e.line(f"bitcast {t.integer} {chosen} to {t.kind}")


def narrow(e: Emitter, t: FloatType, a: str) -> str:
    """From double precision to half, which hosts do by way of single, rounded once."""
    single = t.sized(32)
    return e.line(f"fptrunc {single.kind} {round_to_odd(e, single, a)} to {t.kind}")


def _convert(e: Emitter, source: FloatType, a: str, operation: str) -> str:
    target = result_type(operation, source)
    if operation == "to32odd":
        return round_to_odd(e, target, a)
    if target.esize < source.esize:
        if (source.esize, target.esize) == (64, 16):
            return narrow(e, target, a)
        return e.line(f"fptrunc {source.kind} {a} to {target.kind}")
    if (source.esize, target.esize) == (16, 64):
        single = source.sized(32)
        a = e.line(f"fpext {source.kind} {a} to {single.kind}")
        source = single
    return e.line(f"fpext {source.kind} {a} to {target.kind}")


def result_type(operation: str, t: FloatType) -> FloatType:
    if operation.startswith("to"):
        return t.sized(int(operation.removeprefix("to").removesuffix("odd")))
    return t


# -- exact functions ---------------------------------------------------------------------------------------------------


class _Text:
    """The body of a function."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> str:
        name = f"%v{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return name


def exact_function(operation: str, t: FloatType) -> tuple[str, str]:
    """The name of an exact function, and its text: of operands like those of `emit`."""
    return f"exact_{operation}_{t.suffix}", _exact_text(operation, t)


@cache
def _exact_text(operation: str, t: FloatType) -> str:
    e = _Text()
    count = 3 if operation in ("fma", "fmal") else 2 if operation in _PAIRS else 1
    types = [t, t.sized(16), t.sized(16)] if operation == "fmal" else [t] * count
    names = [f"%a{i}" for i in range(count)]
    target = result_type(operation, t)
    result = emit(e, operation, t, names)
    if operation not in ("neg", "abs"):
        bits = [
            e.line(f"bitcast {source.kind} {name} to {source.integer}")
            for source, name in zip(types, names, strict=True)
        ]
        nan = _RULES.get(operation, _plain_rule)(e, t, target, bits)
        unordered = e.line(f"fcmp uno {target.kind} {result}, {result}")
        chosen = e.line(f"bitcast {target.integer} {nan} to {target.kind}")
        result = e.line(f"select {target.bits} {unordered}, {target.kind} {chosen}, {target.kind} {result}")
    parameters = ", ".join(f"{source.kind} {name}" for source, name in zip(types, names, strict=True))
    name = f"exact_{operation}_{t.suffix}"
    head = f"define internal preserve_allcc {target.kind} @{name}({parameters}) cold noinline nounwind #2 {{"
    return "\n".join([head, *e.lines, f"ret {target.kind} {result}", "}"])


_PAIRS = ("add", "sub", "mul", "mulx", "div", "max", "min", "maxnm", "minnm", "recps", "rsqrts")


def _select(e: Emitter, t: FloatType, condition: str, a: str, b: str) -> str:
    return e.line(f"select {t.bits} {condition}, {t.integer} {a}, {t.integer} {b}")


def _is_nan(e: Emitter, t: FloatType, bits: str) -> str:
    magnitude = e.line(f"and {t.integer} {bits}, {t.constant(t.format.sign - 1)}")
    return e.line(f"icmp ugt {t.integer} {magnitude}, {t.constant(t.format.infinity)}")


def _is_signalling(e: Emitter, t: FloatType, bits: str) -> str:
    quiet = e.line(f"and {t.integer} {bits}, {t.constant(t.format.quiet)}")
    clear = e.line(f"icmp eq {t.integer} {quiet}, {t.constant(0)}")
    return e.line(f"and {t.bits} {_is_nan(e, t, bits)}, {clear}")


def _pick(e: Emitter, t: FloatType, operands: Sequence[str], otherwise: str) -> str:
    """FPProcessNaNs: the first signalling NaN or else the first quiet one, quieted; `otherwise` if there is none."""
    result = otherwise
    for test in (_is_nan, _is_signalling):
        for bits in reversed(operands):
            quieted = e.line(f"or {t.integer} {bits}, {t.constant(t.format.quiet)}")
            result = _select(e, t, test(e, t, bits), quieted, result)
    return result


_Rule = Callable[[Emitter, FloatType, FloatType, Sequence[str]], str]
"""(emitter, type of the operands, type of the result, the operands' bits): the bits where the host gives a NaN."""


def _plain_rule(e: Emitter, t: FloatType, target: FloatType, bits: Sequence[str]) -> str:
    return _pick(e, t, bits, t.constant(t.format.default_nan))


def _mulx_rule(e: Emitter, t: FloatType, target: FloatType, bits: Sequence[str]) -> str:
    signs = e.line(f"xor {t.integer} {bits[0]}, {bits[1]}")
    sign = e.line(f"and {t.integer} {signs}, {t.constant(t.format.sign)}")
    two = e.line(f"or {t.integer} {sign}, {t.constant(t.format.power_of_two(1))}")
    return _pick(e, t, bits, two)


def _fma_rule(e: Emitter, t: FloatType, target: FloatType, bits: Sequence[str]) -> str:
    addend, a, b = bits
    picked = _plain_rule(e, t, target, bits)
    # Infinity times zero is invalid also with a quiet NaN as the addend: then no operand is a NaN but that one.
    others = e.line(f"or {t.bits} {_is_nan(e, t, a)}, {_is_nan(e, t, b)}")
    infinite_a, infinite_b = (_equals(e, t, v, t.format.infinity) for v in (a, b))
    zero_a, zero_b = (_equals(e, t, v, 0) for v in (a, b))
    first = e.line(f"and {t.bits} {infinite_a}, {zero_b}")
    second = e.line(f"and {t.bits} {infinite_b}, {zero_a}")
    either = e.line(f"or {t.bits} {first}, {second}")
    numbers = e.line(f"xor {t.bits} {others}, {_ones(t)}")
    invalid = e.line(f"and {t.bits} {either}, {numbers}")
    signalling = _is_signalling(e, t, addend)
    quiet = e.line(f"xor {t.bits} {signalling}, {_ones(t)}")
    default = e.line(f"and {t.bits} {invalid}, {quiet}")
    return _select(e, t, default, t.constant(t.format.default_nan), picked)


def _ones(t: FloatType) -> str:
    return "splat (i1 true)" if t.lanes else "true"


def _equals(e: Emitter, t: FloatType, bits: str, magnitude: int) -> str:
    value = e.line(f"and {t.integer} {bits}, {t.constant(t.format.sign - 1)}")
    return e.line(f"icmp eq {t.integer} {value}, {t.constant(magnitude)}")


def _fmal_rule(e: Emitter, t: FloatType, target: FloatType, bits: Sequence[str]) -> str:
    """The factors' NaNs as singles; a conversion without quieting keeps what they are."""
    half = t.sized(16)
    return _fma_rule(e, t, target, [bits[0], *(_widen_bits(e, half, t, v) for v in bits[1:])])


def _widen_bits(e: Emitter, half: FloatType, t: FloatType, bits: str) -> str:
    """A half as a single where it is an infinity, a NaN or a zero; else some number."""
    wide = e.line(f"zext {half.integer} {bits} to {t.integer}")
    magnitude = e.line(f"and {t.integer} {wide}, {t.constant(0x7FFF)}")
    shifted = e.line(f"shl {t.integer} {magnitude}, {t.constant(13)}")
    special = e.line(f"icmp uge {t.integer} {magnitude}, {t.constant(half.format.infinity)}")
    raised = e.line(f"or {t.integer} {shifted}, {t.constant(t.format.infinity)}")
    value = _select(e, t, special, raised, shifted)
    sign = e.line(f"and {t.integer} {wide}, {t.constant(half.format.sign)}")
    high = e.line(f"shl {t.integer} {sign}, {t.constant(16)}")
    return e.line(f"or {t.integer} {value}, {high}")


def _number_rule(e: Emitter, t: FloatType, bits: Sequence[str], operation: str) -> str:
    """FPMaxNum and FPMinNum: of a number and a quiet NaN, the number."""
    a, b = bits
    nan_a, nan_b = _is_nan(e, t, a), _is_nan(e, t, b)
    result = _pick(e, t, bits, t.constant(t.format.default_nan))
    for nan, other, value in ((nan_a, nan_b, (a, b)), (nan_b, nan_a, (b, a))):
        quiet = e.line(f"xor {t.bits} {_is_signalling(e, t, value[0])}, {_ones(t)}")
        alone = e.line(f"xor {t.bits} {other}, {_ones(t)}")
        loses = e.line(f"and {t.bits} {nan}, {quiet}")
        loses = e.line(f"and {t.bits} {loses}, {alone}")
        result = _select(e, t, loses, value[1], result)
    return result


def _step_rule(e: Emitter, t: FloatType, bits: Sequence[str], constant: float) -> str:
    """FPRecipStepFused and its like: the first operand is negated, and infinity times zero counts as zero."""
    a, b = bits
    minus = e.line(f"xor {t.integer} {a}, {t.constant(t.format.sign)}")
    number = e.line(f"bitcast {t.kind} {t.number(constant)} to {t.integer}")
    return _pick(e, t, (minus, b), number)


def _convert_rule(e: Emitter, t: FloatType, target: FloatType, bits: Sequence[str]) -> str:
    """FPConvertNaN: the payload from the highest bit down."""
    source, wanted = t.format, target.format
    shift = wanted.fraction_bits - source.fraction_bits
    fraction = e.line(f"and {t.integer} {bits[0]}, {t.constant(source.fraction_mask)}")
    sign = e.line(f"lshr {t.integer} {bits[0]}, {t.constant(t.esize - 1)}")
    if shift < 0:
        fraction = e.line(f"lshr {t.integer} {fraction}, {t.constant(-shift)}")
    resize = "trunc" if shift < 0 else "zext"
    fraction, sign = (e.line(f"{resize} {t.integer} {v} to {target.integer}") for v in (fraction, sign))
    if shift > 0:
        fraction = e.line(f"shl {target.integer} {fraction}, {target.constant(shift)}")
    sign = e.line(f"shl {target.integer} {sign}, {target.constant(target.esize - 1)}")
    nan = e.line(f"or {target.integer} {fraction}, {target.constant(wanted.default_nan)}")
    return e.line(f"or {target.integer} {nan}, {sign}")


_RULES: dict[str, _Rule] = {
    "mulx": _mulx_rule,
    "fma": _fma_rule,
    "fmal": _fmal_rule,
    "maxnm": lambda e, t, _, bits: _number_rule(e, t, bits, "max"),
    "minnm": lambda e, t, _, bits: _number_rule(e, t, bits, "min"),
    "recps": lambda e, t, _, bits: _step_rule(e, t, bits, 2.0),
    "rsqrts": lambda e, t, _, bits: _step_rule(e, t, bits, 1.5),
    **dict.fromkeys(("to16", "to32", "to64", "to32odd"), _convert_rule),
}
