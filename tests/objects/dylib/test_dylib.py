"""Dynamic libraries of macOS, with fixups of every kind."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import armexec
from armexec.objects import load_image
from engines import AVAILABLE

from ..helpers import compiled
from .dylibs import SOURCE, dylib, with_chained_fixups

LLD = next((found for name in ("ld64.lld", "ld64.lld-19", "ld64.lld-16") if (found := shutil.which(name))), None)
CHAINED = {
    "offsets": {},
    "addresses": {"pointers": 2},
    "addends": {"imports": 2},
    "addends of 64 bits, compressed": {"imports": 3, "compressed": True},
    "pages of 4 KiB": {"page": 0x1000},
}


@pytest.fixture(scope="module")
def classic(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return dylib(tmp_path_factory.mktemp("dylib")).read_bytes()


@pytest.fixture(scope="module", params=["opcodes", *CHAINED])
def library(request: pytest.FixtureRequest, classic: bytes) -> bytes:
    return classic if request.param == "opcodes" else with_chained_fixups(classic, **CHAINED[request.param])


class Loaded:
    """The library with all that it needs."""

    def __init__(self, library: bytes, engine: str) -> None:
        self.variable, self.table = ctypes.c_int(1000), (ctypes.c_int * 4)(1, 2, 3, 4)
        imports = {
            "given": armexec.callback(lambda x: 3 * x, "int(int)", engine=engine),
            "variable": ctypes.addressof(self.variable),
            "table_of_others": ctypes.addressof(self.table),
        }
        self.m = armexec.load(library, engine=engine, imports=imports)

    def call(self, prototype: str, *arguments: Any) -> Any:
        return self.m[prototype.partition("(")[0].split()[-1].lstrip("*")].with_signature(prototype)(*arguments)


def check(library: bytes, engine: str) -> None:
    it = Loaded(library, engine)
    assert it.call("int add(int, int)", 2, 3) == 11
    assert it.call("int add(int, int)", 2, 3) == 12
    assert it.call("int calls(int)", 5) == 1015
    assert [it.call("int through(int, int)", i, 21) for i in (0, 1)] == [42, 63]
    name = it.m["name"].with_signature("const char *(int)").returning(str)
    assert [name(i) for i in range(3)] == ["zero", "one", "two"]
    assert it.call("unsigned long length(const char *)", "hello") == 5
    assert it.call("int has_started()") == 84
    assert it.call("int reads_third()") == 3
    assert it.call("long own_distance()") == 7
    assert [it.call("int sets(int, int)", 999, 4) for _ in range(2)] == [4, 8]
    assert it.call("int calls_optional(int)", 9) == -9
    assert list(it.m.missing) == ["not_there"]
    with pytest.raises(
        armexec.UndefinedSymbol, match=r"not_there is called by <bytes>.*imports=\{'not_there': \.\.\.\} gives one"
    ):
        it.call("int calls_not_there(int)", 1)
    it.m.close()


@pytest.mark.parametrize("engine", AVAILABLE)
def test_library(library: bytes, engine: str) -> None:
    check(library, engine)


@pytest.mark.skipif(LLD is None, reason="ld64.lld is not installed (apt-get install lld, of LLVM 15 or later)")
@pytest.mark.parametrize("flags", [["-fixup_chains"], ["-no_fixup_chains"], ["-fixup_chains", "-init_offsets"]])
def test_libraries_of_lld(tmp_path: Path, flags: list[str]) -> None:
    (tmp_path / "l.o").write_bytes(compiled(SOURCE, "-w", target="apple"))
    assert LLD is not None
    command = [LLD, "-arch", "arm64", "-platform_version", "macos", "13.0", "13.0", "-dylib", "-undefined"]
    command += ["dynamic_lookup", *flags, "l.o", "-o", "l.dylib"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    if "unknown argument" in done.stderr:
        pytest.skip(f"this ld64.lld is too old: {done.stderr.strip()[-100:]}")
    assert done.returncode == 0, done.stderr
    for engine in ("translated", "reference"):
        check((tmp_path / "l.dylib").read_bytes(), engine)


def test_symbols_and_sections(classic: bytes) -> None:
    image = load_image(classic, "libl.dylib")
    assert image.format == "macho"
    names = {f.source_name for f in image.functions}
    assert {"add", "twice", "own_distance"} <= names
    assert "__TEXT,__text" in {s.name for s in image.sections}
    assert not image.is_code(image.find("counter").offset or 0)
    assert image.libraries_that_want("given") == ["libl.dylib"]


def test_constants_are_read_only(classic: bytes) -> None:
    image = load_image(with_chained_fixups(classic), "l.dylib")
    got = next(s for s in image.sections if s.name.endswith("__got"))
    assert not any(s.writable and s.offset <= got.offset < s.offset + s.size for s in image.segments)


def test_cpp_binds_weak_definitions_to_its_own(tmp_path: Path) -> None:
    source = """
    struct Base { virtual int number() { return 1; } };
    template <class T> struct Made : Base { int number() override { return sizeof(T) + extra; } static int extra; };
    template <class T> int Made<T>::extra = 40;
    extern "C" { void *_ZTVN10__cxxabiv117__class_type_infoE[9], *_ZTVN10__cxxabiv120__si_class_type_infoE[9]; }
    extern "C" int number(int which) {
        static Base base; static Made<long> made;
        Base *chosen[] = {&base, &made};
        return chosen[which]->number();
    }
    """
    path = dylib(tmp_path, source, "-fno-exceptions", "-fno-threadsafe-statics", "-nostdlib++", suffix=".cpp")
    for engine in ("translated", "reference"):
        with armexec.load(path, engine=engine) as m:
            number = m["number"].with_signature("int(int)")
            assert [number(0), number(1)] == [1, 48]


def test_at_an_address_of_the_file(classic: bytes) -> None:
    with armexec.load(classic) as m:
        assert m.at(m["add"].offset, "int(int, int)")(1, 1) == 8
