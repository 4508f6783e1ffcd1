"""Floating-point numbers times one element: "vector x indexed element" of the index, and its scalar class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...description import instruction
from ...machine import Machine
from ...operands import Fields, Immediate, Operand
from ...operands.simd import ELEMENT_SIZE, ELEMENT_SZ, H_Q, SIZE_Q, SZ_Q, SZ_SCALAR, ByElement
from ...values import Lanes, Value
from .forms import Decorator, Operation, named
from .three_same import LONG, complex_multiply_add

_INDEX = ByElement({"h": "H:L:M", "s": "H:L", "d": "H"})


def element(m: Machine, esize: int, H: int, L: int, M: int, Rm: int) -> Value:
    """The element that H, L, M and Rm name: for one of 16 bits M is the index's last bit, else the register's first."""
    if esize == 16:
        return m.Vec[128, 16, Rm].lane(H << 2 | L << 1 | M)
    return m.Vec[128, esize, M << 4 | Rm].lane(H << 1 | L if esize == 32 else H)


def _reserved(fields: Fields) -> bool:
    """A D element has no L, and isn't in a vector of 64 bits."""
    return fields["sz"] == 1 and (fields["L"] == 1 or fields.get("Q") == 0)


def _by_element(name: str, u: int, opcode: str, *, accumulating: bool = False) -> Decorator:
    """Describe Rd = operation(m, Rn, element), or operation(m, Rd, Rn, element) if `accumulating`."""

    def decorator(operation: Operation) -> Operation:
        def sources(registers: Any, shape: tuple[int, ...], Rn: int, Rd: int) -> list[Any]:
            return [registers[(*shape, number)] for number in ((Rd, Rn) if accumulating else (Rn,))]

        def compute_vectors(m: Machine, Q: int, esize: int, Rn: int, Rd: int, factor: Value) -> None:
            width = 64 << Q
            factors = m.splat(factor, width // esize)
            m.Vec[width, esize, Rd] = operation(m, *sources(m.Vec, (width, esize), Rn, Rd), factors)

        def vectors(m: Machine, Q: int, sz: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
            compute_vectors(m, Q, 32 << sz, Rn, Rd, element(m, 32 << sz, H, L, M, Rm))

        def half_vectors(m: Machine, Q: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
            compute_vectors(m, Q, 16, Rn, Rd, element(m, 16, H, L, M, Rm))

        def compute_scalars(m: Machine, esize: int, Rn: int, Rd: int, factor: Value) -> None:
            m.V[esize, Rd] = operation(m, *sources(m.V, (esize,), Rn, Rd), factor)

        def scalars(m: Machine, sz: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
            compute_scalars(m, 32 << sz, Rn, Rd, element(m, 32 << sz, H, L, M, Rm))

        def half_scalars(m: Machine, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
            compute_scalars(m, 16, Rn, Rd, element(m, 16, H, L, M, Rm))

        def describe(semantics: Callable[..., None], suffix: str, pattern: str, syntax: str, **options: Any) -> None:
            pattern = f"{pattern} L M Rm:4 opcode={opcode} H 0 Rn:5 Rd:5"
            form = f"{name}_{suffix}", "", f"{name.lower()} {syntax}[<index>]"
            instruction(pattern, form, **options)(named(operation, semantics, suffix.rpartition("_")[0]))

        single: dict[str, Operand] = {"T": SZ_Q, "V": SZ_SCALAR, "Ts": ELEMENT_SZ, "index": _INDEX}
        half: dict[str, Operand] = {"T": H_Q, "index": _INDEX}
        describe(
            vectors,
            "asimdelem_R_SD",
            f"0 Q U={u} 01111 1 sz",
            "<Vd>.<T>, <Vn>.<T>, <Vm>.<Ts>",
            operands=single,
            undefined=_reserved,
        )
        describe(
            half_vectors,
            "asimdelem_RH_H",
            f"0 Q U={u} 01111 size=00",
            "<Vd>.<T>, <Vn>.<T>, <Vm>.H",
            operands=half,
            feature="FEAT_FP16",
        )
        describe(
            scalars,
            "asisdelem_R_SD",
            f"01 U={u} 11111 1 sz",
            "<V><d>, <V><n>, <Vm>.<Ts>",
            operands=single,
            undefined=_reserved,
        )
        describe(
            half_scalars,
            "asisdelem_RH_H",
            f"01 U={u} 11111 size=00",
            "<Hd>, <Hn>, <Vm>.H",
            operands=half,
            feature="FEAT_FP16",
        )
        return operation

    return decorator


@_by_element("FMLA", 0, "0001", accumulating=True)
def FMLA(m: Machine, addend: Lanes, a: Lanes, b: Lanes) -> Lanes:
    """Multiply by an element and add to Rd, rounded once."""
    return m.fp_multiply_add(addend, a, b)


@_by_element("FMLS", 0, "0101", accumulating=True)
def FMLS(m: Machine, addend: Lanes, a: Lanes, b: Lanes) -> Lanes:
    """Multiply by an element and subtract from Rd, rounded once."""
    return m.fp_multiply_add(addend, m.fp_negate(a), b)


@_by_element("FMUL", 0, "1001")
def FMUL(m: Machine, a: Lanes, b: Lanes) -> Lanes:
    """Multiply by an element."""
    return m.fp_multiply(a, b)


@_by_element("FMULX", 1, "1001")
def FMULX(m: Machine, a: Lanes, b: Lanes) -> Lanes:
    """Multiply by an element, where zero times infinity is two."""
    return m.fp_multiply_extended(a, b)


@instruction(
    "0 Q U 01111 1 sz=0 L M Rm:4 upper S 00 H 0 Rn:5 Rd:5",
    ("FMLAL_asimdelem_LH", "U=0 upper=0 S=0", "fmlal <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.H[<index>]"),
    ("FMLSL_asimdelem_LH", "U=0 upper=0 S=1", "fmlsl <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.H[<index>]"),
    ("FMLAL2_asimdelem_LH", "U=1 upper=1 S=0", "fmlal2 <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.H[<index>]"),
    ("FMLSL2_asimdelem_LH", "U=1 upper=1 S=1", "fmlsl2 <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.H[<index>]"),
    operands={**LONG, "index": _INDEX},
    feature="FEAT_FHM",
)
def FMLAL_asimdelem(
    m: Machine, Q: int, U: int, L: int, M: int, Rm: int, upper: int, S: int, H: int, Rn: int, Rd: int
) -> None:
    """Multiply the lower half (FMLAL2: the upper) by an element, add to single precision; FMLSL subtracts."""
    width = 64 << Q
    source = m.Vec[width, 16, Rn]
    a = source.upper() if upper else source.lower()
    b = m.splat(element(m, 16, H, L, M, Rm), a.lanes)
    m.Vec[width, 32, Rd] = m.fp_multiply_add_long(m.Vec[width, 32, Rd], m.fp_negate(a) if S else a, b)


_COMPLEX = SIZE_Q.without("8b", "16b", "2s", "2d")


def _complex_reserved(fields: Fields) -> bool:
    """Reserved sizes; an index with H beyond 64 bits, and with L for S elements."""
    return _COMPLEX.reserved(fields) or (fields["L"] == 1 if fields["size"] == 2 else fields["Q"] < fields["H"])


@instruction(
    "0 Q U=1 01111 size:2 L M Rm:4 0 rot:2 1 H 0 Rn:5 Rd:5",
    ("FCMLA_asimdelem_C_H", "size=01", "fcmla <Vd>.<T>, <Vn>.<T>, <Vm>.<Ts>[<index>], #<rotate>"),
    ("FCMLA_asimdelem_C_S", "size=10", "fcmla <Vd>.<T>, <Vn>.<T>, <Vm>.<Ts>[<index>], #<rotate>"),
    operands={
        "T": _COMPLEX,
        "Ts": ELEMENT_SIZE,
        "index": ByElement({"h": "H:L", "s": "H"}),
        "rotate": Immediate("rot", scale=90),
    },
    undefined=_complex_reserved,
    feature="FEAT_FCMA",
)
def FCMLA_asimdelem(m: Machine, Q: int, size: int, L: int, M: int, Rm: int, rot: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply one complex number by the real (0, 180) or imaginary (90, 270 degrees) parts of Rn, turn, add to Rd."""
    width, esize = 64 << Q, 8 << size
    pair = m.Vec[128, 2 * esize, M << 4 | Rm].lane(H << 1 | L if esize == 16 else H)
    b = m.splat(pair, width // (2 * esize)).view(esize)
    addend, a = m.Vec[width, esize, Rd], m.Vec[width, esize, Rn]
    m.Vec[width, esize, Rd] = complex_multiply_add(m, addend, a, b, rot)
