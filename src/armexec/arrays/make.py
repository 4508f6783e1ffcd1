"""Ufuncs of functions of the guest."""

from __future__ import annotations

from typing import Any

from armexec.arrays.kernel import Kernel
from armexec.arrays.loops import bind_loop
from armexec.arrays.operands import scalar_operands
from armexec.arrays.target import Target
from armexec.translate.array_loops.loop import Loop, Operand, Source

__all__ = ["make_ufunc"]


def make_ufunc(function: Any, target: Target) -> Any:
    """A `numpy.ufunc` that applies a function of scalars to each element; `function` is what `origin` gives.

    Raises:
        SignatureError: it can't be one.
        HostError: the engine can't.
    """
    scalars = scalar_operands(target.prototype)
    *inputs, result = (Operand(scalar.ctype.size, is_bool=scalar.dtype == "bool") for scalar in scalars)
    sources = tuple(Source("value", i) for i in range(len(inputs)))
    loop = Loop(sources, (*inputs, result._replace(is_written=True)), len(inputs))
    address, data, needed = bind_loop(target, loop)
    doc = f"`{target.prototype}`, applied to each element."
    numbers = [scalar.number for scalar in scalars]
    return Kernel(function, None, needed).make(address, data, numbers, 1, target.name, doc)
