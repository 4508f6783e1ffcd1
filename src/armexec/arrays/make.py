"""Ufuncs of functions of the guest."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from armexec.abi import calling_convention
from armexec.arrays.element_calls import ElementCalls
from armexec.arrays.kernel import Kernel
from armexec.arrays.operands import scalar_operands
from armexec.engines import LoadedImage
from armexec.objects import Prototype

__all__ = ["Target", "make_ufunc"]


class Target(NamedTuple):
    """A function in memory: its offset in the image, its prototype and its name, and the limits of a loop over
    elements, where the module has limits."""

    loaded: LoadedImage
    offset: int
    prototype: Prototype
    name: str
    limits: Callable[[], AbstractContextManager[object]]
    has_limits: bool

    @property
    def doc(self) -> str:
        """What help shows of it."""
        return f"`{self.prototype}`, applied to each element."


def make_ufunc(function: Any, target: Target) -> Any:
    """A `numpy.ufunc` that applies a function of scalars to each element; `function` is what `origin` gives.

    Raises:
        SignatureError: it can't be one.
        HostError: the engine can't.
    """
    from armexec.translate.array_loops.python_loop import python_loop

    operands = scalar_operands(target.prototype)
    loaded = target.loaded
    enter = loaded.bind_frame(target.offset)
    calls = ElementCalls(target.prototype, calling_convention(loaded.image), enter, target.limits)
    kernel = Kernel(function, None, (calls, loaded.region))
    numbers = [operand.number for operand in operands]
    return kernel.make(python_loop(), id(calls), numbers, 1, target.name, target.doc)
