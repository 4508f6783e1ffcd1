"""A source of each kind becomes an image, and is read only when that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

import armexec
from armexec.api import load_source
from armexec.errors import AssemblyError, CompileError, Diagnostic, LoadError
from armexec.sources import KINDS, Source

C = "int fn(int num) { return num; }"
ASSEMBLY = ".globl fn\nfn: ret\n"
WORDS = "0xD65F03C0"
RET = b"\xc0\x03\x5f\xd6"


def files(folder: Path) -> dict[str, Path]:
    """A file of each kind, all with a function `fn` that returns its argument."""
    contents = {
        "fn.c": C.encode(),
        "fn.cpp": f'extern "C" {C}'.encode(),
        "fn.s": ASSEMBLY.encode(),
        "fn.hex": WORDS.encode(),
        "fn.bin": RET,
        "fn.o": armexec.assemble(ASSEMBLY).object(),
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return dict(zip(KINDS, map(folder.joinpath, contents), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_becomes_a_module(kind: str, tmp_path: Path) -> None:
    path = files(tmp_path)[kind]
    source = Source.from_file(str(path))
    assert (source.kind, source.name) == (kind, str(path))
    with load_source(source, "reference") as module:
        assert module["fn"].with_signature("int(int)")(3) == 3
        assert (module.name, module.image.undefined()) == (str(path), [])


@pytest.mark.parametrize("kind", KINDS)
def test_assembly_is_that_of_compilers_and_authors(kind: str, tmp_path: Path) -> None:
    assembly = Source.from_file(str(files(tmp_path)[kind])).assembly
    if kind in ("c", "c++"):
        assert assembly is not None
        assert "fn:" in assembly()
    elif kind == "assembly":
        assert assembly is not None
        assert assembly() == ASSEMBLY
    else:
        assert assembly is None


def test_a_given_kind_counts_more_than_the_suffix(tmp_path: Path) -> None:
    path = tmp_path / "words.c"
    path.write_text(WORDS)
    assert Source.from_file(str(path), "hex").words() == [0xD65F03C0]


def test_nothing_is_read_before_it_is_asked_for() -> None:
    source = Source.from_file("missing.c")
    assert (source.kind, source.uses_compiler, source.is_compiled) == ("c", True, True)
    with pytest.raises(LoadError, match=r"missing\.c: No such file"):
        source.compiled()


def test_a_reader_is_called_once() -> None:
    calls = []

    def read() -> bytes:
        calls.append(1)
        return b"\xef\xbb\xbf" + ASSEMBLY.encode()

    source = Source(None, "assembly", read=read, file="<stdin>")
    assert (source.text, source.image().functions[0].source_name) == (ASSEMBLY, "fn")
    assert calls == [1]


def test_text_that_is_none() -> None:
    source = Source(None, "c", read=lambda: b"int \xff;", file="x.c")
    with pytest.raises(LoadError, match=r"x\.c: not UTF-8 text \(byte 4 is 0xff\)"):
        source.compiled()


def test_warnings_are_reported_and_kept() -> None:
    told: list[Diagnostic] = []
    source = Source("int fn(void) { }", "c", flags=["-Wall"], report=told.extend)
    source.image()
    assert [d.severity for d in told] == ["warning"]
    assert tuple(told) == source.diagnostics
    told.clear()
    source = Source('.warning "careful"\nret\n', "assembly", report=told.extend)
    assert load_source(source, "reference").diagnostics == tuple(told)
    assert [d.message for d in told] == ["careful"]


def test_the_entry_is_called_by_the_file_or_as_asked_for() -> None:
    assert Source(RET, "bin", file="a/my code.bin").image().functions[0].name == "my_code"
    assert Source(RET, "bin", entry="begin").image().functions[0].name == "begin"
    assert Source([0xD65F03C0], "bin").image().functions[0].name == "code"


def test_errors_name_the_file_or_the_kind_of_text() -> None:
    with pytest.raises(LoadError, match=r"^a\.bin: 3 bytes"):
        Source(None, "bin", read=lambda: b"abc", file="a.bin").words()
    with pytest.raises(AssemblyError, match=r"^<assembly>:1"):
        Source("foo", "assembly").code()
    with pytest.raises(AssemblyError, match=r"^a\.s:1"):
        Source("foo", "assembly", file="a.s").code()
    with pytest.raises(CompileError, match=r"<source>:1"):
        Source("int fn( {", "c").image()


def test_assembled_code_is_a_source_too() -> None:
    code = armexec.assemble("f: bl g\nret")
    source = Source(code, "assembly")
    assert source.code() is code
    assert source.reference_places() == {"g": " (<assembly>:1: f: bl g)"}
