"""The widget of a session. This file needs the package anywidget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from armexec.debugger import Session
from armexec.errors import Error
from armexec.html import table
from armexec.notebooks.recorded import recorded

__all__ = ["StepWidget"]

_SHOWN = 100


class StepWidget(anywidget.AnyWidget):
    """A call on a slider. `time` is how many instructions were executed; the session is at the same time.

    What each instruction changes is recorded at first, so the slider also moves where no kernel runs.
    """

    _esm = Path(__file__).parent / "step.js"
    data = traitlets.Dict().tag(sync=True)
    time = traitlets.Int(0).tag(sync=True)

    def __init__(self, session: Session, limit: int) -> None:
        """Record up to `limit` instructions. Raises Error: the session is closed."""
        self.session = session
        super().__init__(data=recorded(session, limit), time=session.time)

    @traitlets.validate("time")
    def _within(self, proposal: Any) -> int:
        return int(min(max(proposal["value"], 0), self.data["end"]))

    @traitlets.observe("time")
    def _go(self, change: Any) -> None:
        try:
            self.session.goto(change["new"])
        except Error:
            # It is closed, or what it needs is gone: what was recorded stays.
            return

    def _repr_mimebundle_(self, **arguments: Any) -> Any:
        """The widget, and for those who can't show it what it has recorded as a table."""
        made = super()._repr_mimebundle_(**arguments)
        if made is None:
            return None
        data, more = made if isinstance(made, tuple) else (made, {})
        return {**data, "text/plain": repr(self), "text/html": self._table()}, more

    def _table(self) -> str:
        """The first instructions as a table."""
        data = self.data
        rows = {row[0]: row for row in data["rows"]}
        shown: list[tuple[object, ...]] = []
        for part in data["parts"]:
            for number, pc in enumerate(part["pcs"][: _SHOWN - len(shown)], part["begin"]):
                _, _, text, line, _ = rows[pc]
                shown.append((number, f"{pc:x}", text, data["lines"][line][2].strip() if line >= 0 else ""))
        more = [f"... {data['end'] - len(shown)} more"] if data["end"] > len(shown) else []
        heads = ("time", "offset", "instruction", "source")
        return table(data["name"], heads, [*shown, *more, data["outcome"]], detail=f"{data['end']} instructions")

    def __repr__(self) -> str:
        return f"<StepWidget {self.data['name']}, time {self.time} of {self.data['end']}: {self.data['outcome']}>"
