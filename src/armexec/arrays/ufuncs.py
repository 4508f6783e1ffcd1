"""Ufuncs of functions of the guest."""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

from armexec.arrays.kernel import Kernel
from armexec.arrays.loops import BoundLoop, bind_loop
from armexec.arrays.plan import Plan, plan
from armexec.arrays.target import Target
from armexec.errors import HostError

__all__ = ["Ufuncs"]


class Ufuncs:
    """The ufuncs of one function, by their signatures, as long as something else refers to them.

    A `numpy.ufunc` applies a function of scalars to each element; one with a signature of core dimensions, a function
    of pointers and lengths to each row, matrix and so on. The signature of others is None.
    """

    def __init__(self) -> None:
        # Weakly: the ufuncs hold them, and they hold the function, which holds this.
        self._kernels: WeakValueDictionary[str | None, Kernel] = WeakValueDictionary()

    def get(self, signature: str | None) -> Any:
        """The ufunc that there is; None if there is none."""
        kernel = self._kernels.get(signature)
        return None if kernel is None else kernel.ufunc

    def make(self, function: Any, target: Target, signature: str | None) -> Any:
        """A new ufunc. `function` is what `origin` gives.

        Raises:
            SignatureError: it can't be one.
            HostError: the engine can't.
        """
        made = plan(target.prototype, signature)
        kernel = Kernel(function, signature)
        kernel.set_loop(_bound(made, target))
        ufunc = kernel.make(made.numbers, made.outputs, target.name, made.doc, made.core)
        self._kernels[signature] = kernel
        return ufunc

    def link(self, target: Target) -> None:
        """Have all of them call the function as it is linked now. Raises HostError."""
        for kernel in list(self._kernels.values()):
            kernel.set_loop(_bound(plan(target.prototype, kernel.signature), target))


def _bound(made: Plan, target: Target) -> BoundLoop:
    if target.loaded.sandbox is not None and any(source.kind == "address" for source in made.loop.sources):
        raise HostError(
            f"{target.name}: a sandbox can't reach NumPy's arrays: call the function for each row, which copies it, or"
            " load the module without sandbox="
        )
    return bind_loop(target, made.loop)
