"""`armexec completion`: the script that completes command lines in a shell."""

from __future__ import annotations

import os

import click

from armexec.cli.command import argument, choice, command
from armexec.errors import HostError

SHELLS = ("bash", "zsh", "fish")


@command()
@argument("shell", required=False, type=choice(SHELLS), help="The shell; $SHELL by default.")
def completion(shell: str | None) -> None:
    """Print the script that completes command lines.

    For bash and zsh, eval "$(armexec completion)" in ~/.bashrc or ~/.zshrc. For fish, armexec completion fish | source
    in ~/.config/fish/config.fish.
    """
    name = shell or os.path.basename(os.environ.get("SHELL", ""))
    if name not in SHELLS:
        raise click.UsageError(f"Name a shell: {', '.join(SHELLS)} ($SHELL is {name or 'not set'})")
    answer(click.get_current_context().find_root().command, f"{name}_source")


def answer(group: click.Command, asked: str) -> None:
    """Print what a shell asks for in the variable _ARMEXEC_COMPLETE.

    `asked` is `SHELL_source` for the script, or `SHELL_complete` for what completes the words in COMP_WORDS.
    """
    from click.shell_completion import get_completion_class

    shell, _, what = asked.partition("_")
    made = get_completion_class(shell)
    if made is None or what not in ("source", "complete"):
        raise click.UsageError(f"_ARMEXEC_COMPLETE={asked}: no shell asks so")
    completer = made(group, {}, "armexec", "_ARMEXEC_COMPLETE")
    try:
        print(completer.source() if what == "source" else completer.complete())
    except RuntimeError as error:  # the shell is too old
        raise HostError(str(error)) from None
