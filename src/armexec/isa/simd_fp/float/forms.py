"""Descriptions of floating-point instructions on vectors: each operation once, for all of its forms.

The forms are vectors of single and double precision, vectors of half precision, and scalars of both. In the index, half
precision has classes of its own. An operation is a function of the machine and the operands, Vectors or Values.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from ...description import Alias, instruction
from ...machine import Machine
from ...operands import Operand
from ...operands.simd import H_Q, SZ_Q, SZ_SCALAR

Operation = Callable[..., Any]
Decorator = Callable[[Operation], Operation]

_SINGLE_AND_DOUBLE: dict[str, Operand] = {"T": SZ_Q, "V": SZ_SCALAR}
_HALF: dict[str, Operand] = {"T": H_Q}


def compute(m: Machine, operation: Operation, registers: Any, shape: tuple[int, ...], Rd: int, *sources: int) -> None:
    """Rd = operation(m, source...), registers of one shape: (esize,) of m.V, (size, esize) of m.Vec."""
    registers[(*shape, Rd)] = operation(m, *[registers[(*shape, number)] for number in sources])


def named(operation: Operation, semantics: Callable[..., None], suffix: str) -> Callable[..., None]:
    """The semantic function with the documentation and the source of its operation; `suffix` is Arm's class."""
    update_wrapper(semantics, operation)
    semantics.__name__ = f"{operation.__name__}_{suffix}"
    return semantics


def three_same(
    name: str, u: int, a: int, opcode: str, *, scalar: bool = False, accumulating: bool = False, swapped: str = ""
) -> Decorator:
    """Describe Rd = operation(m, Rn, Rm), or operation(m, Rd, Rn, Rm) if `accumulating`.

    Args:
        name: the mnemonic.
        u, a: bits 29 and 23.
        opcode: of single and double precision, five bits; that of half precision is the last three.
        scalar: whether there are scalar forms.
        swapped: another mnemonic that has the sources the other way round.
    """

    def decorator(operation: Operation) -> Operation:
        def sources(Rm: int, Rn: int, Rd: int) -> tuple[int, ...]:
            return (Rd, Rn, Rm) if accumulating else (Rn, Rm)

        def vectors(m: Machine, Q: int, sz: int, Rm: int, Rn: int, Rd: int) -> None:
            compute(m, operation, m.Vec, (64 << Q, 32 << sz), Rd, *sources(Rm, Rn, Rd))

        def half_vectors(m: Machine, Q: int, Rm: int, Rn: int, Rd: int) -> None:
            compute(m, operation, m.Vec, (64 << Q, 16), Rd, *sources(Rm, Rn, Rd))

        def scalars(m: Machine, sz: int, Rm: int, Rn: int, Rd: int) -> None:
            compute(m, operation, m.V, (32 << sz,), Rd, *sources(Rm, Rn, Rd))

        def half_scalars(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
            compute(m, operation, m.V, (16,), Rd, *sources(Rm, Rn, Rd))

        def describe(semantics: Callable[..., None], suffix: str, pattern: str, syntax: str, **options: Any) -> None:
            turned = syntax.translate({ord("n"): "m", ord("m"): "n"})
            aliases = [Alias(f"{swapped}_{name}", "", f"{swapped.lower()} {turned}", preferred=False)]
            forms = [(f"{name}_{suffix}_only", "", f"{name.lower()} {syntax}")]
            instruction(pattern, *forms, aliases=aliases if swapped else (), **options)(
                named(operation, semantics, suffix)
            )

        single = f"{a} sz 1 Rm:5 opcode={opcode} 1 Rn:5 Rd:5"
        half = f"{a} 10 Rm:5 00 opcode={opcode[2:]} 1 Rn:5 Rd:5"
        vector = "<Vd>.<T>, <Vn>.<T>, <Vm>.<T>"
        describe(
            vectors,
            "asimdsame",
            f"0 Q U={u} 01110 {single}",
            vector,
            operands=_SINGLE_AND_DOUBLE,
            undefined=SZ_Q.reserved,
        )
        describe(half_vectors, "asimdsamefp16", f"0 Q U={u} 01110 {half}", vector, operands=_HALF, feature="FEAT_FP16")
        if scalar:
            syntax = "<V><d>, <V><n>, <V><m>"
            describe(scalars, "asisdsame", f"01 U={u} 11110 {single}", syntax, operands=_SINGLE_AND_DOUBLE)
            syntax = "<Hd>, <Hn>, <Hm>"
            describe(half_scalars, "asisdsamefp16", f"01 U={u} 11110 {half}", syntax, feature="FEAT_FP16")
        return operation

    return decorator


def two_register(
    name: str,
    u: int,
    a: int,
    opcode: str,
    *,
    vector: bool = True,
    scalar: bool = False,
    half: bool = True,
    feature: str = "",
    zero: bool = False,
) -> Decorator:
    """Describe Rd = operation(m, Rn).

    Args:
        name: the mnemonic.
        u, a: bits 29 and 23.
        opcode: five bits.
        vector, scalar: whether there are vector and scalar forms.
        half: whether there are forms of half precision.
        feature: that the forms of single and double precision need.
        zero: whether `#0.0` is written as the last operand.
    """

    def decorator(operation: Operation) -> Operation:
        def vectors(m: Machine, Q: int, sz: int, Rn: int, Rd: int) -> None:
            compute(m, operation, m.Vec, (64 << Q, 32 << sz), Rd, Rn)

        def half_vectors(m: Machine, Q: int, Rn: int, Rd: int) -> None:
            compute(m, operation, m.Vec, (64 << Q, 16), Rd, Rn)

        def scalars(m: Machine, sz: int, Rn: int, Rd: int) -> None:
            compute(m, operation, m.V, (32 << sz,), Rd, Rn)

        def half_scalars(m: Machine, Rn: int, Rd: int) -> None:
            compute(m, operation, m.V, (16,), Rd, Rn)

        def describe(semantics: Callable[..., None], suffix: str, pattern: str, syntax: str, **options: Any) -> None:
            form = f"{name}_{suffix}_{'FZ' if zero else 'R'}", "", f"{name.lower()} {syntax}{', #0.0' * zero}"
            instruction(f"{pattern} opcode={opcode} 10 Rn:5 Rd:5", form, **options)(named(operation, semantics, suffix))

        if vector:
            describe(
                vectors,
                "asimdmisc",
                f"0 Q U={u} 01110 {a} sz 10000",
                "<Vd>.<T>, <Vn>.<T>",
                operands=_SINGLE_AND_DOUBLE,
                undefined=SZ_Q.reserved,
                feature=feature,
            )
        if vector and half:
            describe(
                half_vectors,
                "asimdmiscfp16",
                f"0 Q U={u} 01110 {a} 111100",
                "<Vd>.<T>, <Vn>.<T>",
                operands=_HALF,
                feature="FEAT_FP16",
            )
        if scalar:
            describe(
                scalars,
                "asisdmisc",
                f"01 U={u} 11110 {a} sz 10000",
                "<V><d>, <V><n>",
                operands=_SINGLE_AND_DOUBLE,
                feature=feature,
            )
        if scalar and half:
            describe(half_scalars, "asisdmiscfp16", f"01 U={u} 11110 {a} 111100", "<Hd>, <Hn>", feature="FEAT_FP16")
        return operation

    return decorator
