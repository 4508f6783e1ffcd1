"""Exceptions as IPython shows them: Python's frames without armexec's own, then the guest's."""

from __future__ import annotations

from textwrap import indent
from types import TracebackType
from typing import Any

from armexec.errors import Error, ExecutionError
from armexec.notebooks.error_html import details_html

__all__ = ["rendered", "show_errors", "without_own_frames"]

_PACKAGE = __name__.partition(".")[0]


def rendered(error: Error, *, with_details: bool = True) -> list[str]:
    """The lines of a traceback, for IPython: it asks exceptions for them. `with_details`: also the calls of the guest
    that were going on, and the registers."""
    from IPython import get_ipython  # type: ignore[attr-defined,unused-ignore]

    shell: Any = get_ipython()  # type: ignore[no-untyped-call,unused-ignore]
    trace = without_own_frames(error.__traceback__)
    # The first frame is IPython's.
    lines = list(shell.InteractiveTB.structured_traceback(type(error), error, trace, tb_offset=1))
    if with_details and isinstance(error, ExecutionError):
        if error.backtrace:
            lines.append(f"\n{error.backtrace}")
        if error.cpu is not None and len(error.cpu.known) > 1:
            lines.append(f"\nRegisters:\n{indent(str(error.cpu), '  ')}")
    return lines


def without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of armexec's own code, which say nothing to those who call it."""
    kept = []
    while trace is not None:
        names = trace.tb_frame.f_globals
        # Functions that are made have no module, but this mark.
        if str(names.get("__name__", "")).partition(".")[0] != _PACKAGE and not names.get("__tracebackhide__"):
            kept.append(trace)
        trace = trace.tb_next
    found: TracebackType | None = None
    for one in reversed(kept):
        found = TracebackType(found, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return found


def show_errors(shell: Any) -> None:
    """Have an IPython shell with a display show where the guest was, as HTML, below the traceback of its exceptions."""
    if not hasattr(shell, "kernel"):
        # A terminal shows the text of `rendered`.
        return
    others = shell.custom_exceptions
    if ExecutionError in others:
        return
    other = shell.CustomTB if others else None

    def show(shell: Any, kind: type[BaseException], error: BaseException, trace: Any, tb_offset: Any = None) -> Any:
        if not isinstance(error, ExecutionError):
            return other(kind, error, trace, tb_offset) if other is not None else None
        from IPython.display import HTML, display

        # What is shown below needn't be in the text, too.
        error.__dict__.setdefault("_render_traceback_", lambda: rendered(error, with_details=False))
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        display(HTML(details_html(error)))  # type: ignore[no-untyped-call,unused-ignore]
        return None

    shell.set_custom_exc((*others, ExecutionError), show)
