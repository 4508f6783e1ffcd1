"""armexec show: every step with what really happened."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.program import armexec
from engines import AVAILABLE

EXAMPLES = Path(__file__).parents[2] / "examples"
STORY = [
    ("sub sp, sp, #16", "0xD10043FF"),
    ("str w0, [sp, #12]", "0xB9000FE0"),
    ("ldr w0, [sp, #12]", "0xB9400FE0"),
    ("add sp, sp, #16", "0x910043FF"),
    ("ret", "0xD65F03C0"),
]


@pytest.mark.parametrize("name", ["fn.cpp", "fn.c", "fn.s", "fn.hex"])
@pytest.mark.parametrize("engine", AVAILABLE)
def test_the_story_is_told_with_real_data(engine: str, name: str) -> None:
    done = armexec("show", str(EXAMPLES / name), "3", "--engine", engine, "--signature", "int fn(int num)")
    assert (done.status, done.err) == (0, "")
    chapters = re.split(r"(?m)^\d\. ", done.out)[1:]
    assert [c.split("  ")[0] for c in chapters] == ["Source", "Assembly and words", "Memory", "Call", "Result"]
    source, assembly, memory, call, result = chapters
    assert (EXAMPLES / name).read_text().splitlines()[0] in source
    lines = [re.split(r"  +", line.strip()) for line in assembly.splitlines()[1:] if line.strip()]
    # Assembly has its labels and comments too.
    assert [tuple(line[1:]) for line in lines if len(line) == 3] == STORY
    assert re.search(r"mmap +0x[0-9a-f]+ +\d+ bytes +rw-", memory)
    assert re.search(r"memcpy +0x[0-9a-f]+ +20 bytes +rw-", memory)
    protection = "r-x" if engine == "native" else "r--"
    assert re.search(rf"mprotect +(0x[0-9a-f]+) +\d+ bytes +{protection}", memory)
    assert "wx" not in memory
    address = re.search(r"fn\(3\) at (0x[0-9a-f]+)", call)
    assert address is not None
    assert address[1] in memory
    assert result.splitlines()[1].strip() == "3"
    if engine == "translated":
        assert re.search(r"host.s own code is at\n +0x[0-9a-f]+ +r-x", memory)


def test_one_function_of_several_is_shown() -> None:
    text = "int a(int x) { return x ? x : 7; } int b(int x) { return a(x) + 1; }"
    done = armexec("show", "-", "--language", "c", "--function", "b", "0", "--engine", "reference", stdin=text)
    assert (done.status, done.err) == (0, "")
    assert "bl a" in done.out
    assert done.out.rstrip().endswith("8")
    branches = armexec("show", "-", "--language", "c", "--function", "a", "0", "--engine", "reference", stdin=text)
    assert "cbz" in branches.out or "cbnz" in branches.out or "b.eq" in branches.out or "tbz" in branches.out


def test_assembly_keeps_its_labels_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "fact.s"
    path.write_text(
        "// not of the function\n\n  .global fact\n// n in w0\nfact:   cmp w0, #1   // the end?\n  b.le 1f\n"
        "  stp x29, x30, [sp, #-32]!\n  str w0, [sp, #16]\n  sub w0, w0, #1\n  bl fact\n  ldr w1, [sp, #16]\n"
        "  mul w0, w0, w1\n  ldp x29, x30, [sp], #32\n  ret\n /* small */\n1: mov w0, #1; nop\n  ret\n"
    )
    done = armexec("show", str(path), "5", "--signature", "int(int)")
    assert done.status == 0
    chapter = done.out.partition("2. ")[2].partition("\n\n")[0].splitlines()[1:]
    assert [line.strip() for line in chapter[:4]] == [
        "// n in w0",
        "fact:",
        "0  cmp w0, #1                 0x7100041F  // the end?",
        "4  b.le 1f                    0x5400012D",
    ]
    assert [line.split()[0] for line in chapter[-5:]] == ["/*", "1:", "28", "2c", "30"]
    assert chapter[-2].split() == ["2c", "nop", "0xD503201F"]
