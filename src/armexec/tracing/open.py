"""`trace`: how a trace is made."""

from __future__ import annotations

from typing import Any

from armexec.debugger.open import target_of
from armexec.debugger.target import Target
from armexec.engines.observed import Policy
from armexec.errors import SignatureError
from armexec.tracing.recording import Recording
from armexec.tracing.run import run_recorded
from armexec.tracing.traces import Trace
from armexec.tracing.turns import Turns

__all__ = ["LIMIT", "trace", "trace_of"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

LIMIT = 10_000_000
"""How many instructions a trace has by default."""


def trace(what: Any, /, *arguments: Any, limit: int = LIMIT, ring: bool = False, **named: Any) -> Trace:
    """Run a call, a program or a Cpu to its end, and record each instruction.

    `trace(function, 3)` traces a call, with the arguments that it would be given; `trace(cpu)` the code of a Cpu, from
    where its pc is to what stops it; and `trace("hello.c", ["argument"], input=b"...")` a program, with what
    `armexec.run` takes, but for limits, which are those of a block (`armexec.limits`).

    A fault ends the trace, and is its `error`. A million instructions take 10 to 20 MB.

    Args:
        limit: the trace ends when so many instructions were executed.
        ring: it doesn't end then: the last `limit` instructions are kept, and those before are forgotten. A function's
            own parameters of these names are given by position.

    Raises:
        SignatureError: the arguments don't fit, or it is nothing that can be traced.
        Error: the module is closed, or its code runs in a process of its own; and what `run` raises before the program
            begins.

    >>> import armexec
    >>> fn = armexec.function(armexec.assemble("add w0, w0, w0; ret"), "int(int)")
    >>> t = armexec.trace(fn, 3)
    >>> t.result, len(t), t.registers.of("x0").value.tolist()
    (6, 2, [6])
    >>> t[0].text, t[0].changes
    ('add w0, w0, w0', 'w0 = 6')
    """
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise SignatureError(f"a limit is a number of instructions, not {limit!r:.60}")
    target = target_of(what, *arguments, **named)
    try:
        return trace_of(target, limit, ring=ring)
    finally:
        target.close()


def trace_of(
    target: Target, limit: int = LIMIT, *, ring: bool = False, fast: bool | None = None, policy: Policy | None = None
) -> Trace:
    """The trace of what was opened already. `fast` and `policy` are those of `run_recorded`."""
    recording = Recording(limit, ring=ring)
    turns = Turns(target.cpu.sp)
    end = run_recorded(target, recording.recorder, None if ring else limit, turns, fast=fast, policy=policy)
    return Trace(target.name, recording, target.places, end, turns)
