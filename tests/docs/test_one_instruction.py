"""docs/one-instruction.md: its examples run, and its other blocks are what the code makes.

A block's first line is its language, its name here, and the host that it is for, if it depends on that.
"""

from __future__ import annotations

import doctest
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import armexec
from armexec.isa import decode
from engines import AVAILABLE, needs_processes

PAGE = Path(__file__).parents[2] / "docs" / "one-instruction.md"
TEXT = "fadd d0, d0, d1\nret"
WORDS = [0x1E612800, 0xD65F03C0]
LLVM = 22
"""The version of LLVM whose code the page shows."""

_BLOCK = re.compile(r"^```(\w+)(?: ([\w-]+))?(?: (x86-64))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks() -> dict[str, tuple[str, str]]:
    """The blocks that have names: for which host they are, and their text."""
    found = _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    return {name: (host, text) for _, name, host, text in found if name}


def _between(text: str, first: str, last: str, *, inclusive: bool = False) -> str:
    """The lines from one in which a pattern is found to the next in which another is."""
    lines = text.expandtabs(4).splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if re.search(first, line))
    end = next(n for n, line in enumerate(lines[start + 1 :], start + 1) if re.search(last, line))
    return "".join(lines[start : end + inclusive])


# -- what the code makes -----------------------------------------------------------------------------------------------


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


@pytest.fixture(scope="module")
def dumped(tmp_path_factory: pytest.TempPathFactory) -> Dumped:
    """Files of ARMEXEC_DUMP, by the ends of their names."""
    folder = tmp_path_factory.mktemp("dump")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARMEXEC_DUMP", "all")
        patch.setenv("ARMEXEC_DUMP_DIR", str(folder))
        patch.delenv("ARMEXEC_DISABLE", raising=False)
        f = armexec.function(TEXT, "double f(double, double)", engine="translated:O2", name="f")
        assert f(1.5, 2.25) == 3.75
    return lambda end: (folder / f"f.x0.fast.O2.{end}").read_text(encoding="utf-8")


def _observed() -> str:
    from armexec.translate.codegen.llvm import host_features
    from armexec.translate.observed.block import block_text

    decoded = decode(WORDS[0])
    assert decoded is not None
    return "\n".join(block_text("b1000", {0x1000: [decoded]}, host_features()).lines) + "\n"


MADE: dict[str, Callable[[Dumped], str]] = {
    "cfg": lambda dumped: dumped("cfg.txt"),
    "lifted": lambda dumped: _between(dumped("ir.ll"), r"define .*@f0\(", "^}", inclusive=True),
    "optimized": lambda dumped: _between(dumped("opt.ll"), "fadd double", r"%v10\.pn\.i =", inclusive=True),
    "assembly": lambda dumped: _between(dumped("asm.s"), ": fadd ", "# armexec"),
    "exit": lambda dumped: _between(dumped("asm.s"), r"\.LBB2_7:", r"\.LBB2_10:"),
    "observed": lambda dumped: _observed(),
}

IN_ANY_ORDER = {"exit"}
"""Independent instructions, which LLVM orders by the processor."""


# -- tests -------------------------------------------------------------------------------------------------------------


def test_every_block_has_its_test() -> None:
    assert _blocks().keys() == MADE.keys() | {"description", "meaning"}


@needs_processes
def test_the_description_is_that_of_the_reference() -> None:
    assert _blocks()["description"][1] == _description()
    # Ruff formats the page, and puts two empty lines between functions.
    assert _blocks()["meaning"][1].replace("\n\n\n", "\n\n") == _meaning()


@pytest.mark.skipif("translated" not in AVAILABLE, reason="nothing can be translated here")
@pytest.mark.parametrize("name", MADE)
def test_blocks_are_what_the_code_makes(name: str, dumped: Dumped) -> None:
    from armexec.translate.codegen.llvm import host_features, llvm

    host, text = _blocks()[name]
    if host and platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("the block is for x86-64 hosts")
    if host and (llvm().llvm_version_info[0] != LLVM or not host_features().has("avx2")):
        pytest.skip(f"the block is for LLVM {LLVM} on a processor with AVX2")
    made = MADE[name](dumped)
    if name in IN_ANY_ORDER:
        assert sorted(text.splitlines()) == sorted(made.splitlines())
    else:
        assert text == made


@pytest.mark.skipif("translated" not in AVAILABLE, reason="nothing can be translated here")
def test_examples_run() -> None:
    found = _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    text = "\n".join(text for language, _, _, text in found if language == "pycon")
    examples = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(examples.examples) > 20
    output: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(examples, out=output.append)
    assert "".join(output) == ""


@pytest.mark.parametrize("engine", AVAILABLE)
def test_the_result_is_the_same_on_every_engine(engine: str) -> None:
    assert armexec.function(WORDS, "double(double, double)", engine=engine)(1.5, 2.25) == 3.75
