"""Assembly that goes through the preprocessor, and files that it includes, on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from .program import armexec

HEADER = """\
#define ENTRY(name) .globl name; \\
  name:
.macro wrong
  add x0, x1
.endm
"""
SOURCE = """\
#include "entry.h"
#ifdef __APPLE__
#define SEPARATE %%
#else
#define SEPARATE ;
#endif
ENTRY(twice)
    add x0, x0, x0 SEPARATE nop
    // COUNT nops
.rept COUNT
    nop
.endr
    ret
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "entry.h").write_text(HEADER)
    (tmp_path / "twice.S").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_preprocessed_assembly(folder: Path) -> None:
    done = armexec("asm", "twice.S", "--flag=-DCOUNT=2", "-f", "words")
    assert done.out.split() == ["0x8B000000", *["0xD503201F"] * 3, "0xD65F03C0"]
    assert "twice:" in armexec("asm", "twice.S", "--flag=-DCOUNT=2").out
    assert armexec("run", "twice.S", "21", "--flag=-DCOUNT=1").out == "42\n"


def test_errors_name_the_user_s_files(folder: Path) -> None:
    (folder / "bad.S").write_text('#include "entry.h"\n\n/* two\n   lines */\nbogus x0\n')
    done = armexec("asm", "bad.S")
    assert done.status == 1
    assert done.err.startswith("armexec: bad.S:5:1: unknown mnemonic 'bogus'\n    bogus x0\n")
    (folder / "macro.S").write_text('#include "entry.h"\nnop\nwrong\n')
    done = armexec("asm", "macro.S")
    assert "entry.h:4:13: expected ','" in done.err
    assert done.err.endswith("macro.S:3: in expansion of macro 'wrong': wrong\n")
    (folder / "none.S").write_text('#include "none.h"\n')
    done = armexec("asm", "none.S")
    assert (done.status, "none.S:1:10: fatal error: 'none.h' file not found" in done.err) == (1, True)


def test_folders_of_included_files(folder: Path) -> None:
    (folder / "inc").mkdir()
    (folder / "inc" / "m.inc").write_text(".macro m\nmov x0, #7\nret\n.endm\n")
    (folder / "x.s").write_text('.include "m.inc"\nm\n')
    assert armexec("asm", "x.s").status == 1
    assert armexec("asm", "x.s", "-I", "inc", "-f", "words").out.split() == ["0xD28000E0", "0xD65F03C0"]
    assert armexec("run", "x.s", "--flag=-Iinc").out == "7\n"
    (folder / "dev.s").write_text('.include "/dev/zero"\n')
    assert "'/dev/zero' is not a regular file" in armexec("asm", "dev.s").err


def test_the_target_s_dialect(folder: Path) -> None:
    source = "_main: mov w0, #3 ; ret\nret"
    assert armexec("asm", "-f", "words", stdin=source).out.split() == ["0x52800060", "0xD65F03C0", "0xD65F03C0"]
    apple = armexec("asm", "-f", "words", "--target", "apple", stdin=source)
    assert apple.out.split() == ["0x52800060", "0xD65F03C0"]
    (folder / "main.s").write_text(".globl _main\n" + source)
    assert armexec("run", "main.s", "--function", "main").out == "3\n"
    (folder / "main.s").write_text(source)
    assert armexec("run", "main.s", "--function", "main", "--target", "apple").out == "3\n"
    words = armexec("asm", "twice.S", "--target", "apple", "--flag=-DCOUNT=0", "-f", "words").out.split()
    assert words == ["0x8B000000", "0xD503201F", "0xD65F03C0"]


def test_messages_of_the_source(folder: Path) -> None:
    done = armexec("asm", "-f", "words", stdin='.warning "careful"\n.print "hello"\nret')
    assert done.out == "0xD65F03C0\n"
    assert done.err == "<stdin>:1:1: warning: careful\n<stdin>:2:1: note: hello\n"


def test_a_byte_order_mark(folder: Path) -> None:
    (folder / "bom.s").write_text("\ufeffmov x0, #3\r\nret\r\n", encoding="utf-8")
    (folder / "bom.hex").write_text("\ufeffd2800060\nd65f03c0", encoding="utf-8")
    (folder / "bom.c").write_text("\ufeffint f(void) { return 3; }", encoding="utf-8")
    (folder / "bom.S").write_text("\ufeff#define N 3\n.globl f\nf: mov x0, #N\nret", encoding="utf-8")
    for name in ("bom.s", "bom.hex", "bom.c", "bom.S"):
        assert armexec("run", name).out == "3\n", name
    assert armexec("asm", "bom.S", "-f", "words").out.split() == ["0xD2800060", "0xD65F03C0"]
