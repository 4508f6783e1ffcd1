"""Lines of assembly as clients read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = ["MOST_LINES", "Listing", "line_of"]

MOST_LINES = 20_000


class Listing(NamedTuple):
    """Lines, the numbers of the lines that define labels, from 1, and whether lines were left out at the end."""

    lines: list[dict[str, Any]]
    definitions: dict[str, int]
    truncated: bool


def line_of(
    text: str, source: dict[str, Any] | None = None, labels: Sequence[dict[str, Any]] = (), **more: Any
) -> dict[str, Any]:
    """A line. `source`: its source line; `labels`: the labels in it; `more`: its address and its bytes."""
    return {"text": text, "source": source, "labels": list(labels), **more}
