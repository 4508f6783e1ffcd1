"""Instructions of a session as lines: the time, the source, the text, and what was changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from armexec.cli.console import Console
from armexec.errors import Error

if TYPE_CHECKING:
    from rich.text import Text

    from armexec.cpu import Stop
    from armexec.debugger import Session
    from armexec.debugger.changes import Step
    from armexec.debugger.places import Place

__all__ = ["Listing"]

_TEXT = 34
"""Characters of an instruction's column."""


class Listing:
    """Shows a session. Source lines are read from `text` where the debug information names the file `name`, else from
    their files."""

    def __init__(self, session: Session, name: str, text: str) -> None:
        self._session = session
        self._name = name
        self._lines = {name: text.splitlines()} if text else {}
        self._shown: tuple[str, int] | None = None
        self._function = ""
        # Lines aren't wrapped: a pipe has no width, and a terminal wraps them itself.
        self.console = Console(highlight=False, soft_wrap=True)

    def all(self, limit: int) -> int:
        """Show the instructions up to the end, but no more than `limit`; the exit status for the command."""
        from armexec.cli.outcome import note

        session = self._session
        while not session.finished and session.time < limit:
            step = session.step()
            if step.end == step.begin:
                return self.end(step.stop)
            self.step(step)
            if step.stop is not None:
                return self.end(step.stop)
        if not session.finished:
            stop = session.run()
            note(f"instructions from {limit} to {session.time} aren't shown (--limit)")
            return self.end(stop)
        return self.end(None)

    def end(self, stop: Stop | None) -> int:
        """Show how it ended; the exit status for the command. Raises the error that the guest has made."""
        session = self._session
        if session.error is not None:
            raise session.error
        if session.finished:
            self.result()
            return getattr(session.result, "status", 0)
        self.console.print(str(stop))
        return 0

    def result(self) -> None:
        """Show the result, at the end."""
        result = self._session.result
        if hasattr(result, "status"):
            text = result.text
            if text:
                self.console.print(text, end="" if text.endswith("\n") else "\n", markup=False)
            self.console.print(f"exit status {result.status}", style="bold green")
        elif result is not None:
            self.console.print(f"= {result!r}", style="bold green", markup=False)

    def step(self, step: Step) -> None:
        """Show an instruction that was executed, below its source line if that is another than before."""
        self.place(step.place)
        self.console.print(self._row(step.begin, step.place, step.text, step.changes))

    def here(self) -> None:
        """Show the instruction that is next."""
        session = self._session
        if session.finished:
            self.result()
            return
        instruction = session.instruction
        self.place(session.place)
        text = instruction.text if instruction is not None else "(no code)"
        self.console.print(self._row(session.time, session.place, text, "", mark="→"))

    def place(self, place: Place) -> None:
        """Show a function and a source line, if they aren't those that were shown last."""
        from rich.text import Text

        line = place.line
        key = (line.file, line.line) if line is not None and line.line else None
        if place.function != self._function:
            self._function = place.function
            self.console.print(Text(f"{place.function or 'unknown code'}:", "bold cyan"))
            self._shown = None
        if key is not None and key != self._shown:
            source = self.source_line(*key)
            shown = Text(f"  {os.path.basename(key[0])}:{key[1]}", "cyan")
            shown.append(f"  {source}" if source else "", "not bold dim")
            self.console.print(shown)
        self._shown = key

    def source_line(self, file: str, number: int) -> str:
        """The text of a source line without its indentation; empty where the file isn't there."""
        if file not in self._lines:
            same = self._name in self._lines and os.path.basename(file) == os.path.basename(self._name)
            self._lines[file] = self._lines[self._name] if same else _read(file)
        lines = self._lines[file]
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def _row(self, time: int, place: Place, text: str, changes: str, mark: str = " ") -> Text:
        from rich.text import Text

        mnemonic, space, operands = text.partition(" ")
        row = Text(f"{mark}{time:>6}  ", "dim")
        row.append(f"{place.address:x}  ", "not bold dim")
        row.append(mnemonic, "bold not dim")
        row.append(space + operands, "not dim")
        if changes:
            row.append(" " * max(_TEXT - len(text), 2))
            row.append(changes, "yellow not dim")
        return row


def _read(file: str) -> list[str]:
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            return opened.read().splitlines()
    except (OSError, Error):
        return []
