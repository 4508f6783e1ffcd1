"""What can't be loaded is refused with a message that says what it is."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from armexec.errors import LoadError
from armexec.objects import load_file, load_image

from .helpers import compiled, image_of

SOURCE = "int fn(int num) { return num; }"


def patched(data: bytes, offset: int, value: bytes) -> bytes:
    return data[:offset] + value + data[offset + len(value) :]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\x7fELF", "truncated ELF file: 4 bytes"),
        (b"\xcf\xfa\xed\xfe\0\0", "truncated or corrupted Mach-O"),
        (b"!<arch>\nfoo", "static library"),
        (b"BC\xc0\xde", "bitcode; compile without -flto"),
        (b"MZ\x90\0", "Windows"),
        (b"\xca\xfe\xba\xbe\0\0\0\2", "universal Mach-O"),
        (b"int fn(int num)", "begins with 69 6e 74 20"),
    ],
)
def test_other_formats(data: bytes, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        load_image(data, "file.o")


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (18, b"\xff\x7f", "for machine 32767"),
        (40, struct.pack("<Q", 1 << 60), "past the end"),
        (60, b"\xff\x7f", "more than the file holds"),
        (62, b"\xfe\x00", "section names"),
    ],
)
def test_elf_headers(offset: int, value: bytes, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        load_image(patched(compiled(SOURCE), offset, value))


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (4, b"\7\0\0\1", "for x86-64, not arm64"),
        (4, b"\x0c\0\0\2", "arm64_32"),
        (8, b"\2", "arm64e"),
        (12, b"\2", "an executable; only relocatable"),
        (12, b"\7", "a dynamic linker; only relocatable"),
        (20, b"\xff\xff\xff\x7f", "load commands go past the end"),
    ],
)
def test_macho_headers(offset: int, value: bytes, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        load_image(patched(compiled(SOURCE, target="apple"), offset, value))


def test_a_section_of_exabytes_is_refused_before_it_is_read() -> None:
    data = compiled("int zeroed[100]; " + SOURCE)
    table = struct.unpack_from("<Q", data, 40)[0]
    for i in range(1, struct.unpack_from("<H", data, 60)[0]):
        with pytest.raises(LoadError, match=r"past the end|takes|more than|overlap|corrupted"):
            load_image(patched(data, table + 64 * i + 32, struct.pack("<Q", 1 << 60)))


def test_memory_writable_and_executable() -> None:
    with pytest.raises(LoadError, match=r"\.wx.*writable and executable"):
        image_of('.section .wx, "awx"\nnop\n', language="assembler")


def test_empty_object() -> None:
    with pytest.raises(LoadError, match="no code and no data"):
        image_of("typedef int nothing;", "-g0")


def test_unknown_relocation() -> None:
    data = compiled("extern int v; int *f(void) { return &v; }", "-fno-pic", "-g0")
    image = load_image(data)
    entry = struct.pack("<QQq", image.relocations[0].offset, image.relocations[0].symbol << 32 | 275, 0)
    assert data.count(entry) == 1
    with pytest.raises(LoadError, match="relocation of type 400 at"):
        load_image(patched(data, data.index(entry) + 8, b"\x90\1"))


def test_files(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="No such file"):
        load_file(tmp_path / "missing.o")
    with pytest.raises(LoadError, match="a directory"):
        load_file(tmp_path)
    (tmp_path / "empty.o").write_bytes(b"")
    with pytest.raises(LoadError, match=r"empty\.o: empty"):
        load_file(tmp_path / "empty.o")
    with pytest.raises(LoadError, match="null"):
        load_file("a\0b")
    (tmp_path / "good.o").write_bytes(compiled(SOURCE))
    assert load_file(str(tmp_path / "good.o")).functions[0].source_name == "fn"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the host has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.o")
    with pytest.raises(LoadError, match="not a regular file"):
        load_file(tmp_path / "pipe.o")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read any file")
def test_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "secret.o").write_bytes(compiled(SOURCE))
    (tmp_path / "secret.o").chmod(0)
    with pytest.raises(LoadError, match="Permission denied"):
        load_file(tmp_path / "secret.o")


def test_importing_and_loading_needs_no_heavy_library(tmp_path: Path) -> None:
    (tmp_path / "good.o").write_bytes(compiled(SOURCE))
    program = (
        "import sys, armexec.objects; armexec.objects.load_file(sys.argv[1]).place(0, lambda n: None); "
        "print([m for m in ('elftools', 'lief', 'numpy', 'llvmlite', 'itanium_demangler') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "good.o")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
