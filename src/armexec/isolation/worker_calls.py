"""Calls of functions in a worker process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from armexec.errors import Error, SignatureError
from armexec.isolation.calls import make_worker_call

if TYPE_CHECKING:
    from armexec.c_functions import CTarget
    from armexec.isolation.arguments import AddressOfFunction
    from armexec.isolation.session import Session
    from armexec.module.calls.protocol import Callee

__all__ = ["WorkerCalls"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


class WorkerCalls:
    """The `Calls` of a module that is in a worker."""

    # Threads take turns.
    run_in_parallel = False

    def __init__(self, session: Session, address_of_function: AddressOfFunction) -> None:
        self._session = session
        self._address_of_function = address_of_function

    def python_call(self, callee: Callee, again: object) -> tuple[Callable[..., Any], None]:
        symbol = callee.symbol
        name = symbol.source_name
        if callee.variable is not None:
            raise SignatureError(f"{name}: in a worker process variable arguments have the types of their values only")
        call = make_worker_call(
            self._session, callee.prototype, symbol.offset, name, callee.text, self._address_of_function
        )
        return call, None

    def prepared_call(self, callee: Callee, *_: Any) -> NoReturn:
        raise SignatureError(f"{callee.symbol.source_name}: a debugger doesn't reach code in a worker process")

    def array_target(self, callee: Callee) -> NoReturn:
        what = f"{callee.symbol.source_name}: a ufunc's loop runs in this process, and the function in a worker"
        raise Error(f"{what}: load it without isolate=")

    def c_target(self, callee: Callee, call: Callable[..., Any]) -> CTarget:
        from armexec.c_functions import CTarget

        return CTarget(callee.prototype, call, None, callee.symbol.offset, False)
