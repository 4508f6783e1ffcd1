"""Progress of what takes long, on standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

__all__ = ["progress_bar"]


@contextlib.contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], object] | None]:
    """On a terminal or in a notebook a bar, which goes when the block ends: a function that shows how many of `total`
    are done. None elsewhere."""
    if not _shows_bars():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as shown:
        task = shown.add_task(what, total=total)
        yield lambda done: shown.update(task, completed=min(done, total))


def _shows_bars() -> bool:
    stream = sys.stderr
    if stream is None:
        return False
    # A notebook's streams are no terminals, and rich shows bars there.
    return stream.isatty() or type(stream).__module__.startswith("ipykernel.")
