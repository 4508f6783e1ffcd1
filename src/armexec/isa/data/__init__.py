"""Tables of the architecture that are looked up by name or by word."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["rows"]


def rows(name: str) -> Iterator[list[str]]:
    """The rows of a table here, split at tabs; lines that begin with `#` are comments."""
    from pkgutil import get_data  # importlib.resources brings zip files and temporary files along

    for line in (get_data(__name__, name) or b"").decode("ascii").splitlines():
        if not line.startswith("#"):
            yield line.split("\t")
