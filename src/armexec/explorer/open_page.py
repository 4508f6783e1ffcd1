"""`explore`: the server, and the browser that shows its page."""

from __future__ import annotations

import os
import threading
import webbrowser
from collections.abc import Callable
from typing import Any

from armexec import __version__
from armexec.errors import LoadError
from armexec.explorer.examples import EXAMPLES
from armexec.files import read_file
from armexec.isolation.server.client import fork_server
from armexec.sources import kind_of_file

__all__ = ["explore", "opened_file"]


def explore(
    file: str | None = None,
    *,
    port: int = 0,
    browser: bool = True,
    language: str | None = None,
    opt: str = "-O0",
    target: str = "linux",
    api: bool = False,
    told: Callable[[str], object] = print,
) -> None:
    """Serve the page until Ctrl-C, and open it in the browser.

    Args:
        file: a source to begin with, or a link that a page has copied.
        port: 0: one that is free.
        browser: whether the browser is opened.
        language: what the file holds, if its name doesn't say.
        opt, target: as for `compile`.
        api: whether clients of Compiler Explorer may use the server, too.
        told: called with the URL.

    Raises:
        LoadError: the file can't be read, or is no source.
        HostError: the port can't be had.
    """
    opened, fragment = (None, "") if file is None else _given(file, language)
    if opened is not None:
        opened |= {"opt": opt, "target": target}
    # They start while the rest is imported.
    fork_server()
    from armexec.explorer.serving.server import listen, serve

    connection = listen(port)

    def ready(url: str) -> None:
        told(url + fragment)
        if browser:
            threading.Thread(target=webbrowser.open, args=(url + fragment,), daemon=True).start()

    serve(connection, {"version": __version__, "opened": opened, "examples": EXAMPLES}, ready, with_api=api)


def _given(file: str, language: str | None) -> tuple[dict[str, Any] | None, str]:
    link, hash_, state = file.partition("#")
    if hash_ and link.startswith("http://"):
        return None, f"#{state}"
    return opened_file(file, language), ""


def opened_file(file: str, language: str | None = None) -> dict[str, Any]:
    """A file as a page begins with it.

    Raises:
        LoadError: it can't be read, is no text, or is no source.
    """
    kind = language or kind_of_file(file)
    if kind not in ("c", "c++", "assembly", "hex"):
        raise LoadError(f"{file}: the page shows C, C++, assembly and words in hexadecimal, not {kind}")
    try:
        text = read_file(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LoadError(f"{file}: not UTF-8 text (byte {error.start})") from None
    return {"name": os.path.basename(file), "path": file, "kind": kind, "text": text}
