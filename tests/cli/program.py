"""The program `armexec`, run inside this process: as fast as a call, and with the same streams and exit status."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import NamedTuple
from unittest.mock import patch

from armexec.cli import main


class Done(NamedTuple):
    """What the program left behind. `status` is its exit status."""

    status: int
    out: str
    err: str
    raw: bytes


def armexec(*arguments: str, stdin: str | bytes = "") -> Done:
    """Run `armexec` with these arguments."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    status: object = 0
    with (
        patch.object(sys, "argv", ["armexec", *arguments]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8")),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code
    out.flush()
    err.flush()
    raw = out.buffer.getvalue()  # type: ignore[attr-defined]
    messages = err.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert "Traceback" not in messages
    return Done(status if isinstance(status, int) else 0, raw.decode(errors="replace"), messages, raw)
