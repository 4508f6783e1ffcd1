"""`debug`: how a session begins."""

from __future__ import annotations

from typing import Any

from armexec.cpu.cpu import Cpu
from armexec.debugger.session import Session
from armexec.debugger.target import CpuTarget, FunctionTarget
from armexec.errors import SignatureError
from armexec.module import Function
from armexec.space import AddressSpace

__all__ = ["debug"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


def debug(what: Any, /, *arguments: Any, **named: Any) -> Session:
    """Begin a session, which stands before the first instruction.

    Args:
        what: a Function, whose call is debugged; or a Cpu, whose code is, from where its pc is.
        arguments, named: what a call of the function would be given.

    Raises:
        SignatureError: the arguments don't fit, or it is nothing that can be debugged.
        Error: the module is closed, or its code runs in a process of its own.

    >>> import armexec
    >>> fn = armexec.function(armexec.assemble("add w0, w0, w0; ret"), "int(int)")
    >>> session = armexec.debug(fn, 3)
    >>> print(session.step())
    add w0, w0, w0                       w0: 3 → 6
    >>> session.back()
    >>> session.cpu.x[0], session.time
    (3, 0)
    >>> print(session.run(), session.result)
    returned at 0xfffffffffffffff1, after 2 instructions 6
    """
    if isinstance(what, Function):
        call = what.prepare(*arguments, **named)
        return Session(FunctionTarget(what.name, call, what.engine))
    if isinstance(what, Cpu):
        if not isinstance(what.space, AddressSpace):
            raise SignatureError("this Cpu is a session's already")
        if arguments or named:
            raise SignatureError("a Cpu takes no arguments: set its registers before")
        return Session(CpuTarget(what))
    raise SignatureError(f"a session is for a Function or a Cpu, not for {type(what).__name__} {what!r:.60}")
