"""examples/sqlite.py with Debian's library."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

EXAMPLE = Path(__file__).parents[3] / "examples" / "sqlite.py"


def test_rows_in_the_order_of_a_python_function(library: Callable[[str], Path]) -> None:
    command = [sys.executable, str(EXAMPLE), str(library("libsqlite3.so.0"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["about", "3", "12%"],
        ["file1", "11", "42%"],
        ["file2", "5", "19%"],
        ["file10", "7", "27%"],
    ]
