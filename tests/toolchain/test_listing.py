"""Assembly interleaved with its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from armexec.toolchain import compile_assembly, compile_object
from armexec.toolchain.listing import interleave

SOURCE = "int twice(int x)\n{\n    int y = x + x;\n    return y;\n}\n"


def code(text: str) -> list[str]:
    """The instructions and source lines of a listing, bare."""
    lines = [line.partition(" //")[0].partition(" ;")[0].strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith((".", ";", "// %")) and line[-1] != ":"]


@pytest.mark.parametrize("target", ["linux", "apple", "bare"])
def test_each_line_stands_before_its_instructions(target: str) -> None:
    listing = interleave(compile_assembly(SOURCE, language="c", target=target), SOURCE)
    expected = [
        "// <source>:2: {",
        "sub\tsp, sp, #16",
        "str\tw0, [sp, #12]",
        "// <source>:3: int y = x + x;",
        "ldr\tw8, [sp, #12]",
        "ldr\tw9, [sp, #12]",
        "add\tw8, w8, w9",
        "str\tw8, [sp, #8]",
        "// <source>:4: return y;",
        "ldr\tw0, [sp, #8]",
        "add\tsp, sp, #16",
        "ret",
    ]
    lines = [line.replace(" ", "").replace("\t", "") for line in code(listing)]
    # Which line opens the function is the compiler's choice: the declaration's or the brace's.
    assert lines[0] in ("//<source>:1:inttwice(intx)", "//<source>:2:{")
    assert lines[1:] == [line.replace(" ", "").replace("\t", "") for line in expected[1:]]


@pytest.mark.parametrize("target", ["linux", "apple"])
def test_a_listing_assembles_to_the_same_text_section(target: str) -> None:
    source = 'extern int puts(const char *);\nint n = 3;\nint f(int x) { puts("hi"); return x * n; }\n'
    listing = interleave(compile_assembly(source, language="c", target=target), source)
    assert "cfi" not in listing
    assert "debug" not in listing.lower()
    again = compile_object(listing, language="assembler", target=target, debug=False).data
    direct = compile_object(source, language="c", target=target, debug=False).data
    assert text_section(again) == text_section(direct)


def text_section(data: bytes) -> bytes:
    """From the first function's `stp` or `sub sp` to its `ret`."""
    end = data.index(bytes.fromhex("c0035fd6")) + 4
    return data[data.index(bytes.fromhex("ff8300d1")) : end]


def test_notes_for_debuggers_are_left_out() -> None:
    source = "int f(unsigned long x) { return __builtin_ctzll(x); }"
    assembly = compile_assembly(source, language="c", opt="-O2", target="linux")
    assert "DEBUG_VALUE" in assembly
    listing = interleave(assembly, source)
    assert "DEBUG_VALUE" not in listing
    assert code(listing)[1:] == ["rbit\tx8, x0", "clz\tx0, x8", "ret"]


def test_headers_are_read_from_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "part.h").write_text("static inline int part(int x) { return x - 7; }\n")
    path = tmp_path / "whole.c"
    source = '#include "part.h"\nint whole(int x) { return part(x); }\n'
    path.write_text(source)
    assembly = compile_assembly(source, language="c", filename=str(path))
    assert "return x - 7;" in interleave(assembly, source, filename=str(path))
    (tmp_path / "part.h").unlink()
    without = interleave(assembly, source, filename=str(path))
    assert f"// {tmp_path}/part.h:1:" in without
    assert "x - 7" not in without
    given = interleave(assembly, source, filename=str(path), files={f"{tmp_path}/part.h": "what was there\n"})
    assert "part.h:1: what was there" in given
