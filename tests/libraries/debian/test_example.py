"""examples/sqlite.py with Debian's library."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "sqlite.py"


@pytest.mark.slow
# Translating it takes half a minute; the interpreter needs five seconds.
@pytest.mark.parametrize("engine", ["reference", pytest.param("translated", marks=pytest.mark.long)])
def test_rows_in_the_order_of_a_python_function(library: Callable[[str], Path], engine: str) -> None:
    command = [sys.executable, str(EXAMPLE), "--engine", engine, str(library("libsqlite3.so.0"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["about", "3", "12%"],
        ["file1", "11", "42%"],
        ["file2", "5", "19%"],
        ["file10", "7", "27%"],
    ]
