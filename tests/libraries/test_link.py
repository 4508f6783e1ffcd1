"""Which objects need the libraries, known before any is built."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from armexec.compiler_rt import PROGRAM_UNITS
from armexec.compiler_rt import units as runtime_units
from armexec.errors import LoadError
from armexec.libraries import library_needed, link_program
from armexec.libraries.archives import library_files
from armexec.libraries.build import LIBRARIES
from armexec.libraries.names import FILE, is_cxx_name, names_text
from armexec.objects import read_part
from armexec.store import STORES
from armexec.toolchain import compile_object
from program.guest import needs_c, needs_cxx


def needed(source: str, language: str = "c") -> bool:
    compiled = compile_object(source, language=language, opt="-O1", target="linux", debug=False)
    return library_needed([read_part(compiled.data, "a.o")])


@pytest.mark.parametrize(
    "source",
    [
        "int f(int x) { return x; }",
        "#include <string.h>\nvoid f(char *a, const char *b, int n) { memcpy(a, b, n); a[strlen(b)] = 0; }",
        "#include <stdlib.h>\nvoid *f(int n) { return malloc(n); }",
        "long double f(long double a) { return a / 3; }",
        "int nowhere(void); int f(void) { return nowhere(); }",
        'int printf(const char *f, ...) { return 1; } int f(void) { return printf("%d", 1); }',
    ],
)
def test_plain_functions_need_none(source: str) -> None:
    assert not needed(source)


@pytest.mark.parametrize(
    "source",
    [
        "struct S { int *p; S() : p(new int) {} ~S() { delete p; } }; void h(); int f() { S s; h(); return *s.p; }",
        "struct A { virtual ~A() {} }; struct B : A {}; A *a; bool f() { return dynamic_cast<B *>(a) != nullptr; }",
        "int g(); int f() { static int x = g(); return x; }",
    ],
)
def test_plain_classes_need_none(source: str) -> None:
    assert not needed(source, "c++")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "language"),
    [
        ('#include <stdio.h>\nvoid f(void) { printf("%d", 3); }', "c"),
        ("#include <math.h>\ndouble f(double x) { return sin(x); }", "c"),
        ("#include <string>\nstd::string f(int n) { return std::to_string(n); }", "c++"),
        ("int f(int n) { if (n) throw n; return 1; }", "c++"),
        ("void g(); int f() { try { g(); } catch (...) { return 1; } return 0; }", "c++"),
        ("#include <iostream>\nvoid f() { std::cout << 1; }", "c++"),
    ],
)
def test_what_needs_a_library(source: str, language: str) -> None:
    assert needed(source, language)


def test_names_of_the_cplusplus_library() -> None:
    for name in (
        "_ZNSt3__14coutE",
        "_ZTVSt9exception",
        "_ZSt9terminatev",
        "__cxa_throw",
        "_Znwm",
        "_ZNKSt9exception4whatEv",
    ):
        assert is_cxx_name(name)
    for name in ("printf", "_Z1fv", "_ZN1n1fEv", "_Z1fNSt3__16vectorIiEE"):
        assert not is_cxx_name(name)


def test_apple_objects_are_refused() -> None:
    compiled = compile_object("int f(void) { return 1; }", language="c", target="apple", debug=False)
    with pytest.raises(LoadError, match="compile for linux"):
        link_program("a", [read_part(compiled.data, "a.o")])


def test_the_files_of_programs() -> None:
    folder = runtime_units.FILE.parent / "program"
    assert {path.name for path in folder.glob("*.c")} == PROGRAM_UNITS | {"guards.c"}


@needs_c
def test_the_names_are_those_of_the_library() -> None:
    """After another version of ziglang: FILE.write_text(names_text())."""
    assert FILE.read_text() == names_text()


@needs_cxx
def test_what_the_cache_holds() -> None:
    assert "libraries" in STORES
    for name, library in LIBRARIES.items():
        assert set(library_files(name)) <= set(library.files)


@pytest.mark.long
def test_of_two_processes_one_builds(tmp_path: Path) -> None:
    script = "from armexec.libraries.archives import library_files; print(len(library_files('c')['libc.a']))"
    environment = {**os.environ, "ARMEXEC_CACHE_DIR": str(tmp_path / "cache")}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    results = [process.communicate(timeout=1200) for process in both]
    assert results[0][0] == results[1][0] != ""
    built = [error for _, error in results if "building the C library" in error]
    assert len(built) == 1
    assert "was built in" in built[0]
