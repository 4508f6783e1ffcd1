"""Processes measured whole."""

from __future__ import annotations

import pytest

from armexec.bench.measurements.children import python
from armexec.errors import Error


def test_output_and_times() -> None:
    ended = python(["-c", "import os; print(os.environ['ARMEXEC_X'], sum(range(10**6)))"], {"ARMEXEC_X": "7"})
    assert ended.output == "7 499999500000\n"
    assert ended.processor > 0
    assert ended.wall > 0


def test_a_process_that_fails_is_an_error() -> None:
    with pytest.raises(Error, match=r"status 1:\n(.|\n)*ZeroDivisionError"):
        python(["-c", "1 / 0"])
