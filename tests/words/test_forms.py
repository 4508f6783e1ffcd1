"""The forms in which people have machine code, each read as what it is."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import armexec
from armexec.words import are_words, parse_words
from cli.program import armexec as command

EXAMPLES = Path(__file__).parents[2] / "examples"
WORDS = [0xD10043FF, 0xB9000FE0, 0xB9400FE0, 0x910043FF, 0xD65F03C0]
BYTES = struct.pack("<5I", *WORDS)

# As the tools print it.
FORMS = {
    "words": "0xD10043FF 0xB9000FE0 0xB9400FE0 0x910043FF 0xD65F03C0",
    "words without 0x": "d10043ff b9000fe0 b9400fe0 910043ff d65f03c0",
    "words of windows": "0xd10043ff,\r\n0xb9000fe0,\r\n0xb9400fe0,\r\n0x910043ff,\r\n0xd65f03c0\r\n",
    "byte order mark": "\ufeff0xD10043FF 0xB9000FE0 0xB9400FE0 0x910043FF 0xD65F03C0",
    "prefixed bytes": ",".join(f"{byte:#x}" for byte in BYTES),
    "bytes": BYTES.hex(" "),
    "hex string": BYTES.hex(),
    "xxd -p": f"{BYTES.hex()[:32]}\n{BYTES.hex()[32:]}\n",
    "groups": BYTES.hex(" ", 2),
    "repr of bytes": repr(BYTES),
    "list of bytes": repr(list(BYTES)),
    "call of bytes": f"code = bytes({list(BYTES)})",
    "fromhex": f'code = bytes.fromhex("{BYTES.hex(" ")}")',
    "list of words": f"code = [{', '.join(hex(word) for word in WORDS)}]",
    "numpy": f"code = np.array({WORDS}, dtype=np.uint32)",
    "c bytes": f"static const unsigned char code[] = {{ {', '.join(f'0x{b:02x}' for b in BYTES)} }};",
    "c bytes, decimal": f"uint8_t code[20] = {{ {', '.join(str(b) for b in BYTES)} }};",
    "c words": f"const uint32_t code[5] = {{\n{', '.join(f'0x{w:x}u' for w in WORDS)}, /* the end */ }};",
    "c words of 64 bits": f"u64 code[] = {{{', '.join(f'0x{w:x}ULL' for w in struct.unpack('<2Q', BYTES[:16]))}}};",
    "c string": 'char code[] = "\\xff\\x43\\x00\\xd1\\xe0\\x0f\\x00\\xb9"\n'
    '"\\xe0\\x0f@\\xb9\\xffC\\x00\\x91\\xc0\\x03_\\xd6";',
    "escapes": "".join(f"\\x{byte:02x}" for byte in BYTES),
    "rust bytes": f"pub const CODE: [u8; 20] = [{', '.join(f'0x{b:02x}u8' for b in BYTES)}];",
    "rust words": f"let code: Vec<u32> = vec![{', '.join(f'0x{w:x}_u32' for w in WORDS)}];",
    "xxd": """\
00000000: ff43 00d1 e00f 00b9 e00f 40b9 ff43 0091  .C........@..C..
00000010: c003 5fd6                                .._.
""",
    "xxd -g4": """\
00000000: ff4300d1 e00f00b9 e00f40b9 ff430091  .C........@..C..
00000010: c0035fd6                             .._.
""",
    "xxd -e": """\
00000000: d10043ff b9000fe0 b9400fe0 910043ff  .C........@..C..
00000010: d65f03c0                             .._.
""",
    "xxd -i": """\
unsigned char fn_bin[] = {
  0xff, 0x43, 0x00, 0xd1, 0xe0, 0x0f, 0x00, 0xb9, 0xe0, 0x0f, 0x40, 0xb9,
  0xff, 0x43, 0x00, 0x91, 0xc0, 0x03, 0x5f, 0xd6
};
unsigned int fn_bin_len = 20;
""",
    "hexdump": """\
0000000 43ff d100 0fe0 b900 0fe0 b940 43ff 9100
0000010 03c0 d65f
0000014
""",
    "hexdump -C": """\
00000000  ff 43 00 d1 e0 0f 00 b9  e0 0f 40 b9 ff 43 00 91  |.C........@..C..|
00000010  c0 03 5f d6                                       |.._.|
00000014
""",
    "od -tx1z": """\
0000000 ff 43 00 d1 e0 0f 00 b9 e0 0f 40 b9 ff 43 00 91  >.C........@..C..<
0000020 c0 03 5f d6                                      >.._.<
0000024
""",
    "od -Ax -tx4": """\
000000 d10043ff b9000fe0 b9400fe0 910043ff
000010 d65f03c0
000014
""",
    "objdump -d": """
fn.o:     file format elf64-littleaarch64


Disassembly of section .text:

