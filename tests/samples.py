"""What the default run takes of many cases: CI runs the others too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

__all__ = ["one_of"]


def one_of(every: int, values: Iterable[Any]) -> list[Any]:
    """The values for `pytest.mark.parametrize`: all are `slow` but the first of each `every`."""
    found = []
    for index, value in enumerate(values):
        given = value if isinstance(value, tuple) else (value,)
        found.append(value if index % every == 0 else pytest.param(*given, marks=pytest.mark.slow))
    return found
