"""What a ufunc is, before it has a loop."""

from __future__ import annotations

from typing import NamedTuple

from armexec.arrays.core_signature import parse_core_signature
from armexec.arrays.generalized import GeneralizedOperands
from armexec.arrays.operands import scalar_operands
from armexec.objects import Prototype
from armexec.translate.array_loops.loop import Loop, Operand, Source

__all__ = ["Plan", "plan"]


class Plan(NamedTuple):
    """`numbers` are those of NumPy's types of the operands, `core` is the signature of a generalized ufunc."""

    loop: Loop
    numbers: list[int]
    outputs: int
    doc: str
    core: str | None = None


def plan(prototype: Prototype, signature: str | None) -> Plan:
    """The plan for a function of scalars; with a signature, for one of pointers and lengths.

    Raises:
        SignatureError: the function can't be that.
    """
    if signature is None:
        scalars = scalar_operands(prototype)
        *inputs, result = (Operand(scalar.ctype.size, is_bool=scalar.dtype == "bool") for scalar in scalars)
        sources = tuple(Source("value", i) for i in range(len(inputs)))
        loop = Loop(sources, (*inputs, result._replace(is_written=True)), len(inputs))
        return Plan(loop, [scalar.number for scalar in scalars], 1, f"`{prototype}`, applied to each element.")
    core = parse_core_signature(signature)
    found = GeneralizedOperands(prototype, core)
    doc = f"`{prototype}`, applied to the core dimensions {core}."
    return Plan(found.loop, found.numbers, len(core.outputs), doc, str(core))
