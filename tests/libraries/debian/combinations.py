"""The engines, each with glibc and with armexec's own C library."""

from __future__ import annotations

import pytest

from engines import AVAILABLE

WITH_LIBRARY = [engine for engine in AVAILABLE if engine != "native"]


def combinations(*quick: tuple[str, str]) -> list[pytest.ParameterSet]:
    """The pairs of an engine and a C library; but for the `quick` ones they are long.

    Translating a library takes longer than the little that most tests run of it.
    """
    return [
        pytest.param((engine, c), id=f"{engine}-{c}", marks=() if (engine, c) in quick else (pytest.mark.long,))
        for engine in WITH_LIBRARY
        for c in ("glibc", "own")
    ]
