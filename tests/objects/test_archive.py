"""Static libraries, as several programs write them."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

import armexec
from armexec.errors import LoadError
from armexec.objects import load_image
from armexec.objects.formats.archive import Archive
from mutations import mutated

from .helpers import ZIG, compiled

LONG = "an_object_with_a_long_name_of_more_than_sixteen_characters.o"
SOURCES = {"short.o": "int one(void) { return 1; } int both;", LONG: "int two(void) { return 2; } int other;"}


def archive(format: str, folder: Path) -> bytes:
    for name, source in SOURCES.items():
        (folder / name).write_bytes(compiled(source))
    command = [ZIG, "ar", f"--format={format}", "rcs", "lib.a", *SOURCES]
    subprocess.run(command, check=True, cwd=folder, timeout=60, capture_output=True)
    return (folder / "lib.a").read_bytes()


@pytest.mark.parametrize("format", ["gnu", "bsd", "darwin"])
def test_members_and_symbols(format: str, tmp_path: Path) -> None:
    read = Archive(archive(format, tmp_path), "lib.a")
    assert [member.name for member in read.members] == list(SOURCES)
    found = {name: member.name for name, member in read.symbols.items()}
    assert found == {"one": "short.o", "both": "short.o", "two": LONG, "other": LONG}
    for member in read.members:
        assert read.read(member).rstrip(b"\0\n") == compiled(SOURCES[member.name]).rstrip(b"\0\n")


@pytest.mark.parametrize("format", ["gnu", "darwin"])
def test_all_of_a_library_is_loaded(format: str, tmp_path: Path) -> None:
    data = archive(format, tmp_path)
    module = armexec.load(data)
    assert [function.name for function in module] == ["one", "two"]
    assert (module.one(), module.two()) == (1, 2)


def test_beside_an_object_what_it_needs_is_loaded(tmp_path: Path) -> None:
    archive("gnu", tmp_path)
    (tmp_path / "main.o").write_bytes(compiled("int two(void); int f(void) { return two() + 1; }"))
    module = armexec.load([tmp_path / "main.o", tmp_path / "lib.a"])
    assert [function.name for function in module] == ["f", "two"]
    assert module.f() == 3


def test_the_same_for_apple(tmp_path: Path) -> None:
    for name, source in SOURCES.items():
        (tmp_path / name).write_bytes(compiled(source, target="apple"))
    command = [ZIG, "ar", "--format=darwin", "rcs", "lib.a", *SOURCES]
    subprocess.run(command, check=True, cwd=tmp_path, timeout=60, capture_output=True)
    (tmp_path / "main.o").write_bytes(compiled("int two(void); int f(void) { return two() + 1; }", target="apple"))
    assert armexec.load([tmp_path / "main.o", tmp_path / "lib.a"]).f() == 3


def test_members_that_are_no_objects(tmp_path: Path) -> None:
    data = archive("gnu", tmp_path)
    at = data.index(b"\x7fELF")
    with pytest.raises(LoadError, match=r"lib\.a\(short\.o\): no ELF or Mach-O object"):
        load_image(data[:at] + b"zzzz" + data[at + 4 :], "lib.a")
    with pytest.raises(LoadError, match="the static library has no object"):
        load_image(b"!<arch>\n", "lib.a")


def test_64_bit_table() -> None:
    table = b"".join(n.to_bytes(8, "big") for n in (1, 8 + 60 + 22)) + b"name\0\0"
    header = "{:16}{:12}{:6}{:6}{:8}{:10}`\n".format
    data = b"!<arch>\n" + header("/SYM64/", 0, 0, 0, 0, len(table)).encode() + table
    data += header("a.o/", 0, 0, 0, 0, 3).encode() + b"abc\n"
    read = Archive(data, "lib.a")
    assert read.read(read.symbols["name"]) == b"abc"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x7fELF", "lib.a: not a static library"),
        (b"!<thin>\n", "lib.a: not a static library"),
        (b"!<arch>\nabc", "no header of a member at 0x8"),
        (b"!<arch>\n" + b"a.o/".ljust(48) + b"99        `\n", "has 99 bytes, past the end of the file"),
        (b"!<arch>\n" + b"a.o/".ljust(48) + b"-9        `\n", "has -9 bytes, past the end of the file"),
        (b"!<arch>\n" + b"/12".ljust(48) + b"0         `\n", "the name of the member at 0x8 is at 12"),
        (b"!<arch>\n" + b"a.o/".ljust(48) + b"0         `\n", "has no symbol table: ranlib"),
    ],
)
def test_what_is_no_library(data: bytes, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        Archive(data, "lib.a")


def test_mutations(tmp_path: Path) -> None:
    generator = random.Random(1)
    for format in ("gnu", "darwin"):
        data = archive(format, tmp_path)
        for _ in range(500):
            try:
                read = Archive(mutated(data, generator), "lib.a")
                assert all(member in read.members for member in read.symbols.values())
            except LoadError:
                pass
