"""What a Function has its module do, wherever the module's code is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from armexec.arrays import Target
    from armexec.c_functions import CTarget
    from armexec.module.calls.binding import MakeFaster, PlacedCall
    from armexec.objects import CType, FunctionSymbol, Prototype

__all__ = ["Callee", "Calls"]


class Callee(NamedTuple):
    """A function of the guest as Python calls it: its symbol, its prototype, the class of a result that is text, and
    the types of the further arguments of a variadic function, where they are given."""

    symbol: FunctionSymbol
    prototype: Prototype
    text: type[str] | type[bytes] | None
    variable: tuple[CType, ...] | None


class Calls(Protocol):
    """Makes calls of one module's functions. A module has it, and it doesn't hold the module, so that the module is
    freed when the last reference to it is gone."""

    run_in_parallel: bool
    """Whether calls of several threads run at the same time."""

    def python_call(self, callee: Callee, again: object) -> tuple[Callable[..., Any], MakeFaster | None]:
        """What Python calls for a function, and what makes a faster one, if that can be made. `again` makes the
        Function, for exceptions.

        Raises:
            SignatureError: a type can't be passed.
        """

    def prepared_call(self, callee: Callee, values: Sequence[Any], named: dict[str, Any]) -> PlacedCall:
        """The arguments of a call that a debugger makes. Raises SignatureError."""

    def array_target(self, callee: Callee) -> Target:
        """What ufuncs of a function are made for. Raises Error where they can't be made."""

    def c_target(self, callee: Callee, call: Callable[..., Any]) -> CTarget:
        """What a function of C calls; `call` is the same function for Python."""
