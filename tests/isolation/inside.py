"""Python code that runs in a worker, to see what it can do there."""

from __future__ import annotations

import time
from typing import Any

from armexec.isolation.module import IsolatedModule
from armexec.isolation.protocol import Request

CHANNEL = (
    "import gc, os, socket;"
    " channel = next(each.fileno() for each in gc.get_objects() if isinstance(each, socket.socket))"
)
"""A statement that finds the descriptor of the channel."""
_PROGRAM = """
import ctypes
try:
    exec({code!r}, names := {{}})
    text = repr(names.get("result"))
except BaseException as error:
    text = f"{{type(error).__name__}}: {{error}}"
import builtins
builtins.kept = kept = ctypes.create_string_buffer(text.encode())
place = ctypes.addressof(kept), len(kept) - 1
"""


class _Evaluated:
    """A pickle of it is what `text` evaluates to where it is unpickled: whoever may write to a worker may do all that
    it may do."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __reduce__(self) -> Any:
        return eval, (self._text,)


def run_inside(module: IsolatedModule, code: str) -> str:
    """Run statements in a module's worker; the repr of what they call `result`, or their exception."""
    program = _PROGRAM.format(code=code)
    question = _Evaluated(f"(lambda names: (exec({program!r}, names), names['place'])[1])({{}})")
    with module._session.turn("inside"):
        found = module._session._converse(module.worker, Request.READ, question, (), "inside", 1 << 20, None)
    if found.error is not None:
        raise found.error
    return bytes(found.result).decode()


def call_until_it_has_ended(module: IsolatedModule) -> None:
    """Call `next` until the worker, which has been sent a signal, has ended. Raises WorkerCrashed."""
    for _ in range(200):
        module.next()
        time.sleep(0.05)
