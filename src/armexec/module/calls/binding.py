"""Calls from Python: what takes Python's arguments to a function of the guest, and its result back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from armexec.engines import LoadedImage, SupportsFastCalls

if TYPE_CHECKING:
    from armexec.abi.frames import PreparedCall
    from armexec.callbacks import HostFunctions
    from armexec.module.settings import Settings
    from armexec.objects import CType, Prototype

__all__ = ["CallTarget", "MakeFaster", "PlacedCall", "limited_call"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

MakeFaster: TypeAlias = "Callable[[Callable[[Any], None]], None]"
"""Makes a faster call, and gives it to a function, now or later."""


class PlacedCall(NamedTuple):
    """The arguments of a call that somebody else makes, and the function: its image in memory, its offset there, the
    functions of Python that its code can call, and the texts of its source by the names of files."""

    prepared: PreparedCall
    loaded: LoadedImage
    offset: int
    functions: HostFunctions
    texts: Mapping[str, str]


class CallTarget(NamedTuple):
    """A function in memory: its offset in the image, its prototype, how function pointers get addresses, and the types
    of the further arguments of a variadic function, where they are given."""

    loaded: LoadedImage
    offset: int
    prototype: Prototype
    address_of_function: Callable[[CType, Callable[..., Any]], int]
    variable: tuple[CType, ...] | None = None

    def python_call(self, convert: Callable[[Any], Any] | None) -> tuple[Callable[..., Any], MakeFaster | None]:
        """The function that Python calls, and what makes a faster one, if the engine can.

        `convert` makes another value of the result.

        Raises:
            SignatureError: a type can't be passed.
        """
        from armexec.abi import (
            calling_convention,
            make_call,
            make_frame_call,
            passes_scalars_in_registers,
        )

        loaded, prototype, sandbox = self.loaded, self.prototype, self.loaded.sandbox
        owners = self._owners()
        bound: Callable[..., Any]
        if passes_scalars_in_registers(prototype):
            bound = loaded.bind(self.offset, prototype)
            call = make_call(prototype, bound, convert, owners)
        else:
            bound = loaded.bind_frame(self.offset)
            convention = calling_convention(loaded.image)
            call = make_frame_call(
                prototype, convention, bound, convert, owners, self.variable, sandbox=sandbox is not None
            )
        if convert is not None or self.variable is not None or not isinstance(loaded, SupportsFastCalls):
            return call, None
        return call, lambda give: loaded.make_fast_call(prototype, bound, call, give)

    def prepared(
        self, values: Sequence[Any], named: dict[str, Any], convert: Callable[[Any], Any] | None
    ) -> PreparedCall:
        """The arguments of a call that somebody else makes. Raises SignatureError."""
        from armexec.abi import calling_convention
        from armexec.abi.frames import PreparedCall

        return PreparedCall(
            self.prototype,
            calling_convention(self.loaded.image),
            values,
            named,
            convert=convert,
            owners=self._owners(),
            variable=self.variable,
            sandbox=self.loaded.sandbox is not None,
        )

    def _owners(self) -> Callable[[], list[Any]]:
        """Makes the list of the objects whose addresses a call passes."""
        from armexec.abi import has_function_pointers

        sandbox = self.loaded.sandbox
        if sandbox is not None:
            from armexec.abi.lending import LentOwners

            return partial(LentOwners, self.address_of_function, sandbox)
        if has_function_pointers(self._whole()):
            from armexec.abi.owners import Owners

            return partial(Owners, self.address_of_function)
        return list

    def _whole(self) -> Prototype:
        """The prototype with the further arguments."""
        from armexec.objects import Parameter

        further = (Parameter("", ctype) for ctype in self.variable or ())
        return replace(self.prototype, parameters=(*self.prototype.parameters, *further))


def limited_call(call: Callable[..., Any], settings: Settings) -> Callable[..., Any]:
    """A call with the limits of a module."""

    def limited(*arguments: Any, **named: Any) -> Any:
        with settings.limits():
            return call(*arguments, **named)

    return limited
