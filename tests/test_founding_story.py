"""The story the project was founded on, step by step, on every engine and for every target."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import armexec
from cli.program import armexec as program
from engines import AVAILABLE
from rules import broken

EXAMPLES = Path(__file__).parents[1] / "examples"
SOURCE = "int fn(int num) { return num; }"
ASSEMBLY = ["sub sp, sp, #16", "str w0, [sp, #12]", "ldr w0, [sp, #12]", "add sp, sp, #16", "ret"]
WORDS = [0xD10043FF, 0xB9000FE0, 0xB9400FE0, 0x910043FF, 0xD65F03C0]
INTS = [3, 0, -1, 2**31 - 1, -(2**31)]


@pytest.mark.parametrize("target", ["host", "linux", "apple", "bare"])
@pytest.mark.parametrize("language", ["c", "c++"])
@pytest.mark.parametrize("engine", AVAILABLE)
def test_source_becomes_five_instructions_that_return_their_argument(engine: str, language: str, target: str) -> None:
    with armexec.compile(SOURCE, language=language, target=target, engine=engine) as module:
        fn = module.fn
        assert fn.assembly.splitlines() == ASSEMBLY
        assert fn.words == WORDS
        assert [i.text for i in armexec.disassemble(fn.words)] == ASSEMBLY
        assert fn.signature == "int fn(int num)"
        assert fn.engine == engine
        assert [fn(value) for value in INTS] == INTS


@pytest.mark.parametrize("engine", AVAILABLE)
def test_assembly_and_words_are_the_same_function(engine: str) -> None:
    text = "\n".join(ASSEMBLY)
    code = armexec.assemble(text)
    assert code.words == WORDS
    for form in (text, code, WORDS, code.bytes, " ".join(f"0x{word:08X}" for word in WORDS)):
        fn = armexec.function(form, "int(int)", engine=engine)
        assert fn.words == WORDS
        assert [fn(value) for value in INTS] == INTS


@pytest.mark.usefixtures("others_pages")
@pytest.mark.parametrize("engine", AVAILABLE)
def test_no_page_is_ever_writable_and_executable(engine: str) -> None:
    from armexec.memory import Protection

    with armexec.compile(SOURCE, engine=engine) as module:
        assert module.fn(3) == 3
        assert broken() == []
        for step in module.memory_steps:
            assert step.protection is None or not step.protection.writable_and_executable
        # The words are written before the pages stop being writable, and never after.
        calls = [step.call for step in module.memory_steps]
        assert calls.index("memcpy") < calls.index("mprotect")
        last = next(s for s in module.memory_steps if s.call == "mprotect" and s.address == module.fn.address)
        assert last.protection is not None
        assert Protection.WRITE not in last.protection
        assert (Protection.EXECUTE in last.protection) == (engine == "native")


@pytest.mark.parametrize("name", ["fn.c", "fn.cpp", "fn.s", "fn.hex"])
@pytest.mark.parametrize("engine", AVAILABLE)
def test_the_examples_print_3(engine: str, name: str) -> None:
    done = program("run", str(EXAMPLES / name), "3", "--engine", engine)
    assert (done.status, done.out) == (0, "3\n"), done.err


def test_the_examples_hold_the_founding_words() -> None:
    result = json.loads(program("run", str(EXAMPLES / "fn.cpp"), "3", "--json").out)
    assert (result["result"], result["signature"]) == (3, "int fn(int num)")
    assert armexec.assemble((EXAMPLES / "fn.s").read_text()).words == WORDS
