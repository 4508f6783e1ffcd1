"""`debug`: how a session begins."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from armexec.cpu.cpu import Cpu
from armexec.debugger.session import Session
from armexec.debugger.target import CpuTarget, FunctionTarget, Target
from armexec.errors import Error, ExecutionError, InstructionLimitExceeded, SignatureError, TimeLimitExceeded
from armexec.module import Function
from armexec.objects import Image
from armexec.space import AddressSpace

if TYPE_CHECKING:
    from armexec.program.system_calls.streams import Readable

__all__ = ["debug", "target_of"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


def debug(what: Any, /, *arguments: Any, **named: Any) -> Session:
    """Begin a session, which stands before the first instruction.

    `debug(function, 3)` debugs a call, with the arguments that it would be given; `debug(cpu)` the code of a Cpu, from
    where its pc is; and `debug("hello.c", ["argument"], input=b"...")` a program, with what `armexec.run` takes, but
    for limits, which are those of a block (`armexec.limits`).

    Raises:
        SignatureError: the arguments don't fit, or it is nothing that can be debugged.
        Error: the module is closed, or its code runs in a process of its own; and what `run` raises before the program
            begins.

    >>> import armexec
    >>> fn = armexec.function(armexec.assemble("add w0, w0, w0; ret"), "int(int)")
    >>> session = armexec.debug(fn, 3)
    >>> print(session.step())
    add w0, w0, w0                       w0: 3 → 6
    >>> session.back()
    >>> session.cpu.x[0], session.time
    (3, 0)
    >>> session.run().reason, session.result
    (<StopReason.RETURNED: 'returned'>, 6)
    """
    return Session(target_of(what, *arguments, **named))


def target_of(what: Any, /, *arguments: Any, **named: Any) -> Target:
    """What runs, for `debug` and whatever else takes the same arguments. Raises as `debug` does."""
    if isinstance(what, Function):
        call = what.prepare(*arguments, **named)
        return FunctionTarget(what.name, call, what.engine)
    if isinstance(what, Cpu):
        if not isinstance(what.space, AddressSpace):
            raise SignatureError("this Cpu is a session's already")
        if arguments or named:
            raise SignatureError("a Cpu takes no arguments: set its registers before")
        return CpuTarget(what)
    if isinstance(what, str | os.PathLike | bytes | list | tuple):
        return _program(what, *arguments, **named)
    raise SignatureError(f"it must be a Function, a Cpu or a program, not {type(what).__name__} {what!r:.60}")


def _program(
    program: Any,
    arguments: Sequence[str | bytes] = (),
    *,
    input: bytes | Readable = b"",
    files: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    capture: bool = True,
    engine: str | None = None,
    sandbox: bool = False,
    **source: Any,
) -> Target:
    """A program, whose parameters are those of `armexec.run`."""
    from armexec.debugger.program_target import ProgramTarget
    from armexec.program.images import check_arguments, image_of

    check_arguments(arguments)
    image = image_of(program, **source)
    return ProgramTarget(
        image,
        arguments,
        input=input,
        files=files,
        environment=environment,
        capture=capture,
        engine=engine,
        sandbox=sandbox,
    )


def reopened(error: ExecutionError, what: Any, arguments: tuple[Any, ...]) -> Session:
    """A session at the instruction that has raised an error: in a call of a function that `what` gives, or in the
    program of an image.

    Raises:
        Error: the call doesn't fail now, or its module is closed.
    """
    if isinstance(what, Image):
        from armexec.debugger.program_target import ProgramTarget

        given, options = arguments
        session = Session(ProgramTarget(what, given, **options))
    else:
        session = debug(what(), *arguments)
    if isinstance(error, InstructionLimitExceeded | TimeLimitExceeded):
        return session
    session.run()
    if session.error is None:
        session.close()
        raise Error("the call doesn't fail with the memory as it is now: debug it with armexec.debug")
    return session
