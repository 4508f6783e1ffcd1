"""What an error in a macro shows, what ends an expansion that would go on, and files that are included."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from armexec import AssemblyError
from armexec.asm import assemble

INNER = """\
.macro inner register
    add x0, x1, \\register
.endm
.macro outer register
    nop
    inner \\register
.endm
nop
.rept 2
    outer q9
.endr
"""


def refused(text: str, **named: str) -> AssemblyError:
    with pytest.raises(AssemblyError) as caught:
        assemble(text, file="t.s", **named)  # type: ignore[arg-type]
    return caught.value


def test_an_error_in_a_macro_shows_the_line_that_it_became_and_where_that_comes_from() -> None:
    error = refused(INNER)
    assert (error.file, error.line, error.column) == ("t.s", 2, 17)
    assert error.source_line == "    add x0, x1, q9"
    assert error.expansions == (
        "t.s:6: in expansion of macro 'inner': inner q9",
        "t.s:10: in expansion of macro 'outer': outer q9",
        "t.s:9: in expansion of .rept: .rept 2",
    )
    lines = str(error).splitlines()
    assert lines[0].startswith("t.s:2:17: expected")
    assert lines[1:3] == ["        add x0, x1, q9", " " * 20 + "^"]
    assert tuple(lines[-3:]) == error.expansions


@pytest.mark.parametrize(
    "text",
    [
        ".macro m\n b .Lfar\n.endm\n m\n",
        ".macro m\n .byte label\nlabel:\n.endm\nm\n",
        ".macro m\n .byte 1\n nop\n.endm\nm\n",
        ".macro m\n tbz x0, #1, 2f\n.endm\nm\n.space 40000\n2:\n",
        '.macro m\n .error "no"\n.endm\nm\n',
        ".macro m\n .if\n.endm\nm\n",
        ".macro m\n .include 5\n.endm\nm\n",
        ".macro m\n bogus:bogus\n.endm\nm\n",
        ".irp x, 1\n m \\x\n.endr\n",
    ],
)
def test_every_error_in_an_expansion_shows_it(text: str) -> None:
    assert refused(text).expansions


def test_of_many_expansions_the_first_and_the_last_are_shown() -> None:
    error = refused(".macro m\nm\n.endm\nm")
    assert "deeper than 100 levels" in str(error)
    assert len(error.expansions) == 10
    assert error.expansions[6] == "... 91 more ..."
    assert error.expansions[-1] == "t.s:4: in expansion of macro 'm': m"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".macro m\nm\nm\n.endm\nm", "deeper than 100"),
        (".macro m a\nm \\a\\a\n.endm\nm x", "more than 1048576 characters"),
        (".altmacro\n.macro m a\nm %\\a+1\n.endm\nm 1", "deeper than 100"),
        (".macro a\nb\n.endm\n.macro b\na\n.endm\na", "deeper than 100"),
        (".rept 1 << 40\nnop\n.endr", "more than 4000000 lines"),
        (".rept 3000000\n.endr\n.rept 3000000\n.endr", "more than 4000000 lines"),
        (".rept 2\n" * 200 + ".endr\n" * 200, "deeper than 100"),
        (".rept 100\n.rept 100\n.rept 100\n.rept 100000\n.endr\n.endr\n.endr\n.endr", "more than 4000000 lines"),
        (".macro m a\n.macro n\\a\nm \\a\\a\n.endm\nn\\a\n.endm\nm 1", "more than 1048576 characters"),
        (".set n, 1\n.macro m\n.set n, n * n + 2\n.if n\nm\n.endif\n.endm\nm", "deeper than 100"),
    ],
)
def test_what_would_not_end_is_refused(text: str, message: str) -> None:
    assert message in str(refused(text))


def test_numbers_of_expansions() -> None:
    assert assemble(".macro m\n.byte \\@\n.endm\nm\nm\n.macro n\n.byte \\@\nm\n.endm\nn\nm").bytes == bytes(range(5))


def test_messages_of_the_source_are_kept() -> None:
    code = assemble('.macro m\n.warning "careful"\n.endm\nm\n.print "hello"\nnop\n.warning', file="t.s")
    assert [(d.severity, d.line, d.message) for d in code.diagnostics] == [
        ("warning", 2, "careful"),
        ("note", 5, "hello"),
        ("warning", 7, ".warning stands in the source"),
    ]


def test_line_markers_give_lines_other_numbers_and_files() -> None:
    error = refused('nop\n# 7 "dir/user.S" 1\nnop\n\nadd x0, x1\n')
    assert (error.file, error.line) == ("dir/user.S", 9)
    error = refused('# 1 "a.h" 1\nnop\n# 5 "" 2\n\nbogus\n')
    assert (error.file, error.line) == ("t.s", 6)
    error = refused('#line 3 "x\\"y.S"\nbogus\n')
    assert (error.file, error.line) == ('x"y.S', 3)
    assert assemble("# 7 elephants\nnop").words == [0xD503201F]


@pytest.mark.parametrize(
    "comment", ["# 7", "#7", "#line 7", "#line7", '# line 7 "x.c"', '# 0 "x.c"', '# 7 "x.c" elephants', '# 7 "x']
)
def test_numbers_after_a_hash_that_are_no_line_marker(comment: str) -> None:
    error = refused(comment + "\nbogus")
    assert (error.file, error.line) == ("t.s", 2)


def test_instructions_of_a_macro_have_the_line_of_its_outermost_invocation(tmp_path: Path) -> None:
    (tmp_path / "a.inc").write_text("nop\nouter\n")
    text = f'''\
.macro inner
    nop
.endm
.macro outer
    inner
    .rept 2
    nop
    .endr
.endm
    ret
.rept 2
    nop
    outer
.endr
.include "{tmp_path}/a.inc"
'''
    inside, file = [12, 13, 13, 13], f"{tmp_path}/a.inc"
    (section,) = assemble(text, file="t.s").sections
    expected = [(10, "t.s"), *((line, "t.s") for line in inside * 2), (1, file), *[(2, file)] * 3]
    assert [(line, name) for _, line, name in section.lines] == expected


# -- files -----------------------------------------------------------------------------------------------------------
def test_included_files_are_looked_for_beside_the_file_and_in_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("source", "more", "here"):
        (tmp_path / folder).mkdir()
    (tmp_path / "source" / "beside.inc").write_text('.byte 1\n.include "deeper.inc"\n')
    (tmp_path / "more" / "deeper.inc").write_text(".byte 2")
    (tmp_path / "here" / "here.inc").write_text(".byte 3\n")
    (tmp_path / "source" / "here.inc").write_text(".byte 4\n")
    (tmp_path / "source" / "blob.bin").write_bytes(b"ABCDEFGHIJ")
    monkeypatch.chdir(tmp_path / "here")
    text = '.include "beside.inc"\n.include "here.inc"; .byte 5\n.incbin "blob.bin"\n.incbin "blob.bin", 8\n'
    text += '.incbin "blob.bin",2, 3\n.incbin "blob.bin",,1\n.incbin "blob.bin", 99'
    code = assemble(text, file=str(tmp_path / "source" / "x.s"), folders=[str(tmp_path / "more")])
    assert code.bytes == b"\1\2\3\5ABCDEFGHIJIJCDEA"


def test_an_error_in_an_included_file_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.inc").write_text("nop\nbogus\n")
    error = refused(f'nop; .include "{tmp_path}/a.inc"')
    assert (error.file, error.line) == (f"{tmp_path}/a.inc", 2)
    assert error.expansions == (f't.s:1: included here: nop; .include "{tmp_path}/a.inc"',)


def test_a_file_that_includes_itself(tmp_path: Path) -> None:
    file = tmp_path / "self.inc"
    file.write_text(f'.include "{file}"\n')
    assert "more than 50 levels deep" in str(refused(f'.include "{file}"'))
    file.write_text(f'.ifndef done\n.set done, 1\n.include "{file}"\n.byte 1\n.endif\n')
    assert assemble(f'.include "{file}"').bytes == b"\1"


@pytest.mark.parametrize("directive", [".include", ".incbin"])
def test_only_regular_files_of_a_sane_size_are_read(tmp_path: Path, directive: str) -> None:
    fifo, large, text = tmp_path / "fifo", tmp_path / "large", tmp_path / "text"
    os.mkfifo(fifo)
    with large.open("wb") as file:
        file.truncate(1 << 40)
    text.write_bytes(b"\xff\n")
    for path, message in ((fifo, "not a regular file"), (tmp_path, "a directory"), (large, "1099511627776 bytes")):
        assert message in str(refused(f'nop\n{directive} "{path}"'))
    assert "No such file" in str(refused(f'{directive} "{tmp_path}/none"'))
    assert "not UTF-8 text (byte 0 is 0xff)" in str(refused(f'.include "{text}"'))
    if os.getuid():
        text.chmod(0)
        assert "ermission" in str(refused(f'{directive} "{text}"'))


def test_a_part_of_a_large_file(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(1 << 40)
    assert assemble(f'.incbin "{large}", (1 << 40) - 8').bytes == bytes(8)
    assert assemble(f'.incbin "{large}", 16, 4').bytes == bytes(4)
    assert "has only 1099511627776 bytes" in str(refused(f'.incbin "{large}", (1 << 40) - 8, 9'))


# -- characters that aren't assembly ---------------------------------------------------------------------------------
def test_what_editors_leave_in_files() -> None:
    nop = b"\x1f\x20\x03\xd5"
    assert assemble("\ufeffnop").bytes == nop
    assert assemble("\ufeff// comment\r\n  nop\r\n").bytes == nop
    assert assemble("nop\rnop\r\nnop\n\nnop").bytes == nop * 4
    assert assemble("\fa:\fnop\f\n\v\n\t \fnop // x\f").bytes == nop * 2
    assert assemble("nop // no newline at the end").bytes == nop


def test_a_byte_order_mark_in_an_included_file(tmp_path: Path) -> None:
    (tmp_path / "a.inc").write_text("\ufeff.byte 1\r\n", encoding="utf-8")
    assert assemble(f'.include "{tmp_path}/a.inc"').bytes == b"\1"


@pytest.mark.parametrize(("character", "message"), [("\0", "a null character"), ("\ud800", "half of a character")])
def test_characters_that_can_not_be_in_a_text(character: str, message: str) -> None:
    comment = [f"nop\n// {character}"] if character != "\0" else []
    for text in (f"nop\n  a{character}b", *comment, f'nop\n.ascii "{character}"', f'nop\nnop; .ascii "{character}"'):
        error = refused(text)
        assert message in str(error)
        assert error.line == 2
        assert error.column == text.index(character) - text.index("\n")


def test_clang_prints_zero_bytes_in_comments() -> None:
    assert assemble(".byte 0 // \0\n/* \0\n\0 */ .byte 1\n").bytes == b"\0\1"
    apple = assemble(".build_version macos, 13, 0\nret ; \0\n nop\n")
    assert apple.words == [0xD65F03C0, 0xD503201F]


def test_the_end_of_the_source() -> None:
    assert assemble("nop\n.end\nthis is no assembly").bytes == b"\x1f\x20\x03\xd5"
    assert assemble("nop\n.macro m\nnop\n.end\n.endm\nm\nnop").bytes == b"\x1f\x20\x03\xd5" * 2
