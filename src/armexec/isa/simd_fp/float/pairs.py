"""Floating point across one vector: pairwise to a scalar, and across all lanes."""

from __future__ import annotations

from ...description import instruction
from ...machine import Machine
from ...operands.simd import H_Q, SZ_SCALAR, Arrangement
from ...values import Value, Vector
from .forms import Decorator, Operation, named

_PAIR = Arrangement("sz", {"0": "2s", "1": "2d"})


def _pairwise(name: str, o1: int, opcode: str) -> Decorator:
    """Describe Fd = operation(m, lane 0, lane 1)."""

    def decorator(operation: Operation) -> Operation:
        def compute(m: Machine, esize: int, Rn: int, Rd: int) -> None:
            pair = m.V[2 * esize, Rn].vector(esize)
            m.V[esize, Rd] = operation(m, pair.lane(0), pair.lane(1))

        def single(m: Machine, sz: int, Rn: int, Rd: int) -> None:
            compute(m, 32 << sz, Rn, Rd)

        def half(m: Machine, Rn: int, Rd: int) -> None:
            compute(m, 16, Rn, Rd)

        instruction(
            f"01 U=1 11110 {o1} sz 11000 opcode={opcode} 10 Rn:5 Rd:5",
            (f"{name}_asisdpair_only_SD", "", f"{name.lower()} <V><d>, <Vn>.<T>"),
            operands={"V": SZ_SCALAR, "T": _PAIR},
        )(named(operation, single, "asisdpair"))
        instruction(
            f"01 U=0 11110 {o1} sz=0 11000 opcode={opcode} 10 Rn:5 Rd:5",
            (f"{name}_asisdpair_only_H", "", f"{name.lower()} <Hd>, <Vn>.2H"),
            feature="FEAT_FP16",
        )(named(operation, half, "asisdpair_H"))
        return operation

    return decorator


@_pairwise("FADDP", 0, "01101")
def FADDP(m: Machine, a: Value, b: Value) -> Value:
    """Add the two elements."""
    return m.fp_add(a, b)


@_pairwise("FMAXP", 0, "01111")
def FMAXP(m: Machine, a: Value, b: Value) -> Value:
    """The greater of the two elements; a NaN if there is one."""
    return m.fp_maximum(a, b)


@_pairwise("FMINP", 1, "01111")
def FMINP(m: Machine, a: Value, b: Value) -> Value:
    """The smaller of the two elements; a NaN if there is one."""
    return m.fp_minimum(a, b)


@_pairwise("FMAXNMP", 0, "01100")
def FMAXNMP(m: Machine, a: Value, b: Value) -> Value:
    """The greater of the two elements; of a number and a quiet NaN, the number."""
    return m.fp_maximum_number(a, b)


@_pairwise("FMINNMP", 1, "01100")
def FMINNMP(m: Machine, a: Value, b: Value) -> Value:
    """The smaller of the two elements; of a number and a quiet NaN, the number."""
    return m.fp_minimum_number(a, b)


def _across(name: str, o1: int, opcode: str) -> Decorator:
    """Describe a reduction of all lanes to a scalar."""

    def decorator(operation: Operation) -> Operation:
        def reduce(m: Machine, vector: Vector) -> Value:
            # Reduce() combines neighbours first, which decides between NaNs.
            while vector.lanes > 1:
                lanes = vector.lanes
                vector = operation(
                    m, vector.shuffle(vector, range(0, lanes, 2)), vector.shuffle(vector, range(1, lanes, 2))
                )
            return vector.lane(0)

        def single(m: Machine, Rn: int, Rd: int) -> None:
            m.V[32, Rd] = reduce(m, m.Vec[128, 32, Rn])

        def half(m: Machine, Q: int, Rn: int, Rd: int) -> None:
            m.V[16, Rd] = reduce(m, m.Vec[64 << Q, 16, Rn])

        instruction(
            f"0 Q=1 U=1 01110 {o1} sz=0 11000 opcode={opcode} 10 Rn:5 Rd:5",
            (f"{name}_asimdall_only_SD", "", f"{name.lower()} <Sd>, <Vn>.4S"),
        )(named(operation, single, "asimdall"))
        instruction(
            f"0 Q U=0 01110 {o1} 0 11000 opcode={opcode} 10 Rn:5 Rd:5",
            (f"{name}_asimdall_only_H", "", f"{name.lower()} <Hd>, <Vn>.<T>"),
            operands={"T": H_Q},
            feature="FEAT_FP16",
        )(named(operation, half, "asimdall_H"))
        return operation

    return decorator


@_across("FMAXV", 0, "01111")
def FMAXV(m: Machine, a: Vector, b: Vector) -> Vector:
    """The greatest of all elements; a NaN if there is one."""
    return m.fp_maximum(a, b)


@_across("FMINV", 1, "01111")
def FMINV(m: Machine, a: Vector, b: Vector) -> Vector:
    """The smallest of all elements; a NaN if there is one."""
    return m.fp_minimum(a, b)


@_across("FMAXNMV", 0, "01100")
def FMAXNMV(m: Machine, a: Vector, b: Vector) -> Vector:
    """The greatest of all elements; a quiet NaN loses against a number."""
    return m.fp_maximum_number(a, b)


@_across("FMINNMV", 1, "01100")
def FMINNMV(m: Machine, a: Vector, b: Vector) -> Vector:
    """The smallest of all elements; a quiet NaN loses against a number."""
    return m.fp_minimum_number(a, b)
