"""Tables of the architecture that are looked up by name or by word."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

__all__ = ["TABLES", "rows"]

TABLES = (
    "encodings.tsv",
    "later_mnemonics.tsv",
    "mnemonics.tsv",
    "system_operations.tsv",
    "system_registers.tsv",
)
"""The tables."""


@cache
def _text(name: str) -> str:
    from pkgutil import get_data  # importlib.resources brings zip files and temporary files along

    return (get_data(__name__, name) or b"").decode("ascii")


def rows(name: str) -> Iterator[list[str]]:
    """The rows of a table here, split at tabs; lines that begin with `#` are comments."""
    for line in _text(name).splitlines():
        if not line.startswith("#"):
            yield line.split("\t")
