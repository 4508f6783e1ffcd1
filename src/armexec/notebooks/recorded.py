"""A session as data for the widget: its code and source, what each instruction changes, memory at the beginning."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

from armexec.debugger import Session
from armexec.errors import Error
from armexec.explorer.runs.recording import SLOTS, Recording

__all__ = ["recorded"]

_SECONDS = 20.0
_MOST_ROWS = 4000
"""Instructions of the code that is shown."""
_STACK = 512
"""Bytes of the stack above the lowest stack pointer."""
_ABOVE = 32
"""Bytes that are shown above the first stack pointer."""
_WINDOWS, _WINDOW, _POINTED = 8, 256, 64
"""How much other memory is shown: pieces, bytes of one, and bytes where an argument points to."""
_ALIGN = 16


def recorded(session: Session, limit: int) -> dict[str, Any]:
    """What a widget needs. The session is then where it was.

    Args:
        session: the session; it is executed from its beginning on.
        limit: maximum instructions.

    Raises:
        Error: the session is closed.
    """
    before = session.time
    session.goto(0)
    images = session.places.images
    base = images[0][1] if images else 0
    recording = Recording(session, base, lambda: 0)
    outcome = _outcome(session, recording, limit)
    session.goto(0)
    parts = [recording.part(index) for index in range(len(recording.parts) + 1)]
    rows, functions, lines = _code(session, base, {pc for part in parts for pc in part["pcs"]})
    memory = [
        [name, f"{begin:x}", session.memory.read(begin, end - begin).hex()]
        for name, begin, end in _windows(session, recording, parts)
    ]
    session.goto(min(before, recording.end))
    return {
        "name": session.target.name,
        "end": recording.end,
        "base": f"{base:x}",
        "outcome": outcome,
        "slots": list(SLOTS),
        "rows": rows,
        "functions": functions,
        "lines": lines,
        "parts": parts,
        "memory": memory,
    }


def _outcome(session: Session, recording: Recording, limit: int) -> str:
    """Record, and say how it ended."""
    try:
        stop = recording.extend(limit, _SECONDS)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if session.error is not None:
        return f"{type(session.error).__name__}: {session.error}"
    if session.finished:
        session.step(0)
        return f"= {session.result!r:.200}"
    return f"{stop}" if stop is not None else f"the first {recording.end} instructions"


def _code(session: Session, base: int, pcs: set[int]) -> tuple[list[Any], list[str], list[Any]]:
    """The instructions of all functions that were executed, and the lists of functions and lines.

    An instruction is its offset, its word, its text, the number of its line or -1, and the number of its function.
    """
    functions: list[str] = []
    lines: dict[tuple[str, int], int] = {}
    texts: list[Any] = []
    rows: list[Any] = []
    for address, name in _addresses(session, sorted(pc + base for pc in pcs)):
        instruction = session.instruction_at(address)
        if instruction is None or len(rows) == _MOST_ROWS:
            continue
        if not functions or functions[-1] != name:
            functions.append(name)
        line = session.places.place(address).line
        number = -1
        if line is not None and line.line:
            number = lines.setdefault((line.file, line.line), len(texts))
            if number == len(texts):
                texts.append([line.file, line.line, session.places.source_text(line)])
        rows.append([address - base, f"{instruction.word:08x}", instruction.text, number, len(functions) - 1])
    return rows, functions, texts


def _addresses(session: Session, executed: list[int]) -> Iterator[tuple[int, str]]:
    """The addresses of functions of which something was executed, and of other code that was."""
    known = sorted(
        (base + f.offset, base + f.offset + f.extent, f.source_name)
        for image, base in session.places.images
        for f in image.functions
    )
    begins = [begin for begin, _, _ in known]
    done = 0
    for pc in executed:
        if pc < done:
            continue
        index = bisect_right(begins, pc) - 1
        if index >= 0 and pc < known[index][1]:
            begin, done, name = known[index]
            yield from ((address, name) for address in range(begin, done, 4))
        else:
            done = pc + 4
            yield pc, session.places.place(pc).name


def _windows(session: Session, recording: Recording, parts: list[Any]) -> list[tuple[str, int, int]]:
    """The memory that is shown: the stack, what arguments point to, and what else is written. At the beginning."""
    cpu = session.cpu
    top = cpu.sp
    low = min(recording.sp, default=top)
    # The part of the stack that was used last, if it is too large.
    stack = _aligned(max(low, top - _STACK), top + _ABOVE)
    found = [("stack", *stack)]
    pointed = []
    for n in range(8):
        begin = int(cpu.x[n])
        if not _is_code(session, begin) and not stack[0] <= begin < stack[1]:
            pointed.append((f"x{n}", begin, _end_of(session, begin)))
    written = [("", int(address, 16), int(address, 16) + len(new) // 2) for address, new in _written(parts)]
    others = [(name, *_aligned(begin, end)) for name, begin, end in _merged(session, written)]
    for name, begin, whole_end in [*pointed, *others]:
        end = min(whole_end, begin + _WINDOW)
        overlaps = any(begin < other_end and other < end for _, other, other_end in found)
        if not overlaps and len(found) < _WINDOWS and _is_readable(session, begin, end):
            found.append((name, begin, end))
    return [one for one in found if _is_readable(session, one[1], one[2])]


def _written(parts: list[Any]) -> Iterator[tuple[str, str]]:
    for part in parts:
        for step in part["steps"]:
            memory = step[1] if len(step) > 1 else ()
            yield from zip(memory[::3], memory[2::3], strict=True)


def _merged(session: Session, ranges: Iterable[tuple[str, int, int]]) -> Iterator[tuple[str, int, int]]:
    """Ranges in order, where near ones are one; with the names of symbols."""
    last: tuple[int, int] | None = None
    for _, begin, end in sorted(set(ranges)):
        if last is not None and begin <= last[1] + _ALIGN:
            last = last[0], max(last[1], end)
            continue
        if last is not None:
            yield _symbol(session, last[0]), *last
        last = begin, end
    if last is not None:
        yield _symbol(session, last[0]), *last


def _symbol(session: Session, address: int) -> str:
    return session.places.place(address).symbol.partition("+")[0]


def _end_of(session: Session, begin: int) -> int:
    """The end of what an argument points to: of an array that Python has given, else of a few bytes."""
    ends = [end for first, end, _ in session.target.lent() if first <= begin < end]
    return min(ends, default=begin + _POINTED)


def _aligned(begin: int, end: int) -> tuple[int, int]:
    return begin & -_ALIGN, -(-end // _ALIGN) * _ALIGN


def _is_code(session: Session, address: int) -> bool:
    return any(begin <= address < end and "x" in rights for begin, end, rights, _ in session.target.regions())


def _is_readable(session: Session, begin: int, end: int) -> bool:
    try:
        session.memory.read(begin, end - begin)
    except (Error, OverflowError):
        return False
    return True
