"""Modules that users reach by `import armexec` alone, and that cost nothing until they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["notebooks", "testing"])
def test_they_are_imported_when_they_are_used(name: str) -> None:
    program = (
        "import armexec, sys\n"
        f"assert 'armexec.{name}' not in sys.modules\n"
        f"assert armexec.{name}.__name__ == 'armexec.{name}'\n"
        "assert not hasattr(armexec, 'nothing')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
