"""`armexec explore`: source, assembly, words and a call in the browser."""

from __future__ import annotations

import click

from armexec.cli.command import argument, choice, command, file_name, option
from armexec.cli.options import level_option


@command()
@argument(
    "file",
    required=False,
    type=file_name,
    help="C (.c), C++ (.cc .cpp .cxx), assembly (.s) or hexadecimal words (.hex) to begin with; or a link that a page"
    " has copied.",
)
@option("--port", type=click.IntRange(0, 65535), default=0, metavar="PORT", help="The port; 0: one that is free.")
@option("--no-browser", is_flag=True, help="Print the address only.")
@option(
    "--language", type=choice(("c", "c++", "assembly", "hex")), help="What the file holds, if its name doesn't say."
)
@option("--target", type=choice(("linux", "apple", "bare")), default="linux", help="The system to compile for.")
@level_option
@option(
    "--api",
    is_flag=True,
    help="Serve Compiler Explorer's API, too, without a secret, for programs on this machine: cexpl, editors, curl.",
)
def explore(
    file: str | None, port: int, no_browser: bool, language: str | None, target: str, opt: str, api: bool
) -> None:
    """Open a page that shows source, assembly and words, and runs calls forwards and back.

    The page is served on this machine only, until Ctrl-C, and needs no network. Its address has a secret part: whoever
    knows it can run code. The code runs in a process that can't open files or connect. With --api, programs of this
    user need no secret part, and pages are refused.
    """
    from armexec.explorer.open_page import explore as explored

    explored(
        file,
        port=port,
        browser=not no_browser,
        language=language,
        opt=f"-O{opt}",
        target=target,
        api=api,
        told=lambda url: print(f"{url}\n{_usage(url, port) if api else ''}Ctrl-C ends it.", flush=True),
    )


def _usage(url: str, port: int) -> str:
    """How clients of Compiler Explorer use the server of a page."""
    home = "/".join(url.split("/")[:3])
    lines = [
        f"Clients of Compiler Explorer use {home} instead of https://godbolt.org:",
        f"  cexpl --host {home} FILE",
        f"  curl --data-binary @FILE '{home}/api/compiler/c-linux/compile?options=-O2'",
    ]
    if not port:
        lines.append("The address is another one next time; --port 10240 keeps it.")
    return "\n".join(lines) + "\n"
