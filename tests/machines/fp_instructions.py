"""Scalar floating-point instructions as words, and as what they ask of the reference machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from armexec.isa.machine import Rounding
from armexec.machines.interpreter.values import Bits, Elements

Execute = Callable[[Any, int, int, int], tuple[int, int, int]]


@dataclass(frozen=True)
class Instruction:
    """`execute` gives D0, X4 and NZCV from the machine and the bits of D0, D1 and D2; FPSR it leaves to the machine.

    `widths` are those of the operands: -32 or -16 for 64 bits cut into such numbers, -1 for bfloat16 ones.
    """

    name: str
    word: int
    widths: tuple[int, ...]
    execute: Execute
    bf16: bool = False


_TYPE = {32: 0, 64: 1, 16: 3}
"""The field ftype."""
_NAME = {16: "h", 32: "s", 64: "d"}


def _values(width: int, count: int, execute: Callable[..., Any]) -> Execute:
    """A scalar result in D0 from `count` scalars."""
    return lambda m, *d: (execute(m, *(Bits(width, x) for x in d[:count])).value, 0, 0)


def _arithmetic() -> list[Instruction]:
    # Base words are those of the single-precision form: Rd and Rn are 0, Rm 1 and Ra 2.
    two: dict[str, tuple[int, Callable[..., Any]]] = {
        "fmul": (0x1E210800, lambda m, a, b: m.fp_multiply(a, b)),
        "fdiv": (0x1E211800, lambda m, a, b: m.fp_divide(a, b)),
        "fadd": (0x1E212800, lambda m, a, b: m.fp_add(a, b)),
        "fsub": (0x1E213800, lambda m, a, b: m.fp_subtract(a, b)),
        "fmax": (0x1E214800, lambda m, a, b: m.fp_maximum(a, b)),
        "fmin": (0x1E215800, lambda m, a, b: m.fp_minimum(a, b)),
        "fmaxnm": (0x1E216800, lambda m, a, b: m.fp_maximum_number(a, b)),
        "fminnm": (0x1E217800, lambda m, a, b: m.fp_minimum_number(a, b)),
        "fnmul": (0x1E218800, lambda m, a, b: m.fp_negate(m.fp_multiply(a, b))),
    }
    three: dict[str, tuple[int, Callable[..., Any]]] = {
        "fmadd": (0x1F010800, lambda m, n, b, a: m.fp_multiply_add(a, n, b)),
        "fnmsub": (0x1F218800, lambda m, n, b, a: m.fp_multiply_add(m.fp_negate(a), n, b)),
    }
    one: dict[str, tuple[int, Callable[..., Any]]] = {
        "fabs": (0x1E20C000, lambda m, a: m.fp_absolute(a)),
        "fneg": (0x1E214000, lambda m, a: m.fp_negate(a)),
        "fsqrt": (0x1E21C000, lambda m, a: m.fp_square_root(a)),
    }
    roundings = ["n", "p", "m", "z", "a", "", "x", "i"]
    numbers = [Rounding.TIEEVEN, Rounding.POSINF, Rounding.NEGINF, Rounding.ZERO, Rounding.TIEAWAY, Rounding.CURRENT]
    for code, letter in enumerate(roundings):
        if letter:
            rounding = numbers[min(code, 5)]
            one[f"frint{letter}"] = (0x1E244000 | code << 15, _rounds(rounding, exact=letter == "x"))
    found = []
    for width, ftype in _TYPE.items():
        for count, table in ((1, one), (2, two), (3, three)):
            for name, (word, execute) in table.items():
                found.append(
                    Instruction(
                        f"{name} {_NAME[width]}", word | ftype << 22, (width,) * count, _values(width, count, execute)
                    )
                )
    for width in (32, 64):
        for code, (size, letter) in enumerate([(32, "z"), (32, "x"), (64, "z"), (64, "x")]):
            word = 0x1E284000 | code << 15 | _TYPE[width] << 22
            sized = _rounds_sized(size, Rounding.ZERO if letter == "z" else Rounding.CURRENT)
            found.append(Instruction(f"frint{size}{letter} {_NAME[width]}", word, (width,), _values(width, 1, sized)))
    return found


def _rounds(rounding: Rounding, *, exact: bool) -> Callable[..., Any]:
    return lambda m, a: m.fp_round_integral(a, rounding=rounding, exact=exact)


def _rounds_sized(size: int, rounding: Rounding) -> Callable[..., Any]:
    return lambda m, a: m.fp_round_integral_sized(a, size=size, rounding=rounding)


def _simd_scalar() -> list[Instruction]:
    """By the words for single, double and half precision."""
    table: list[tuple[str, int, int, int, int, Callable[..., Any]]] = [
        ("fmulx", 2, 0x5E21DC00, 0x5E61DC00, 0x5E411C00, lambda m, a, b: m.fp_multiply_extended(a, b)),
        ("frecps", 2, 0x5E21FC00, 0x5E61FC00, 0x5E413C00, lambda m, a, b: m.fp_reciprocal_step(a, b)),
        ("frsqrts", 2, 0x5EA1FC00, 0x5EE1FC00, 0x5EC13C00, lambda m, a, b: m.fp_reciprocal_square_root_step(a, b)),
        ("fcmeq", 2, 0x5E21E400, 0x5E61E400, 0x5E412400, lambda m, a, b: m.fp_equal(a, b)),
        ("fcmge", 2, 0x7E21E400, 0x7E61E400, 0x7E412400, lambda m, a, b: m.fp_greater_equal(a, b)),
        ("fcmgt", 2, 0x7EA1E400, 0x7EE1E400, 0x7EC12400, lambda m, a, b: m.fp_greater(a, b)),
        ("frecpe", 1, 0x5EA1D800, 0x5EE1D800, 0x5EF9D800, lambda m, a: m.fp_reciprocal_estimate(a)),
        ("frsqrte", 1, 0x7EA1D800, 0x7EE1D800, 0x7EF9D800, lambda m, a: m.fp_reciprocal_square_root_estimate(a)),
        ("frecpx", 1, 0x5EA1F800, 0x5EE1F800, 0x5EF9F800, lambda m, a: m.fp_reciprocal_exponent(a)),
    ]
    found = []
    for name, count, *words, execute in table:
        for width, word in zip((32, 64, 16), words, strict=True):
            found.append(Instruction(f"{name} {_NAME[width]}", word, (width,) * count, _values(width, count, execute)))
    return found


def _comparisons() -> list[Instruction]:
    def compare(width: int, signal: bool) -> Execute:
        return lambda m, a, b, _: (a, 0, m.fp_compare(Bits(width, a), Bits(width, b), signal=signal).value)

    return [
        Instruction(
            f"{'fcmpe' if signal else 'fcmp'} {_NAME[width]}",
            0x1E212000 | signal << 4 | ftype << 22,
            (width, width),
            compare(width, signal),
        )
        for width, ftype in _TYPE.items()
        for signal in (False, True)
    ]


def _conversions() -> list[Instruction]:
    found = []
    for width, ftype in _TYPE.items():
        for target, opcode in _TYPE.items():
            if target != width:
                word = 0x1E224000 | ftype << 22 | opcode << 15
                execute = _values(width, 1, lambda m, a, target=target: m.fp_convert(a, target))
                found.append(Instruction(f"fcvt {_NAME[target]}, {_NAME[width]}", word, (width,), execute))
    odd = _values(64, 1, lambda m, a: m.fp_convert(a, 32, rounding=Rounding.ODD))
    found.append(Instruction("fcvtxn", 0x7E616800, (64,), odd))
    roundings = [(0, Rounding.TIEEVEN), (1, Rounding.POSINF), (2, Rounding.NEGINF), (3, Rounding.ZERO)]
    for width, ftype in _TYPE.items():
        for size in (32, 64):
            for unsigned in (0, 1):
                base = (size == 64) << 31 | ftype << 22 | unsigned << 16
                forms = [(f"fcvt {r.name}", 0x1E200004 | rmode << 19, r, 0) for rmode, r in roundings]
                forms.append(("fcvt TIEAWAY", 0x1E240004, Rounding.TIEAWAY, 0))
                forms += [(f"fcvtz #{n}", 0x1E180004 | 64 - n << 10, Rounding.ZERO, n) for n in (1, 11, size)]
                for name, word, rounding, fraction_bits in forms:
                    execute = _to_integer(width, size, not unsigned, rounding, fraction_bits)
                    title = f"{name} {'us'[not unsigned]}{size}, {_NAME[width]}"
                    found.append(Instruction(title, word | base, (width,), execute))
                for name, word, fraction_bits in [("cvtf", 0x1E2200C0, 0)] + [
                    (f"cvtf #{n}", 0x1E0200C0 | 64 - n << 10, n) for n in (1, 11, size)
                ]:
                    execute = _from_integer(width, size, not unsigned, fraction_bits)
                    title = f"{name} {_NAME[width]}, {'us'[not unsigned]}{size}"
                    found.append(Instruction(title, word | base, (size,), execute))

    def javascript(m: Any, a: int, *_: int) -> tuple[int, int, int]:
        integer, exact = m.fp_to_fixed_javascript(Bits(64, a))
        return a, integer.value, exact.value << 2

    found.append(Instruction("fjcvtzs", 0x1E7E0004, (64,), javascript))
    return found


def _to_integer(width: int, size: int, signed: bool, rounding: Rounding, fraction_bits: int) -> Execute:
    def execute(m: Any, a: int, *_: int) -> tuple[int, int, int]:
        options = {"signed": signed, "rounding": rounding, "fraction_bits": fraction_bits}
        return a, m.fp_to_fixed(Bits(width, a), size, **options).value, 0

    return execute


def _from_integer(width: int, size: int, signed: bool, fraction_bits: int) -> Execute:
    return _values(size, 1, lambda m, a: m.fp_from_fixed(a, width, signed=signed, fraction_bits=fraction_bits))


def _vectors() -> list[Instruction]:
    def fmlal(m: Any, d: int, n: int, k: int) -> tuple[int, int, int]:
        addend, a, b = Elements.of(d, 32, 64), Elements.of(n, 16, 32), Elements.of(k, 16, 32)
        return m.fp_multiply_add_long(addend, a, b).value().value, 0, 0

    def bfdot(m: Any, d: int, n: int, k: int) -> tuple[int, int, int]:
        addend, a, b = Elements.of(d, 32, 64), Elements.of(n, 16, 64), Elements.of(k, 16, 64)
        return m.bf16_dot(addend, a, b).value().value, 0, 0

    def lanes(operation: str) -> Execute:
        return lambda m, a, *_: (getattr(m, operation)(Elements.of(a, 32, 64)).value().value, 0, 0)

    bfcvt = _values(32, 1, lambda m, a: m.bf16_convert(a))
    return [
        Instruction("fmlal 2s", 0x0E22EC20, (-32, -16, -16), fmlal),
        Instruction("urecpe 2s", 0x0EA1C800, (-32,), lanes("unsigned_reciprocal_estimate")),
        Instruction("ursqrte 2s", 0x2EA1C800, (-32,), lanes("unsigned_reciprocal_square_root_estimate")),
        Instruction("bfcvt", 0x1E634000, (32,), bfcvt, bf16=True),
        Instruction("bfdot 2s", 0x2E42FC20, (-32, -1, -1), bfdot, bf16=True),
    ]


INSTRUCTIONS = [*_arithmetic(), *_simd_scalar(), *_comparisons(), *_conversions(), *_vectors()]
