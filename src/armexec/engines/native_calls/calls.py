"""Native code as callables of ctypes, which enter it by `enter` (routines.py)."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from functools import cache
from typing import Any

from armexec.engines.native_calls.frame_call import frame_call
from armexec.engines.native_calls.host_functions import native_host_functions
from armexec.engines.native_calls.trampolines import trampolines

__all__ = ["bind_address", "bind_frame"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


def bind_address(address: int, result: type[Any] | None, parameters: list[type[Any]], memory: object) -> Any:
    """A callable for the function at an address. It holds `memory`, so that this is freed after the last call.

    An exception of a host function leaves the guest, and is raised by the call.

    Raises:
        HostError: the host gives no executable memory.
    """
    native = native_host_functions()
    native.signals.install()
    trampoline = trampolines().take(native.routines.enter, address)
    # PYFUNCTYPE: the routine gives up the GIL itself, and what it leaves set is raised.
    function: Any = ctypes.PYFUNCTYPE(result, *parameters)(trampoline)
    function.memory = memory
    weakref.finalize(function, trampolines().give_back, trampoline).atexit = False
    return function


@cache
def _caller() -> Any:
    return bind_address(frame_call().address, None, [ctypes.c_void_p, ctypes.c_void_p], None)


def bind_frame(address: int, memory: object) -> Callable[[int], None]:
    """As `bind_address`, for a function that is called with the registers and stack of a `CallFrame`, by its address.

    Raises HostError.
    """
    function = _caller()

    def call(frame: int, _memory: object = memory) -> None:
        function(frame, address)

    return call
