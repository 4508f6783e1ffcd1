"""Calls of functions in the memory of this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from armexec.module.calls.binding import CallTarget, MakeFaster, PlacedCall
from armexec.objects.names import bare_name

if TYPE_CHECKING:
    from armexec.arrays import Target
    from armexec.c_functions import CTarget
    from armexec.engines import LoadedImage
    from armexec.module.calls.protocol import Callee
    from armexec.module.links import Links
    from armexec.module.settings import Settings

__all__ = ["LoadedCalls"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


class LoadedCalls:
    """The `Calls` of a module whose image is in memory. `texts`: its source, by the names of files."""

    run_in_parallel = True

    def __init__(self, loaded: LoadedImage, links: Links, settings: Settings, texts: Mapping[str, str]) -> None:
        self._loaded = loaded
        self._links = links
        self._settings = settings
        self._texts = texts

    def python_call(self, callee: Callee, again: object) -> tuple[Callable[..., Any], MakeFaster | None]:
        call, make_faster = self._target(callee).python_call(self._converter(callee))
        call.again = again  # type: ignore[attr-defined]
        return call, make_faster

    def prepared_call(self, callee: Callee, values: Sequence[Any], named: dict[str, Any]) -> PlacedCall:
        prepared = self._target(callee).prepared(values, named, self._converter(callee))
        functions = self._links.engine.host_functions()
        return PlacedCall(prepared, self._loaded, callee.symbol.offset, functions, self._texts)

    def _target(self, callee: Callee) -> CallTarget:
        offset, addresses = callee.symbol.offset, self._links.address_of_function
        return CallTarget(self._loaded, offset, callee.prototype, addresses, callee.variable)

    def _converter(self, callee: Callee) -> Callable[[Any], Any] | None:
        """What makes text of a result that is a `char *`; None where it stays as it is."""
        if callee.text is None:
            return None
        from armexec.abi import text_result

        sandbox = self._loaded.sandbox
        memory = None if sandbox is None else sandbox.memory
        symbol = callee.symbol
        return text_result(callee.text, symbol.source_name, self._loaded.base + symbol.offset, memory)

    def array_target(self, callee: Callee) -> Target:
        from armexec.arrays import Target

        settings, symbol = self._settings, callee.symbol
        name = bare_name(symbol.source_name)
        return Target(self._loaded, symbol.offset, callee.prototype, name, settings.limits, settings.has_limits)

    def c_target(self, callee: Callee, call: Callable[..., Any]) -> CTarget:
        from armexec.c_functions import CTarget

        return CTarget(callee.prototype, call, self._loaded, callee.symbol.offset, self._settings.has_limits)
