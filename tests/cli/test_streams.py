"""Standard streams that are closed or full, and readers that leave, for every command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
FN = str(EXAMPLES / "fn.hex")
PRINTING = {
    "run": f"run {FN} 3 --engine reference --signature 'int(int)'",
    "show": f"show {FN} 3 --engine reference --signature 'int(int)'",
    "compile": f"compile {EXAMPLES / 'fn.cpp'}",
    "asm": f"asm {EXAMPLES / 'fn.s'}",
    "asm raw": f"asm --format raw {EXAMPLES / 'fn.s'}",
    "disasm": "disasm d65f03c0",
    "isa": "isa --missing",
    "info": "info",
    "bench": "bench --help",
    "cache": "cache",
    "completion": "completion bash",
    "help": "--help",
    "version": "--version",
}

FULL = ("show", "asm raw", "isa", "help")
"""What writes in different ways: rich, bytes, much text, click."""


def shell(command: str, redirection: str) -> subprocess.CompletedProcess[str]:
    """Run armexec from a shell; standard output is what its standard error was, unless redirected."""
    script = f'"{sys.executable}" -m armexec {command} {redirection}'
    return subprocess.run(["bash", "-c", script], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("command", PRINTING)
def test_output_that_cannot_be_written_is_one_message(command: str) -> None:
    redirections = {">&-": "Bad file descriptor"}
    if command in FULL and Path("/dev/full").exists():
        redirections[">/dev/full"] = "No space left on device"
    for redirection, reason in redirections.items():
        done = shell(PRINTING[command], redirection)
        assert (done.returncode, done.stderr) == (1, f"armexec: standard output: {reason}\n")


@pytest.mark.parametrize("command", ["show", "isa", "help"])
def test_a_reader_that_has_gone_is_status_141(command: str) -> None:
    done = shell(PRINTING[command], "| true; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.slow
def test_a_closed_standard_error_loses_only_messages() -> None:
    for redirection in ("2>&-", "2>/dev/full"):
        unsigned = f"run {FN} 3 --engine reference"
        done = shell(unsigned, redirection)
        assert (done.returncode, done.stdout) == (0, "3\n")
        assert shell("run nothing.c", redirection).returncode == 1
        assert shell("nonsense", redirection).returncode == 2
    assert shell(PRINTING["disasm"], ">&- 2>&-").returncode == 1


def test_a_closed_standard_input_is_an_error_only_where_it_is_read() -> None:
    for command in ("asm", "disasm -", "run - --language hex", "compile - --language c"):
        done = shell(command, "<&-")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "armexec: standard input: Bad file descriptor\n"
    done = shell(PRINTING["compile"], "<&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_else_becomes_standard_output(tmp_path: Path) -> None:
    path = tmp_path / "fn.o"
    done = shell(f"compile -c {EXAMPLES / 'fn.cpp'} -o {path}", "<&- >&-")
    assert (done.returncode, done.stderr) == (0, "")
    assert path.read_bytes()[:4] in (b"\x7fELF", b"\xcf\xfa\xed\xfe")
