"""Medians, ratios and means of measurements."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import TypeAlias

__all__ = ["Series", "geometric_mean", "median", "ratio"]

Series: TypeAlias = "list[float | None]"
"""Seconds in each round; None for a skipped round."""


def median(series: Series) -> float:
    """The median of the rounds that weren't skipped."""
    return statistics.median(value for value in series if value is not None)


def ratio(series: Series, base: Series) -> float:
    """The median of the ratios within rounds, in which both had the same disturbances."""
    return statistics.median(
        one / other for one, other in zip(series, base, strict=True) if one is not None and other is not None
    )


def geometric_mean(ratios: Iterable[float]) -> float | None:
    """The geometric mean of ratios; None if there are none."""
    values: Sequence[float] = list(ratios)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None
