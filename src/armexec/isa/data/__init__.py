"""Tables of the architecture that are looked up by name or by word."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["rows"]


def rows(name: str) -> Iterator[list[str]]:
    """The rows of a table here, split at tabs; lines that begin with `#` are comments."""
    from importlib.resources import files

    for line in (files(__name__) / name).read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            yield line.split("\t")
