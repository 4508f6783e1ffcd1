"""What commands may import: packages that take long to import are left alone by those that don't need them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.program import armexec

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPT = """
import sys
before = set(sys.modules)
sys.argv = ["armexec", *sys.argv[1:]]
from armexec.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print()
print(*set(sys.modules) - before)
"""
COMMON = {"armexec", "armexec.cli", "armexec.errors", "armexec.files", "armexec.lines", "armexec.sources", "click"}
RUN = COMMON | {
    "armexec.abi",
    "armexec.api",
    "armexec.callbacks",
    "armexec.cpu",
    "armexec.engines",
    "armexec.forks",
    "armexec.machines",
    "armexec.memory",
    "armexec.module",
    "armexec.objects",
    "armexec.own_names",
    "armexec.package_identity",
    "armexec.resource_limits",
    "armexec.store",
    "armexec.toolchain",
    "armexec.translate",
    "llvmlite",
}


def modules(*arguments: str) -> set[str]:
    """The modules that a command imports in a process of its own."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def packages(names: set[str]) -> set[str]:
    """The packages of modules, and those in armexec, without those of Python's library."""
    parts = (name.split(".") for name in names)
    return {".".join(p[: 2 if p[0] == "armexec" else 1]) for p in parts} - set(sys.stdlib_module_names)


def imported(*arguments: str) -> set[str]:
    """The packages that a command imports."""
    return packages(modules(*arguments))


@pytest.mark.parametrize("arguments", [("3",), ("--function", "fn(int)", "-O2", "-7")])
def test_a_second_run_only_links_and_calls(arguments: tuple[str, ...]) -> None:
    command = "run", str(EXAMPLES / "fn.cpp"), *arguments, "--engine", "translated"
    assert armexec(*command).status == 0
    found = modules(*command)
    assert packages(found) - RUN == set()
    # Neither is the compiler run, nor anything translated.
    assert not {"subprocess", "armexec.translate.ir.unit", "armexec.toolchain.process"} & found


def test_arrays_on_the_command_line_need_no_numpy(tmp_path: Path) -> None:
    path = tmp_path / "sum.c"
    path.write_text("int sum(int *v, int n) { int s = 0; while (n--) s += v[n]; return s; }")
    os.utime(path, (0, 0))  # what has just changed isn't kept
    command = "run", str(path), "[1, 2, 3]", "3", "--engine", "translated"
    assert armexec(*command).status == 0
    assert imported(*command) - RUN == set()


def test_words_need_no_compiler(tmp_path: Path) -> None:
    command = "run", str(EXAMPLES / "fn.hex"), "3", "--engine", "translated"
    assert armexec(*command).status == 0
    assert imported(*command) - RUN - {"armexec.words"} == set()


def test_the_assembler_needs_no_engine() -> None:
    allowed = COMMON | {"armexec.asm", "armexec.disasm", "armexec.isa"}
    assert imported("asm", str(EXAMPLES / "fn.s")) - allowed == set()
    # Sections are placed for these.
    allowed |= {"armexec.objects", "armexec.package_identity", "armexec.store"}
    assert imported("asm", str(EXAMPLES / "fn.s"), "--format", "raw", "-o", "/dev/null") - allowed == set()


def test_the_disassembler_of_words_needs_no_assembler() -> None:
    allowed = COMMON | {"armexec.disasm", "armexec.isa", "armexec.words"}
    assert imported("disasm", "d65f03c0", "0x910043FF") - allowed == set()
    assert imported("disasm", str(EXAMPLES / "fn.hex")) - allowed == set()


def test_what_says_little_imports_little() -> None:
    assert imported("--version") - COMMON == set()
    assert imported("cache") - COMMON - {"armexec.store"} == set()
    assert imported("completion", "bash") - COMMON == set()
