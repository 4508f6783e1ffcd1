"""Functions of hand-written code: labels without a type."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

import armexec
from armexec.objects import load_image
from engines import AVAILABLE

from ..helpers import GCC, compiled

# What people write who never heard of `.type`.
TEXT = """
        .data
        .global numbers
numbers: .quad 3, 4
        .text
helper: add x0, x0, #1
        ret
        .global factorial
factorial:
        mov x1, #1
        cbz x0, done
loop:   mul x1, x1, x0
        subs x0, x0, #1
        b.ne loop
done:   mov x0, x1
        ret
        .weak twice
twice:  str x30, [sp, #-16]!
        bl helper
        ldr x30, [sp], #16
        add x0, x0, x0
        ret
        .global table
table:  .word 1, 2, 3
        .global end
end:
"""


@cache
def gas(text: str, folder: Path) -> bytes:
    """What GNU as makes of the text."""
    if GCC is None:
        pytest.skip("GNU as is not installed")
    subprocess.run([GCC, "-xassembler", "-c", "-", "-o", folder / "out.o"], input=text.encode(), check=True)
    return (folder / "out.o").read_bytes()


def objects(text: str, folder: Path) -> list[bytes]:
    return [compiled(text, language="assembler"), gas(text, folder)]


def test_global_labels_of_code_are_functions(tmp_path: Path) -> None:
    for data in objects(TEXT, tmp_path):
        image = load_image(data)
        assert [(f.name, f.offset) for f in image.functions] == [("factorial", 8), ("twice", 36)]
        assert image.marks[:2] == [(0, True), (56, False)]


def test_they_end_where_the_next_function_begins(tmp_path: Path) -> None:
    for data in objects(TEXT, tmp_path):
        module = armexec.load(data)
        assert (module.factorial.size, module["loop"].size, module["twice"].size) == (28, 20, 32)
        assert module.factorial.assembly.splitlines()[0] == "mov x1, #1"


@pytest.mark.parametrize("engine", AVAILABLE)
def test_every_label_can_be_called(engine: str) -> None:
    module = armexec.load(compiled(TEXT, language="assembler"), engine=engine)
    call = {name: module[name].with_signature("long(long)") for name in ("factorial", "twice", "helper", "done")}
    assert call["factorial"](5) == 120
    assert call["twice"](4) == 10
    assert call["helper"](4) == 5
    assert module["loop"].with_signature("long(long, long)")(3, 7) == 42


@pytest.mark.parametrize("name", ["table", "numbers"])
def test_data_is_no_function(name: str) -> None:
    module = armexec.load(compiled(TEXT, language="assembler"))
    with pytest.raises(armexec.LoadError, match=f"{name}' is no function, but data"):
        module[name]


def test_without_a_global_label_the_first_is_the_function(tmp_path: Path) -> None:
    text = 'f: mov x0, #3\nl: ret\n.section .text.g, "ax"\ng: mov x0, #4\nret\n'
    for data in objects(text, tmp_path):
        assert [f.name for f in load_image(data).functions] == ["f", "g"]


def test_names_that_look_like_mapping_symbols(tmp_path: Path) -> None:
    for data in objects(".global $xyz\n$xyz: mov x0, #3\nret\n$d2: mov x0, #4\nret\n", tmp_path):
        module = armexec.load(data)
        assert [f.name for f in module] == ["$xyz"]
        assert module["$d2"].with_signature("int(void)")() == 4


def test_assembled_text_has_the_same_functions(tmp_path: Path) -> None:
    text = ".global a\n.type a, %function\na: mov x0, #1\nret\n.global b\nb: mov x0, #2\nc: ret\n"
    for data in objects(text, tmp_path):
        assert [f.name for f in load_image(data).functions] == ["a", "b"]
    assert [f.name for f in armexec.function(text, "int(void)").module] == ["a", "b"]
    assert armexec.function(text, "int(void)", name="b")() == 2
    assert armexec.function(text, "int(int)", name="c")(9) == 9


def test_code_outside_of_text() -> None:
    text = '.section .text.fn, "ax"\n.global fn\nfn: add w0, w0, #1\nret\n'
    assert armexec.function(text, "int fn(int)")(3) == 4
    assert armexec.load(compiled(text, language="assembler"))["fn"].with_signature("int(int)")(3) == 4


def test_a_fault_names_the_label() -> None:
    module = armexec.load(compiled(".global f\nf: mov x1, #0\nldr x0, [x1]\nret\n", language="assembler"))
    with pytest.raises(armexec.MemoryFault) as caught:
        module.f.with_signature("long(void)")()
    assert caught.value.symbol == "f+0x4"


def test_code_of_another_section_is_not_the_function_before_it() -> None:
    text = """
        .global start
        start: ret
        .section .text.helper, "ax"
        helper: mov x1, #0
        bl nothing
    """
    module = armexec.load(compiled(text, language="assembler"))
    helper = module["helper"].with_signature("void(void)")
    assert helper.disassembly.startswith("helper:\n")
    with pytest.raises(armexec.UndefinedSymbol, match="nothing is called by helper"):
        helper()
