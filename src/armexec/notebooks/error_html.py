"""Exceptions as HTML: what has failed, the calls that were going on, the registers."""

from __future__ import annotations

import linecache
from collections.abc import Iterator, Sequence
from html import escape
from textwrap import dedent

from armexec.errors import CompileError, Error, ExecutionError
from armexec.html import heading, pre, table

__all__ = ["details_html", "error_html"]

_COLUMNS = 4
_MOST_FRAMES = 50
_SEEN = 3
"""So many equal frames in a row are shown."""


def error_html(error: Error) -> str:
    """An exception with all that is known of it."""
    kind = type(error).__name__
    text = dedent(str(error))
    if isinstance(error, CompileError):
        return f"<div>{heading(kind)}{pre(text)}</div>"
    if not isinstance(error, ExecutionError):
        return f"<div>{heading(kind)}{pre(text)}</div>"
    return (
        f'<div><div style="margin-bottom:8px"><b>{kind}</b>: {escape(error.message)}</div>{details_html(error)}</div>'
    )


def details_html(error: ExecutionError) -> str:
    """Where the guest was, as tables. What isn't known is left out."""
    parts = [table("Instruction", ("", ""), _place(error))]
    if error.backtrace:
        heads = ("", "function", "place", "source")
        parts.append(table("Calls", heads, _frames(error), detail="the most recent first"))
    cpu = error.cpu
    if cpu is not None and len(cpu.known) > 1:
        parts.append(table("Registers", ("",) * _COLUMNS * 2, _registers(error)))
    return '<div style="margin-top:10px"></div>'.join(parts)


def _place(error: ExecutionError) -> Iterator[Sequence[object]]:
    yield "address", f"0x{error.pc:x}" + (f"  {error.symbol}" if error.symbol else "")
    if error.instruction:
        yield "instruction", error.instruction
    if error.source:
        file, _, line = error.source.rpartition(":")
        text = linecache.getline(file, int(line)).strip() if line.isdigit() else ""
        yield "source", error.source + (f"  {text}" if text else "")


def _frames(error: ExecutionError) -> Iterator[Sequence[object] | str]:
    backtrace = error.backtrace
    before, equal = None, 0
    shown = 0
    for number, frame in enumerate(backtrace):
        equal = equal + 1 if frame == before else 0
        before = frame
        if equal >= _SEEN:
            continue
        if shown == _MOST_FRAMES:
            yield f"... {len(backtrace) - number} more calls"
            break
        shown += 1
        place = f"{frame.file}:{frame.line}" if frame.file else f"0x{frame.pc:x}"
        text = linecache.getline(frame.file, frame.line).strip() if frame.file else ""
        yield number, frame.function or frame.symbol or "code without a name", place, text
    if backtrace.rest:
        yield f"... {backtrace.rest}"


def _registers(error: ExecutionError) -> Iterator[Sequence[object] | str]:
    """The registers that are known, several a row; vector registers that are zero are left out."""
    cpu = error.cpu
    cells: list[object] = []
    for name in cpu.known:
        value = cpu[name]
        if name == "nzcv":
            cells += [name, "".join(flag if value >> 3 - n & 1 else flag.lower() for n, flag in enumerate("NZCV"))]
        elif name[0] != "v":
            cells += [name, f"{value:016x}"]
    width = 2 * _COLUMNS
    for begin in range(0, len(cells), width):
        yield cells[begin : begin + width]
    for name in cpu.known:
        if name[0] == "v" and cpu[name]:
            yield f"{name} {cpu[name]:032x}"
    if cpu.why:
        yield f"The others aren't known: {cpu.why}."
