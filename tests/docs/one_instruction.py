"""The blocks of docs/one-instruction.md, made anew. Run as a program, this file writes them into the page.

A block's first line is its language, its name here, and the host that it is for, if it depends on that.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import armexec
from armexec.isa import decode

PAGE = Path(__file__).parents[2] / "docs" / "one-instruction.md"
TEXT = "fadd d0, d0, d1\nret"
WORDS = [0x1E612800, 0xD65F03C0]
LLVM = 22
"""The version of LLVM whose code the page shows."""

BLOCK = re.compile(r"^```(\w+)(?: ([\w-]+))?(?: (x86-64))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, tuple[str, str]]:
    """The blocks that have names: for which host they are, and their text."""
    found = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    return {name: (host, text) for _, name, host, text in found if name}


def _between(text: str, first: str, last: str, *, inclusive: bool = False) -> str:
    """The lines from one in which a pattern is found to the next in which another is."""
    lines = text.expandtabs(4).splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if re.search(first, line))
    end = next(n for n, line in enumerate(lines[start + 1 :], start + 1) if re.search(last, line))
    return "".join(lines[start : end + inclusive])


def _stripped(text: str) -> str:
    """Without empty lines at the end."""
    return text.rstrip() + "\n"


def _floatdp2() -> str:
    """FADD's page for scalars, by `armexec isa`."""
    done = subprocess.run(
        [sys.executable, "-m", "armexec", "isa", "FADD"], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return done.stdout[done.stdout.index("FADD_floatdp2: Add.\n\n") :]


def _description() -> str:
    return _stripped(_between(_floatdp2(), "    31 ", "  Meaning"))


def _meaning() -> str:
    text = _stripped(_between(_floatdp2(), "    def ", "  Examples"))
    return re.sub(r"^    ", "", text, flags=re.MULTILINE)


Dumped = Callable[[str], str]


def dump(folder: Path) -> Dumped:
    """The files of ARMEXEC_DUMP, by the ends of their names. The environment names the folder."""
    f = armexec.function(TEXT, "double f(double, double)", engine="translated:O2", name="f")
    assert f(1.5, 2.25) == 3.75
    return lambda end: (folder / f"f.x0.speculative.O2.{end}").read_text(encoding="utf-8")


def _observed() -> str:
    from armexec.translate.codegen.llvm import host_features
    from armexec.translate.observed.block import block_text

    decoded = decode(WORDS[0])
    assert decoded is not None
    return "\n".join(block_text("b1000", {0x1000: [decoded]}, host_features()).lines) + "\n"


REFERENCE = {"description": _description, "meaning": _meaning}
MADE: dict[str, Callable[[Dumped], str]] = {
    "cfg": lambda dumped: dumped("cfg.txt"),
    "lifted": lambda dumped: _between(dumped("ir.ll"), r"define .*@f0\(", "^}", inclusive=True),
    "optimized": lambda dumped: _between(dumped("opt.ll"), "fadd double", "= phi double", inclusive=True),
    "assembly": lambda dumped: _between(dumped("asm.s"), ": fadd ", "# armexec"),
    "exit": lambda dumped: _between(dumped("asm.s"), r"\.LBB2_9:", r"\.LBB2_12:"),
    "observed": lambda dumped: _observed(),
}

IN_ANY_ORDER = {"exit"}
"""Independent instructions, which LLVM orders by the processor."""


def main() -> None:
    """Write all blocks. The host has to be one that the page is for."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"ARMEXEC_DUMP": "all", "ARMEXEC_DUMP_DIR": folder}
        dumped = dump(Path(folder))
        texts = {name: make(dumped) for name, make in MADE.items()} | {name: make() for name, make in REFERENCE.items()}
    page = PAGE.read_text(encoding="utf-8")
    for name, text in texts.items():
        block = re.search(rf"^```\w+ {name}(?: x86-64)?\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        assert block is not None, name
        page = page[: block.start(1)] + text + page[block.end(1) :]
    PAGE.write_text(page, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", PAGE], check=True)


if __name__ == "__main__":
    main()
