"""Host code for functions of Python that the guest calls, one for each list of types, see `callback_ir`."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from armexec.callbacks import HostFunction, host_functions
from armexec.forks import hold
from armexec.translate.codegen.link import HostCode
from armexec.translate.codegen.support_code import shared_code
from armexec.translate.python_calls.call_types import Passed, Returned
from armexec.translate.python_calls.callback_ir import text
from armexec.translate.python_calls.vectorcall import is_possible
from armexec.translate.tiers import submit

__all__ = ["Types", "specialize_later"]

Types = tuple[tuple[Returned, ...], Passed | None]
"""The arguments, and the result, None for void."""

_codes: dict[Types, HostCode] = {}
_lock = hold(threading.Lock())


def specialize_later(
    function: HostFunction,
    types: Types,
    called: Callable[..., Any],
    convert: Callable[[Any], Any],
    symbols: dict[str, int],
) -> None:
    """Have the guest call `called` by code for its types, which is made in the background unless there is some.

    `convert` makes an int in range or a float of any other result, or raises. `symbols`: the runtime's functions.
    """
    if not is_possible():
        return
    job = _Making(types, weakref.ref(function), (called, convert), symbols)
    with _lock:
        code = _codes.get(types)
    if code is not None:
        job.install(code)
    else:
        submit(job)


@dataclass(frozen=True)
class _Making:
    """The job of making the code of one."""

    types: Types
    function: weakref.ref[HostFunction]
    called: tuple[Callable[..., Any], Callable[[Any], Any]]
    symbols: dict[str, int]

    def run(self, stopping: Callable[[], bool]) -> None:
        if self.function() is None or stopping():
            return
        functions = host_functions()
        symbols = {
            **self.symbols,
            "PyLong_Type": id(int),
            "PyFloat_Type": id(float),
            "host_functions": functions.base,
            "host_function_slots": functions.slots,
        }
        with _lock:
            code = _codes.get(self.types)
        if code is None:
            code = shared_code(text(*self.types), symbols, ["callback"], "O1")
            with _lock:
                code = _codes.setdefault(self.types, code)
        self.install(code)

    def install(self, code: HostCode) -> None:
        function = self.function()
        if function is not None:
            host_functions().specialize(function.address, code.address("callback"), self.called)
