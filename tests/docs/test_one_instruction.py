"""docs/one-instruction.md: its examples run, and its other blocks are what the code makes.

`python tests/docs/one_instruction.py` writes the blocks anew.
"""

from __future__ import annotations

import doctest
import platform
import re

import pytest

import armexec
from engines import AVAILABLE, needs_processes

from .one_instruction import BLOCK, IN_ANY_ORDER, LLVM, MADE, PAGE, REFERENCE, WORDS, Dumped, blocks, dump


@pytest.fixture(scope="module")
def dumped(tmp_path_factory: pytest.TempPathFactory) -> Dumped:
    folder = tmp_path_factory.mktemp("dump")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARMEXEC_DUMP", "all")
        patch.setenv("ARMEXEC_DUMP_DIR", str(folder))
        patch.delenv("ARMEXEC_DISABLE", raising=False)
        return dump(folder)


def test_every_block_has_its_test() -> None:
    assert blocks().keys() == MADE.keys() | REFERENCE.keys()


@needs_processes
def test_the_description_is_that_of_the_reference() -> None:
    for name, make in REFERENCE.items():
        # Ruff formats the page, and puts two empty lines between functions.
        assert blocks()[name][1].replace("\n\n\n", "\n\n") == make()


@pytest.mark.skipif("translated" not in AVAILABLE, reason="nothing can be translated here")
@pytest.mark.parametrize("name", MADE)
def test_blocks_are_what_the_code_makes(name: str, dumped: Dumped) -> None:
    from armexec.translate.codegen.llvm import host_features, llvm

    host, text = blocks()[name]
    if host and platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("the block is for x86-64 hosts")
    if host and (llvm().llvm_version_info[0] != LLVM or not host_features().has("avx2")):
        pytest.skip(f"the block is for LLVM {LLVM} on a processor with AVX2")
    made = MADE[name](dumped)
    if host:
        # Which registers LLVM takes depends on the processor.
        text, made = (re.sub(r"%([xyz]mm|r)\d+", r"%\1", code) for code in (text, made))
    if name in IN_ANY_ORDER:
        assert sorted(text.splitlines()) == sorted(made.splitlines())
    else:
        assert text == made


@pytest.mark.skipif("translated" not in AVAILABLE, reason="nothing can be translated here")
def test_examples_run() -> None:
    found = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
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
