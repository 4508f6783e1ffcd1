"""Calls of LLVM that its defects don't end the process with.

Where LLVM finds that it has made a mistake it calls `abort`. While it works, SIGABRT has a handler that leaves the call
instead (`support/signals/abort_handler.ll`). What LLVM was working with is lost then: nobody may use or free it.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Callable
from typing import Any

from armexec.errors import HostError
from armexec.forks import hold, in_child
from armexec.translate.codegen.link import HostCode
from armexec.translate.guest_state import GuestState
from armexec.translate.support.load import load
from armexec.translate.support.sigaction import SA_NODEFER, SA_ONSTACK, SA_SIGINFO, SignalAction

__all__ = ["AbortGuard", "LlvmAborted", "guard_text"]

_ARGUMENTS = 4
_libc = ctypes.CDLL(None, use_errno=True)


class LlvmAborted(HostError):
    """LLVM has given up. What it was working with mustn't be used any more."""


def guard_text() -> str:
    """IR of `@call` and `@handler`."""
    return load("runtime/c_library") + load("signals/abort_handler", JUMP_BUFFER=GuestState.jump_buffer.size)


class AbortGuard:
    """`call` calls functions of LLVM. `make_object` makes an object file of an IR text.

    Raises HostError: the host refuses memory for code.
    """

    def __init__(self, make_object: Callable[[str], bytes]) -> None:
        self._key = ctypes.c_uint64()
        if _libc.pthread_key_create(ctypes.byref(self._key), None):
            raise HostError("the system has no more keys for threads (pthread_key_create)")
        self._previous = SignalAction()
        symbols = {
            "call_key": ctypes.addressof(self._key),
            "previous": ctypes.addressof(self._previous),
        }
        self._code = HostCode(make_object(guard_text()), symbols, ("call", "handler"))
        self._action = SignalAction()
        self._action.handler = self._code.address("handler")
        self._action.flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER
        self._lock = hold(threading.Lock())
        self._calls = 0
        self._is_kept = False
        in_child(self._alone)

    def call(self, function: Any, *arguments: Any) -> Any:
        """Call a function of ctypes with up to four arguments that are words. Raises LlvmAborted."""
        types = function.argtypes or ()
        rest = _ARGUMENTS - len(types)
        prototype = ctypes.CFUNCTYPE(
            function.restype, *types, *[ctypes.c_void_p] * (rest + 1), ctypes.POINTER(ctypes.c_int)
        )
        aborted = ctypes.c_int()
        address = ctypes.cast(function, ctypes.c_void_p).value
        self._enter()
        try:
            result = prototype(self._code.address("call"))(*arguments, *[None] * rest, address, ctypes.byref(aborted))
        finally:
            self._leave()
        if aborted.value:
            raise LlvmAborted("LLVM gives up on translated code (abort), which is a defect of LLVM")
        return result

    def _enter(self) -> None:
        with self._lock:
            self._calls += 1
            if self._calls == 1 and not self._is_kept:
                _libc.sigaction(int(signal.SIGABRT), ctypes.byref(self._action), ctypes.byref(self._previous))

    def _leave(self) -> None:
        with self._lock:
            self._calls -= 1
            if self._calls == 0 and not self._is_kept:
                current = SignalAction()
                _libc.sigaction(int(signal.SIGABRT), None, ctypes.byref(current))
                # Somebody else may have installed one meanwhile, as faulthandler does, and send signals on to this one.
                self._is_kept = current.handler != self._action.handler
                if not self._is_kept:
                    _libc.sigaction(int(signal.SIGABRT), ctypes.byref(self._previous), None)

    def _alone(self) -> None:
        """Those who called are in the parent."""
        if self._calls:
            self._calls = 1
            self._leave()
