"""rich's console, with this program's way to end."""

from __future__ import annotations

from rich.console import Console as RichConsole

__all__ = ["Console"]


class Console(RichConsole):
    """A console that leaves it to the program what happens when the reader of the output has gone."""

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError that is being handled; rich would end the program with status 1."""
        raise  # noqa: PLE0704
