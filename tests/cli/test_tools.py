"""armexec asm, disasm, compile, isa and info."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from armexec.memory import page_size
from cli.program import armexec

EXAMPLES = Path(__file__).parents[2] / "examples"
WORDS = [0xD10043FF, 0xB9000FE0, 0xB9400FE0, 0x910043FF, 0xD65F03C0]
BYTES = b"".join(word.to_bytes(4, "little") for word in WORDS)
TEXTS = ["sub sp, sp, #16", "str w0, [sp, #12]", "ldr w0, [sp, #12]", "add sp, sp, #16", "ret"]


def test_asm_lists_each_instruction_with_its_address_and_word() -> None:
    done = armexec("asm", str(EXAMPLES / "fn.s"), "--address", "0x1000")
    lines = [line.split(None, 2) for line in done.out.splitlines() if ":  " in line]
    assert lines == [[f"{0x1000 + 4 * i:x}:", f"{w:08x}", t] for i, (w, t) in enumerate(zip(WORDS, TEXTS, strict=True))]


@pytest.mark.parametrize("format", ["words", "bytes", "c", "python", "rust", "raw"])
def test_asm_prints_words_for_other_programs(format: str) -> None:
    done = armexec("asm", str(EXAMPLES / "fn.s"), "--format", format)
    assert (done.status, done.err) == (0, "")
    if format == "raw":
        assert done.raw == BYTES
    elif format == "bytes":
        assert bytes.fromhex(done.out) == BYTES
    else:
        assert [int(word, 16) for word in re.findall(r"0x([0-9A-F]{8})\b", done.out)] == WORDS


def test_asm_python_is_python() -> None:
    names: dict[str, object] = {}
    exec(armexec("asm", str(EXAMPLES / "fn.s"), "--format", "python").out, names)
    assert names["code"] == WORDS


def test_asm_reads_standard_input_and_writes_files(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    done = armexec("asm", "--format", "raw", "-o", str(path), stdin="ret\n")
    assert (done.status, done.out) == (0, "")
    assert path.read_bytes() == bytes.fromhex("c0035fd6")
    assert armexec("run", str(path), "3", "--engine", "reference").out == "3\n"
    missing = armexec("asm", "-o", str(tmp_path / "no" / "such"), stdin="ret\n")
    assert (missing.status, missing.out) == (1, "")


def test_asm_errors_have_a_caret() -> None:
    done = armexec("asm", stdin="ret\n  add x0, x1, #70000\n")
    assert (done.status, done.out) == (1, "")
    assert "<stdin>:2:" in done.err
    assert "^" in done.err


@pytest.mark.parametrize("spelling", ["0x{:08X}", "{:08x}", "0x{:x},"])
def test_disasm_takes_words_on_the_command_line(spelling: str) -> None:
    done = armexec("disasm", *(spelling.format(word) for word in WORDS), "--address", "4096")
    assert [line.split(None, 2)[2].strip() for line in done.out.splitlines()] == TEXTS
    assert done.out.split()[0] == "1000:"


def test_disasm_takes_files(tmp_path: Path) -> None:
    (tmp_path / "code.bin").write_bytes(BYTES)
    for file in (str(tmp_path / "code.bin"), str(EXAMPLES / "fn.hex")):
        done = armexec("disasm", file)
        assert [line.split(None, 2)[2].strip() for line in done.out.splitlines()] == TEXTS
    object_file = str(tmp_path / "fn.o")
    source = tmp_path / "two.cpp"
    source.write_text("int one(int x) { return x; } int two(int x) { return one(x) + 1; }")
    armexec("compile", str(source), "-c", "-o", object_file)
    listing = armexec("disasm", object_file).out
    assert "one(int):" in listing
    assert "bl 0x0 <one(int)>" in listing
    assert "bl #-" in armexec("disasm", object_file, "--distances").out
    assert armexec("disasm", stdin="0xd65f03c0").status == 2
    assert "ret" in armexec("disasm", "-", stdin="0xd65f03c0").out


def test_disasm_shows_targets_as_addresses_or_distances() -> None:
    assert armexec("disasm", "0x5400002D").out.split(None, 2)[2] == "b.le #4\n"
    assert armexec("disasm", "0x5400002D", "--address", "0x400200").out.split(None, 2)[2] == "b.le 0x400204\n"
    assert armexec("disasm", "0x5400002D", "--address", "0").out.split(None, 2)[2] == "b.le 0x4\n"
    done = armexec("disasm", "0x5400002D", "--address", "0x400200", "--distances")
    assert done.out.split() == ["400200:", "5400002d", "b.le", "#4"]


def test_disasm_shows_the_data_and_the_undefined_symbols_of_objects(tmp_path: Path) -> None:
    source = tmp_path / "f.S"
    source.write_text(".globl f\nf: ldr x0, 1f\nbl ext\nret\n1: .quad 0x0123456789abcdef\n")
    armexec("compile", str(source), "-c", "-o", str(tmp_path / "f.o"), "--target", "linux")
    lines = armexec("disasm", str(tmp_path / "f.o")).out.splitlines()
    assert lines[:2] == [".text:", "f:"]
    assert lines[2].endswith("  ldr x0, 0xc <f+0xc>")
    assert lines[3].endswith("<ext>")
    assert lines[5:7] == ["         c:  89abcdef  .xword 0x0123456789abcdef", "        10:  01234567"]


def test_disasm_prints_json() -> None:
    rows = json.loads(armexec("disasm", *map(hex, WORDS), "--json").out)
    assert [row["text"] for row in rows] == TEXTS
    assert [row["address"] for row in rows] == [0, 4, 8, 12, 16]
    assert rows[1]["operands"][1] == {
        "kind": "memory",
        "access": "w",
        "memory": {"base": "sp", "displacement": 12},
        "size": 4,
    }
    assert (rows[4]["reads"], rows[4]["groups"]) == (["x30"], ["branch", "return", "indirect"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("0x1D65F03C0",), "above 32 bits"),
        (("xyz",), "'xyz' is not a word"),
        (("missing.bin",), "No such file"),
        ((str(EXAMPLES),), "a directory"),
        (("d65f03",), "3 bytes are not"),
    ],
)
def test_disasm_refuses_what_is_none(arguments: tuple[str, ...], message: str) -> None:
    done = armexec("disasm", *arguments)
    assert (done.status, done.out) == (1, "")
    assert message in done.err


def test_compile_interleaves_assembly_and_source() -> None:
    for flags in ((), ("-S",)):
        done = armexec("compile", str(EXAMPLES / "fn.cpp"), *flags)
        lines = [line.strip().replace("\t", " ") for line in done.out.splitlines()]
        start = next(i for i, line in enumerate(lines) if "int fn(int num) { return num; }" in line)
        assert [line for line in lines[start:] if line in TEXTS] == TEXTS


@pytest.mark.parametrize("target", ["linux", "apple", "bare"])
def test_compile_prints_words_and_writes_objects(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = armexec("compile", str(EXAMPLES / "fn.cpp"), "--words", "--target", target)
    assert [int(word, 16) for word in re.findall(r"^0x([0-9A-F]{8})\b", done.out, re.MULTILINE)] == WORDS
    (tmp_path / "words.hex").write_text(done.out)
    assert armexec("run", "words.hex", "3", "--engine", "reference").out == "3\n"
    assert armexec("compile", str(EXAMPLES / "fn.cpp"), "-c", "--target", target).status == 0
    magic = (tmp_path / "fn.o").read_bytes()[:4]
    assert magic == (b"\xcf\xfa\xed\xfe" if target == "apple" else b"\x7fELF")


def test_compile_shows_warnings_and_refuses_other_files() -> None:
    done = armexec("compile", "-", "--language", "c", "--flag=-Wall", stdin="int f(void) { int unused; return 1; }")
    assert done.status == 0
    warned = armexec("run", "-", "--language", "c", "--flag=-Wall", stdin="int f(void) { int unused; return 1; }")
    assert (warned.status, warned.out) == (0, "1\n")
    assert "warning: unused variable" in warned.err
    refused = armexec("compile", str(EXAMPLES / "fn.hex"))
    assert (refused.status, refused.out) == (1, "")


def test_isa_pages_are_made_from_the_descriptions() -> None:
    for name in ("add", "ADD_addsub_imm", "ADD_64_addsub_imm"):
        page = armexec("isa", name).out
        assert "ADD_64_addsub_imm" in page
        assert "imm12" in page
    alias = armexec("isa", "cmp").out
    assert "SUBS" in alias
    for line in armexec("isa", "ADD_addsub_imm").out.splitlines():
        if line.strip().startswith("+-"):
            assert line.count("+") == 9
    unknown = armexec("isa", "addd")
    assert unknown.status == 1
    assert "add" in unknown.err
    assert "add" in armexec("isa").out.split(", ")


def test_isa_coverage_counts_every_encoding() -> None:
    text = armexec("isa", "--coverage").out
    found = re.search(r"(\d+) of (\d+) encodings", text)
    assert found is not None
    described, total = int(found[1]), int(found[2])
    reasons = [
        int(line.split()[0]) for line in text.partition("Not described\n")[2].splitlines() if line.startswith("  ")
    ]
    assert described + sum(reasons) == total
    assert len(armexec("isa", "--missing").out.splitlines()) == total - described


def test_info_says_what_is_here() -> None:
    text = armexec("info").out
    assert f"{page_size()} bytes" in text
    assert re.search(r"engine reference +available", text)
    assert re.search(r"compiler +(clang|gcc|none)", text)


@pytest.mark.parametrize("suffix", ["c", "cpp", "hex", "s", "S"])
def test_a_byte_order_mark_is_skipped(suffix: str, tmp_path: Path) -> None:
    texts = {"hex": "d65f03c0", "s": "f: ret", "S": ".globl f\nf: ret"}
    path = tmp_path / f"f.{suffix}"
    path.write_text("\ufeff" + texts.get(suffix, "int f(int x) { return x; }"))
    done = armexec("run", str(path), "3", "--engine", "reference")
    assert (done.status, done.out) == (0, "3\n"), done.err


def test_assembly_is_compiled_without_a_complaint(tmp_path: Path) -> None:
    path = tmp_path / "x.s"
    path.write_text("mov x0, #1\nret\n")
    done = armexec("compile", "-c", str(path), "-o", str(tmp_path / "x.o"))
    assert (done.status, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize("level", ["-O2", "--opt=2", "--opt=O2", "--opt=-O2"])
def test_levels_of_optimization(level: str) -> None:
    assert "str" not in armexec("compile", str(EXAMPLES / "fn.cpp"), "--words", level).out
