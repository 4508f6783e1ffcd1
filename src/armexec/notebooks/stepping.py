"""`step`: a call that goes forwards and back in a notebook, by a slider."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from armexec.debugger import Session, debug
from armexec.errors import HostError, SignatureError

if TYPE_CHECKING:
    from armexec.notebooks.widget import StepWidget

__all__ = ["LIMIT", "step", "widget_of"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

LIMIT = 20_000
"""How many instructions a widget has by default."""


def step(what: Any, /, *arguments: Any, limit: int = LIMIT, **named: Any) -> StepWidget:
    """A widget that steps through a call, a program or a Cpu, forwards and back.

    Args:
        what, arguments, named: as for `armexec.debug`; a function's own parameter `limit` is given by position.
        limit: how many instructions are recorded.

    Returns:
        the widget; its `session` is where the slider is.

    Raises:
        HostError: the package `anywidget` isn't there.
        Error: as `armexec.debug` does.
    """
    _check(limit)
    session = debug(what, *arguments, **named)
    try:
        return widget_of(session, limit)
    except BaseException:
        session.close()
        raise


def widget_of(session: Session, limit: int = LIMIT) -> StepWidget:
    """A widget of a session. See `Session.widget`."""
    _check(limit)
    from armexec.notebooks.widget import StepWidget

    return StepWidget(session, limit)


def _check(limit: object) -> None:
    """Raises HostError without the package, and SignatureError for what is no number of instructions."""
    if find_spec("anywidget") is None:
        raise HostError("stepping in a notebook needs the package anywidget: pip install 'armexec[widget]'")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise SignatureError(f"a limit is a number of instructions, not {limit!r:.60}")