0000000000000000 <fn>:
   0:\td10043ff \tsub\tsp, sp, #0x10
   4:\tb9000fe0 \tstr\tw0, [sp, #12]
   8:\tb9400fe0 \tldr\tw0, [sp, #12]
   c:\t910043ff \tadd\tsp, sp, #0x10
  10:\td65f03c0 \tret
""",
    "objdump -dS": """
0000000000000000 <fn>:
int fn(int num) { return num; }
   0:\td10043ff \tsub\tsp, sp, #0x10
   4:\tb9000fe0 \tstr\tw0, [sp, #12]
   8:\tb9400fe0 \tldr\tw0, [sp, #12]
   c:\t910043ff \tadd\tsp, sp, #0x10
  10:\td65f03c0 \tret
""",
    "objdump -s": """\
Contents of section .text:
 0000 ff4300d1 e00f00b9 e00f40b9 ff430091  .C........@..C..
 0010 c0035fd6                             .._.
""",
    "llvm-objdump, bytes": """\
0000000000000000 <fn>:
       0: ff 43 00 d1   sub sp, sp, #16
       4: e0 0f 00 b9   str w0, [sp, #12]
       8: e0 0f 40 b9   ldr w0, [sp, #12]
       c: ff 43 00 91   add sp, sp, #16
      10: c0 03 5f d6   ret
""",
    "gdb": """\
Dump of assembler code for function fn:
=> 0x0000000000400580 <+0>:\tff 43 00 d1\tsub\tsp, sp, #0x10
   0x0000000000400584 <+4>:\te0 0f 00 b9\tstr\tw0, [sp, #12]
   0x0000000000400588 <+8>:\te0 0f 40 b9\tldr\tw0, [sp, #12]
   0x000000000040058c <+12>:\tff 43 00 91\tadd\tsp, sp, #0x10
   0x0000000000400590 <+16>:\tc0 03 5f d6\tret
End of assembler dump.
""",
    "lldb": """\
a.out`fn:
->  0x100003f80 <+0>:  0xd10043ff   sub    sp, sp, #0x10
    0x100003f84 <+4>:  0xb9000fe0   str    w0, [sp, #0xc]
    0x100003f88 <+8>:  0xb9400fe0   ldr    w0, [sp, #0xc]
    0x100003f8c <+12>: 0x910043ff   add    sp, sp, #0x10
    0x100003f90 <+16>: 0xd65f03c0   ret
""",
    "Intel HEX": ":10000000FF4300D1E00F00B9E00F40B9FF4300917A\n:04001000C0035FD6F4\n:00000001FF\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_read(form: str) -> None:
    expected = WORDS[:4] if form == "c words of 64 bits" else WORDS
    assert parse_words(FORMS[form]) == expected
    assert are_words(FORMS[form])


@pytest.mark.parametrize("form", FORMS)
def test_a_function_is_made_of_each_form(form: str) -> None:
    if form != "c words of 64 bits":
        assert armexec.function(FORMS[form], "int(int)", engine="reference")(3) == 3


@pytest.mark.parametrize("format", ["listing", "words", "bytes", "c", "python", "rust"])
def test_what_asm_prints_is_read_again(format: str, tmp_path: Path) -> None:
    path = tmp_path / "code.hex"
    command("asm", str(EXAMPLES / "fn.s"), "--format", format, "-o", str(path))
    assert parse_words(path.read_text()) == WORDS
    assert command("run", str(path), "3", "--engine", "reference").out == "3\n"


def test_what_show_and_disasm_print_is_read_again() -> None:
    shown = command("show", str(EXAMPLES / "fn.cpp"), "3", "--engine", "reference").out
    rows = [line for line in shown.splitlines() if re.search(r"0x[0-9A-F]{8}$", line)]
    assert parse_words("\n".join(rows)) == WORDS
    assert parse_words(command("disasm", *(f"{word:08x}" for word in WORDS)).out) == WORDS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0xff", "1 byte is not a whole number of instructions"),
        ("0xff,0x43,0x00", "3 bytes are not"),
        ("ff4300", "3 bytes are not"),
        ("d10043f", "'d10043f' is not a word"),
        ("ff4300d1", "the bytes ff 43 00 d1 are one"),
        ("0xff4300d1e00f00b9", "leave 0x out"),
        ("uint8_t code[] = { 256 };", "256 doesn't fit into 8 bits"),
        ("uint32_t code[] = { x };", "'x' is no number"),
        ("uint32_t code[] = { 1.5 };", "'1.5' is no number"),
        ("uint32_t code[] = { };", "the array is empty"),
        ("uint32_t code[] = { 0xd65f03c0", "no closing '}'"),
        ("uint32_t a[] = { 0xd65f03c0 }; uint32_t b[] = { 0xd65f03c0 };", "a second array"),
        ("code = [0x1d65f03c0]", "above 32 bits"),
        ("unsigned char c[] = { 0xff, 0x43 };", "2 bytes are not"),
        ('code = bytes.fromhex("ff4")', "an odd number"),
        ("0:\td10043ff \tsub\tsp, sp, #0x10\n8:\td65f03c0 \tret\n", "a line is missing"),
        ("00000000: ff43 00d1 e00f 00b9  .C......\n*\n00000010: c003 5fd6  .._.", "lines are left out"),
        ("<fn>:\n0:\t94000000 \tbl\t0 <fn>\n\t\t\t0: R_AARCH64_CALL26\text\n4:\td65f03c0 \tret\n", "relocated"),
        (":10000000FF4300D1E00F00B9E00F40B9FF4300917B", "checksum"),
        (":03000000C0035F", "says 3 bytes"),
        (":04000000C0035FD604\n:04000800C0035FD6FC\n:00000001FF", "for 0x8, and the one before ends at 0x4"),
        ("", "there are no words"),
        ("# only a comment", "there are no words"),
    ],
)
def test_what_is_wrong_or_not_clear_is_an_error_with_its_place(text: str, message: str) -> None:
    with pytest.raises(armexec.AssemblyError, match=message):
        parse_words(text)


@pytest.mark.parametrize(
    "text",
    [
        "add x0, x0, x1\nret",
        "ldr x0, =(1 << 3)\nret",
        "count = 5\nld1 {v0.4s}, [x0]",
        "1: add x0, x0, x1\nb 1b",
        "start: .word 0xd10043ff",
        "'\\x'",
        ".macro load to, from=[x0]\n ldr \\to, \\from\n.endm\nload x1, from=[x2]",
        "fadd d0, d0, d0; ret",
        "fadd d0, d0, d0",
        "fadd d0, d0, d0 // 0xff",
        "ret",
        "",
    ],
)
def test_assembly_is_not_words(text: str) -> None:
    assert not are_words(text)


def test_long_texts_are_told_apart_in_one_pass() -> None:
    # A search that begins anew at each character would take minutes.
    line = "add x0, x0, x1 // an instruction with a comment beside it, and more of it\n"
    assert not are_words(line * 20_000)
    assert not are_words(" " * 500_000 + "ret")
    assert not are_words("ldr x0, =value\n" * 20_000)


def _xxd(data: bytes) -> str:
    rows = (data[i : i + 16] for i in range(0, len(data), 16))
    printed = ("".join(chr(b) if 32 <= b < 127 else "." for b in row) for row in rows)
    return "\n".join(
        f"{16 * i:08x}: {data[16 * i : 16 * i + 16].hex(' ', -2):39}  {text}" for i, text in enumerate(printed)
    )


def _hexdump(data: bytes) -> str:
    rows = [data[i : i + 16] for i in range(0, len(data), 16)]
    texts = ["".join(chr(b) if 32 <= b < 127 else "." for b in row) for row in rows]
    return "\n".join(
        f"{16 * i:08x}  {row.hex(' '):48}  |{text}|" for i, (row, text) in enumerate(zip(rows, texts, strict=True))
    )


WRITERS: list[Callable[[bytes], str]] = [
    _xxd,
    _hexdump,
    lambda data: repr(data) if b"\\" not in data else "b'" + "".join(f"\\x{b:02x}" for b in data) + "'",
    lambda data: f"unsigned char code[] = {{{', '.join(hex(b) for b in data)}}};",
    lambda data: f"uint32_t code[] = {{{', '.join(hex(w) for w in struct.unpack(f'<{len(data) // 4}I', data))}}};",
    lambda data: (
        armexec.disassemble(data)
        and "\n".join(f"{i.address:10x}:  {i.word:08x}  {i.text}" for i in armexec.disassemble(data))
    ),
]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (r"b'\x00\x00#\x00'", b"\0\0#\0"),
        (r'"\x00//\x01" // "\x02"', b"\0//\1"),
        (r"""b"\x00/*'" '*/#\x03' # '\x04'""", b"\0/*'*/#\3"),
        (r"""'\x00\'#\x01'""", b"\0'#\1"),
    ],
)
def test_no_comment_begins_in_a_string(text: str, data: bytes) -> None:
    assert are_words(text)
    assert parse_words(text) == list(struct.unpack(f"<{len(data) // 4}I", data))


def test_comments_and_unfinished_strings_take_one_pass() -> None:
    for piece in ("'", '"', "\\'", '\\"', "'\"", "\"\\'", "# '", "\\"):
        begin = time.process_time()
        are_words("code = [" + piece * 100_000)
        assert time.process_time() - begin < 5, piece


@given(words=st.lists(st.integers(0, 0xFFFF_FFFF), min_size=1, max_size=12), writer=st.sampled_from(WRITERS))
def test_whatever_is_written_is_read_back(words: list[int], writer: Callable[[bytes], str]) -> None:
    text = writer(struct.pack(f"<{len(words)}I", *words))
    if "\\x" in text or not text.startswith("b"):  # bytes that are all printable are no code
        assert parse_words(text) == words


@given(text=st.text(alphabet="0123456789abcdefx :|<>.,;{}[]=\\\"'\n\t", max_size=80))
def test_any_text_gives_words_or_an_error(text: str) -> None:
    are_words(text)
    try:
        words = parse_words(text)
    except armexec.AssemblyError:
        return
    assert words
    assert all(0 <= word < 1 << 32 for word in words)
