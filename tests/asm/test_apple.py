"""Apple's dialect, when it is asked for and when something in the text belongs to it."""

from __future__ import annotations

import pytest

from armexec import AssemblyError
from armexec.asm import assemble

from .judges import by_apple_clang
from .snippets import APPLE


@pytest.fixture(scope="module")
def clang() -> dict[str, bytes]:
    return by_apple_clang(APPLE)


@pytest.mark.parametrize("name", APPLE)
def test_as_clang(name: str, clang: dict[str, bytes]) -> None:
    assert assemble(APPLE[name], target="apple").bytes.hex() == clang[name].hex()


RETURNS = [0xD2800060, 0xD65F03C0]


@pytest.mark.parametrize(
    "line",
    [
        ".globl _main",
        ".global _main",
        ".private_extern _x",
        ".zerofill __DATA,__bss,_d,8,3",
        ".build_version macos, 11, 0",
        ".subsections_via_symbols",
        ".section __TEXT,__text",
        "adrp x0, _x@page\n_x:",
    ],
)
def test_what_belongs_to_apple_makes_the_text_apple_s(line: str) -> None:
    code = assemble(f"_main: mov x0, #3 ; the result\nret\n{line}\n")
    assert code.apple
    assert code.words[:2] == RETURNS


@pytest.mark.parametrize("line", ["", ".globl main", ".globl _start", ".globl _main\n.type _main, %function"])
def test_all_other_text_is_gnu_s(line: str) -> None:
    code = assemble(f"_main: mov x0, #3 ; ret\n{line}\n")
    assert not code.apple
    assert code.words == RETURNS


def test_the_dialect_that_is_asked_for() -> None:
    assert assemble("mov x0, #3 ; ret", target="linux").words == RETURNS
    assert assemble("mov x0, #3 ; ret", target="bare").words == RETURNS
    assert assemble("mov x0, #3 ; ret", target="host").words == RETURNS
    assert assemble("mov x0, #3 ; ret", target="apple").words == RETURNS[:1]
    assert assemble("mov x0, #3 %% ret", target="apple").words == RETURNS
    with pytest.raises(AssemblyError, match="separates statements"):
        assemble(".globl _main\nmov x0, #3 ; comment", target="linux")
    with pytest.raises(AssemblyError, match="unknown target 'windows'"):
        assemble("nop", target="windows")


@pytest.mark.parametrize("text", [".constructor", ".CONSTRUCTOR", ".const\n.long 1", ".section __DATA,__x\n.long 1"])
def test_sections_of_apple_need_its_dialect(text: str) -> None:
    assert assemble(text, target="apple").object()
    with pytest.raises(AssemblyError, match='assemble with target="apple"'):
        assemble(text, target="linux").object()
