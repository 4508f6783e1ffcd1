"""rich's console, which leaves broken pipes to the program."""

from __future__ import annotations

from rich.console import Console as RichConsole

__all__ = ["Console"]


class Console(RichConsole):
    """A console that raises BrokenPipeError when the reader of the output has gone."""

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError again; rich would end the program with status 1."""
        raise  # noqa: PLE0704
