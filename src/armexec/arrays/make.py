"""Ufuncs of functions of the guest."""

from __future__ import annotations

from typing import Any

from armexec.arrays.kernel import Kernel
from armexec.arrays.loops import BoundLoop, bind_loop
from armexec.arrays.plan import Plan, plan
from armexec.arrays.target import Target
from armexec.errors import HostError

__all__ = ["make_ufunc", "remake_loop"]


def make_ufunc(function: Any, target: Target, signature: str | None = None) -> Any:
    """A `numpy.ufunc` that applies a function of scalars to each element; with a signature of core dimensions, one of
    pointers and lengths to each row, matrix and so on. `function` is what `origin` gives.

    Raises:
        SignatureError: it can't be one.
        HostError: the engine can't.
    """
    made = plan(target.prototype, signature)
    kernel = Kernel(function, signature)
    kernel.set_loop(_bound(made, target))
    return kernel.make(made.numbers, made.outputs, target.name, made.doc, made.core)


def remake_loop(kernel: Kernel, target: Target) -> None:
    """Have a ufunc that there is call the function as it is linked now. Raises HostError."""
    kernel.set_loop(_bound(plan(target.prototype, kernel.signature), target))


def _bound(made: Plan, target: Target) -> BoundLoop:
    if target.loaded.sandbox is not None and any(source.kind == "address" for source in made.loop.sources):
        raise HostError(
            f"{target.name}: a sandbox can't reach NumPy's arrays: call the function for each row, which copies it, or"
            " load the module without sandbox="
        )
    return bind_loop(target, made.loop)
