"""The README's examples run and give what it says, and its tables are complete."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

import armexec
from armexec.engines import default_engine
from armexec.translate.policy import OPTIMIZATIONS
from engines import AVAILABLE, needs_processes

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
SOURCES = ROOT / "src" / "armexec"
# A variable that only the script of `armexec completion` sets.
INTERNAL = {"ARMEXEC_COMPLETE"}


@pytest.mark.skipif("translated" not in AVAILABLE, reason="nothing can be translated here")
def test_examples_in_python_run() -> None:
    text = "\n".join(re.findall(r"^```pycon\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
    examples = doctest.DocTestParser().get_doctest(text, {}, "README.md", "README.md", 0)
    assert len(examples.examples) > 15
    output: list[str] = []
    doctest.DocTestRunner(verbose=False).run(examples, out=output.append)
    assert "".join(output) == ""


def _console(command: str) -> str:
    """What the README says that a command prints."""
    found = re.search(rf"^    \$ {re.escape(command)}\n((?:(?:    (?!\$).*)?\n)*)", TEXT, re.MULTILINE)
    assert found, command
    return re.sub(r"^    ", "", found[1], flags=re.MULTILINE).strip()


def _without_host(text: str) -> str:
    """Without the addresses and the version of the compiler."""
    return re.sub(r"clang [\d.]+", "clang", re.sub(r"0x7[0-9a-f]{11}", "0x...", text))


@needs_processes
@pytest.mark.skipif(
    sys.platform != "linux" or default_engine() != "translated", reason="the README shows Linux on another processor"
)
def test_show_prints_what_the_readme_shows() -> None:
    command = ["armexec", "show", "examples/fn.cpp", "3"]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert _without_host(done.stdout.strip()) == _without_host(_console(" ".join(command)))


def test_the_program_whose_profile_is_shown_gives_its_result() -> None:
    source = _console("cat sums.c")
    module = armexec.compile(source, "c", "-O2", filename="sums.c")
    assert module.coprime(100) == 6087
    lines = source.splitlines()
    for number, line in re.findall(r"^ .*%.*  sums\.c:(\d+) +(.*)$", TEXT, re.MULTILINE):
        assert lines[int(number) - 1].strip() == line


def test_every_command_is_in_the_table() -> None:
    commands = {path.stem for path in (SOURCES / "cli" / "commands").glob("[a-z]*.py")}
    assert set(re.findall(r"^\| `armexec (\w+)", TEXT, re.MULTILINE)) == commands


def test_every_variable_is_in_the_table() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py"))
    variables = set(re.findall(r"\bARMEXEC_[A-Z_]+\b", sources)) - INTERNAL
    assert set(re.findall(r"^\| `(ARMEXEC_\w+)`", TEXT, re.MULTILINE)) == variables


def test_optimizations_that_are_named_exist() -> None:
    named = re.search(r"`ARMEXEC_DISABLE` \| [^`]*`([\w,-]+)`", TEXT)
    assert named is not None
    assert {name.replace("-", "_") for name in named[1].split(",")} <= set(OPTIMIZATIONS)
