"""scripts/mutation-check makes changes that are programs still, each of one line, the same for the same seed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "mutation-check"


def listed(*arguments: str) -> list[str]:
    command = [sys.executable, str(SCRIPT), "--list", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return re.split(r"^ *\d+ (?=[a-z]+ +\w+\.\w+)", done.stdout, flags=re.MULTILINE)[1:]


def test_each_mutant_changes_one_thing() -> None:
    mutants = listed("--seed", "7", "--count", "60")
    assert len(mutants) == 60
    assert len({text.splitlines()[0] for text in mutants}) == 60
    assert len({text.split()[0] for text in mutants}) > 4
    for text in mutants:
        changed = [re.findall(rf"^{re.escape(sign)}(?!\{sign}).*", text, re.MULTILINE) for sign in "-+"]
        removed, added = changed
        assert len(removed) == len(added) > 0, text
        assert [line[1:] for line in removed] != [line[1:] for line in added], text


@pytest.mark.slow
def test_the_same_seed_gives_the_same_mutants() -> None:
    found = listed("--seed", "3", "--count", "10")
    assert found == listed("--seed", "3", "--count", "10")
    assert found != listed("--seed", "4", "--count", "10")
    assert {text.split()[0] for text in listed("--kinds", "operator,flag", "--count", "10")} <= {"operator", "flag"}
