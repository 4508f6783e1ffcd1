"""The sections that are linked into an image, and those that aren't."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import armexec
from armexec.compiler_rt import complete
from armexec.errors import MemoryFault
from armexec.objects import load_image
from armexec.toolchain import compile_object

from .helpers import FLAGS, TARGETS, module

COPY = "struct S { char text[5000]; }; void f(struct S *a, struct S *b) { *a = *b; }"


@pytest.mark.parametrize("target", TARGETS)
def test_only_what_is_needed(target: str) -> None:
    image = load_image(compile_object(COPY, language="c", opt="-O0", target=target, flags=FLAGS).data, "copy.o")
    assert image.undefined() == ["memcpy"]
    completed = complete(image)
    assert completed.undefined() == []
    assert [part.name for part in completed.parts] == ["copy.o", "copy.s"]
    assert completed.name == "copy.o"
    assert [f.name for f in completed.functions] == ["f"]
    assert str(completed.prototype(completed.functions[0])) == "void f(struct S *a, struct S *b)"
    assert complete(completed) is completed


def test_an_object_that_lacks_nothing_stays_as_it_is() -> None:
    image = load_image(compile_object("int f(int x) { return x; }", language="c").data)
    assert complete(image) is image


def test_the_objects_own_definition_is_taken() -> None:
    source = """
    typedef __SIZE_TYPE__ size_t;
    int calls;
    void *memcpy(void *to, const void *from, size_t n) { calls++; return to; }
    struct S { char text[5000]; } a, b;
    int f(void) { a = b; return calls; }
    """
    assert module(source, "translated", opt="-O0").f() == 1


def test_what_the_runtime_lacks_is_still_undefined() -> None:
    source = "int missing(int); " + COPY + " int g(int x) { return missing(x); }"
    assert armexec.compile(source, language="c").image.undefined() == ["missing"]


def test_a_listing_names_the_callee() -> None:
    assert "b memcpy" in module(COPY, "reference").f.disassembly


@pytest.mark.parametrize("engine", ["reference", "translated"])
def test_a_fault_names_the_runtimes_function(engine: str) -> None:
    with pytest.raises(MemoryFault, match="memcpy"):
        module(COPY, engine).f(16, 32)


def test_nothing_is_assembled_to_load(tmp_path: Path) -> None:
    path = tmp_path / "copy.o"
    path.write_bytes(compile_object(COPY, language="c", flags=FLAGS).data)
    script = (
        "import sys; from armexec.objects import load_file; from armexec.compiler_rt import complete;"
        f" print(complete(load_file({str(path)!r})).undefined(), 'armexec.asm' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "False"]
