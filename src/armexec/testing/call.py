"""A call with all that tests ask of it: its result, its instructions, what it wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from armexec.debugger import Session, debug
from armexec.errors import Error
from armexec.module import Function
from armexec.testing.guarded import Guard, GuardedArguments

__all__ = ["GuestCall", "Write", "call", "called_session"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


class Write(NamedTuple):
    """A store: the time of its instruction and its pc, the address, what was there, and what was stored."""

    time: int
    pc: int
    address: int
    old: bytes
    new: bytes


@dataclass(frozen=True)
class GuestCall:
    """A call that was made. `instructions`: how many were executed, the same number on every machine. `writes`: its
    stores, in order. `lines`: how often an instruction of each source line, a file and a number, was executed."""

    result: Any
    instructions: int
    writes: tuple[Write, ...]
    lines: dict[tuple[str, int], int]


def call(function: Function, *arguments: Any, guard: Guard | None = "end", **named: Any) -> GuestCall:
    """Call a function, instruction by instruction.

    Args:
        function: of any engine; the interpreter executes it, on the module's memory.
        arguments, named: what the function is called with.
        guard: each array is copied to memory that ends ("end") or begins ("begin") at a page that can't be accessed, so
            that an access past it is a MemoryFault; after the call it is copied back. None: it is passed as it is.

    Raises:
        SignatureError: the arguments don't fit.
        What the call raises.
    """
    return called_session(function, arguments, named, guard, lambda session: None)


def called_session(
    function: Function,
    arguments: tuple[Any, ...],
    named: dict[str, Any],
    guard: Guard | None,
    begin: Callable[[Session], object],
    end: Callable[[Session], object] = lambda session: None,
) -> GuestCall:
    """Make a call in a session, which `begin` gets before its first instruction, and `end` after its last."""
    if not isinstance(function, Function):
        raise Error(f"a Function is called, not {type(function).__name__} {function!r:.60}")
    prototype = function.prototype
    guarded = None
    if guard is not None and prototype is not None and function.sandbox is None:
        guarded = GuardedArguments(prototype, arguments, guard)
        arguments = tuple(guarded.values)
    with debug(function, *arguments, **named) as session:
        writes: list[Write] = []
        recorded = session.timeline.guest
        before: Callable[[str, int, bytes, bytes], object] | None = None

        def access(kind: str, address: int, old: bytes, new: bytes) -> None:
            if before is not None:
                before(kind, address, old, new)
            if kind == "write":
                writes.append(Write(recorded.time, session.cpu.pc, address, old, new))

        begin(session)
        before = recorded.access
        recorded.access = access
        stop = session.run()
        if session.error is not None:
            raise session.error
        if not session.finished:
            raise Error(f"{function.name}: {stop}")
        end(session)
        if guarded is not None:
            guarded.write_back()
        return GuestCall(session.result, session.time, tuple(writes), _lines(session))


def _lines(session: Session) -> dict[tuple[str, int], int]:
    """How often instructions of each source line were executed; 0 for others of the same image's own functions."""
    lines: dict[tuple[str, int], int] = {}
    for image, _ in session.places.images:
        for function in image.own_functions:
            for offset in range(function.offset, function.offset + function.extent, 4):
                line = image.line_of(offset)
                if line is not None and line.line:
                    lines[line.file, line.line] = 0
    for pc, count in session.timeline.path.counts().items():
        line = session.places.place(pc).line
        if line is not None and line.line:
            key = line.file, line.line
            lines[key] = lines.get(key, 0) + count
    return lines
