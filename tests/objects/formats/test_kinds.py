"""What is no object, or not all of one: the error says what it is, and which flag helps."""

from __future__ import annotations

import struct
import zlib

import pytest

import armexec
from armexec.errors import LoadError, SignatureError
from armexec.objects import load_image

from ..helpers import compiled, gcc_compiled, image_of

SOURCE = "int fn(int num) { return num; }"


def patched(data: bytes, offset: int, value: bytes) -> bytes:
    return data[:offset] + value + data[offset + len(value) :]


def header(data: bytes, name: str) -> tuple[int, int, int]:
    """Where a section's header is, its offset and its size."""
    (table,) = struct.unpack_from("<Q", data, 40)
    count, names = struct.unpack_from("<HH", data, 60)
    strings = struct.unpack_from("<Q", data, table + 64 * names + 24)[0]
    for at in range(table, table + 64 * count, 64):
        start = strings + struct.unpack_from("<I", data, at)[0]
        if data[start : data.index(b"\0", start)].decode() == name:
            offset, size = struct.unpack_from("<QQ", data, at + 24)
            return at, offset, size
    raise LookupError(name)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"!<arch>\n__.PKGDEF       0", "Go package"),
        (b"!<thin>\n", "thin static library"),
        (b"\xca\xfe\xba\xbe\0\0\0\2", "universal Mach-O.*lipo -thin arm64"),
        (b"\xca\xfe\xba\xbe\0\0\0\x41", "a Java class"),
        (b"\xca\xfe\xba\xbf\0\0\0\2", "universal Mach-O"),
        (b"BC\xc0\xde", "bitcode; compile without -flto"),
        (b"\xde\xc0\x17\x0b", "bitcode; compile without -flto"),
        (b"; ModuleID = 'x'", r"IR as text; .*clang -c"),
        (b"\0asm\1\0\0\0", "WebAssembly module; compile for aarch64"),
        (b"MZ\x90\0", r"Windows executable or library \(PE\)"),
        (b"\x64\xaa\2\0" + bytes(16), r"Windows \(COFF\) object for AArch64"),
        (b"\x64\x86\2\0" + bytes(16), r"Windows \(COFF\) object for x86-64"),
        (b"\0\0\xff\xff\2\0\x64\xaa" + bytes(16), r"Windows \(COFF\) object for AArch64"),
        (b"PK\3\4", "ZIP archive"),
        (b"\x1f\x8b\x08", "compressed by gzip"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS; git lfs pull"),
        (b"#!/bin/sh", "a script"),
        (b"int fn(int num) { return num; }", "begins with 69 6e .* as text does: a source is compiled"),
        ("größe: .word 1\n".encode(), "as text does"),
        (b"\x01\x02\x03\xff", "no ELF or Mach-O object; it begins with 01 02 03 ff$"),
    ],
)
def test_other_formats(data: bytes, message: str) -> None:
    with pytest.raises(LoadError, match=f"^file: .*{message}"):
        load_image(data, "file")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({4: b"\1"}, r"32-bit ELF file for AArch64 \(ILP32\); compile with -mabi=lp64"),
        ({4: b"\1", 18: b"\x28\0"}, "for 32-bit Arm, not AArch64; compile for aarch64"),
        ({4: b"\1", 18: b"\3\0"}, "for x86, not AArch64"),
        ({18: b"\x3e\0"}, "for x86-64, not AArch64"),
        ({5: b"\2", 16: b"\0\1\0\xb7"}, "big-endian ELF file; compile without -mbig-endian"),
        ({5: b"\2", 16: b"\0\1\0\x15"}, "for PowerPC64, not AArch64"),
        ({4: b"\7"}, "unknown class"),
        ({5: b"\7"}, "unknown byte order"),
        ({16: b"\2"}, "an executable; only relocatable objects"),
        ({16: b"\3"}, "no code and no data"),  # as a shared library
        ({16: b"\4"}, "a core dump"),
    ],
)
def test_elf_files_for_others(changes: dict[int, bytes], message: str) -> None:
    data = compiled(SOURCE)
    for offset, value in changes.items():
        data = patched(data, offset, value)
    with pytest.raises(LoadError, match=message):
        load_image(data)


def test_link_time_optimization() -> None:
    with pytest.raises(LoadError, match=r"intermediate code .*without -flto, or with -ffat-lto-objects"):
        load_image(gcc_compiled(SOURCE, "-flto"))
    assert armexec.load(gcc_compiled(SOURCE, "-flto", "-ffat-lto-objects", "-g")).fn(3) == 3


def test_split_debug_information() -> None:
    # What -gsplit-dwarf leaves in the object: a unit that names another file.
    text = """
        .globl fn
        .type fn, %function
    fn: ret
        .section .debug_abbrev,"",%progbits
        .byte 1, 0x4a, 0, 0x76, 0x08, 0, 0, 0
        .section .debug_info,"",%progbits
        .word 2f - 1f
    1:  .hword 5
        .byte 4, 8
        .word .debug_abbrev
        .xword 0
        .byte 1
        .asciz "fn.dwo"
    2:
    """
    module = armexec.load(compiled(text, language="assembler"))
    with pytest.raises(SignatureError, match=r"without -gsplit-dwarf \(fn.dwo\)"):
        module.fn(3)
    assert module.fn.with_signature("int(int)")(3) == 3
    with pytest.raises(LoadError, match=r"debug information only \(-gsplit-dwarf\): load the object beside it"):
        image_of('.section .debug_info.dwo,"e",%progbits\n.word 1\n', language="assembler")


def test_debug_information_compressed_as_gnu_did_at_first() -> None:
    assert armexec.load(gcc_compiled(SOURCE, "-g", "-gz=zlib-gnu")).fn.signature == "int fn(int num)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw, ""),
        (lambda raw: raw[:20], "has 20 bytes, and its header takes 24"),
        (lambda raw: raw[:-9], "truncated"),
        (lambda raw: raw[:30] + bytes(8) + raw[38:], r"\.debug_info"),
        (lambda raw: struct.pack("<I", 2) + raw[4:], "compressed by Zstandard: compile with -gz=zlib"),
        (lambda raw: struct.pack("<I", 9) + raw[4:], r"isn't known \(9\)"),
        (lambda raw: raw[:8] + struct.pack("<Q", 1 << 60) + raw[16:], "at most"),
        (lambda raw: raw[:8] + struct.pack("<Q", 1 << 20) + raw[16:], "instead of 1048576"),
    ],
)
def test_compressed_sections_that_are_damaged(change: object, message: str) -> None:
    data = compiled(SOURCE)
    at, offset, size = header(data, ".debug_info")
    raw = change(struct.pack("<IIQQ", 1, 0, size, 1) + zlib.compress(data[offset : offset + size]))  # type: ignore[operator]
    # ELF64_Shdr: flags at 8, offset at 24, size at 32.
    damaged = patched(data, at + 8, struct.pack("<Q", 0x800))
    damaged = patched(damaged, at + 24, struct.pack("<QQ", len(data), len(raw))) + raw
    if not message:
        assert armexec.load(damaged).fn.signature == "int fn(int num)"
        return
    module = armexec.load(damaged)
    with pytest.raises(LoadError, match=message):
        _ = module.fn.prototype
    assert module.fn.with_signature("int(int)")(3) == 3
