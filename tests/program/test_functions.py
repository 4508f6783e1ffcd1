"""Functions called from Python in modules that need the C or the C++ library."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

import armexec
from armexec.engines import get_engine
from armexec.objects import load_image
from armexec.toolchain import compile_object
from samples import one_of

from .guest import needs_c, needs_cxx

ENGINES = ["translated:O0", "reference"]
SOURCE = r"""
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int made;
_Thread_local int counter = 5;
__attribute__((constructor)) static void first(void) { made = 40; fputs("first,", stdout); }
__attribute__((destructor)) static void last(void) { printf("last"); }
int show(int x) { printf("%d;", x); return ++made; }
double number(const char *text) { return strtod(text, 0); }
char *letters(int n) { char *p = malloc(n + 1); memset(p, 'a', n); p[n] = 0; return p; }
void give(char *p) { free(p); }
int error(void) { errno = 3; return strtol("99999999999999999999", 0, 10) && errno == ERANGE; }
int count(int by) { return counter += by; }
int key(const void *a, const void *b) { return *(int *)a - *(int *)b; }
void sort(int *p, int n) { qsort(p, n, sizeof *p, key); }
int each(int (*f)(int), int n) { int sum = 0; for (int i = 0; i < n; i++) sum += f(i); printf("%d;", sum); return sum; }
void leave(int status) { exit(status); }
int fails(int *p) { printf("before;"); return *p; }
"""


@needs_c
@pytest.mark.parametrize("engine", ENGINES)
def test_functions_use_the_library(engine: str, capfd: pytest.CaptureFixture[str]) -> None:
    with armexec.compile(SOURCE, "c", target="linux", engine=engine) as m:
        assert capfd.readouterr().out == "first,"
        assert (m.show(7), m.show(8)) == (41, 42)
        # What a call has written is there when it comes back.
        assert capfd.readouterr().out == "7;8;"
        assert m.number("0x1.8p3") == 12.0
        text = m.letters.returning(str)
        assert [text(n) for n in (0, 5, 100_000)] == ["", "aaaaa", "a" * 100_000]
        m.give(m.letters(50_000))
        assert m.error() == 1
        assert (m.count(1), m.count(2)) == (6, 8)
        numbers = [3, 1, 2]
        m.sort(numbers, 3)
        assert numbers == [1, 2, 3]
        # Python is called inside, and calls the guest in turn.
        assert m.each(m.show, 2) == 43 + 44
        assert m.each(lambda n: m.count(n) + 1, 2) == 9 + 10
        assert capfd.readouterr().out == "0;1;87;19;"
        assert {f.name for f in m.functions} >= {"show", "number"}
        assert "printf" not in {f.name for f in m.functions}
    assert capfd.readouterr().out == "last"


@needs_c
@pytest.mark.parametrize("engine", ENGINES)
def test_errors_leave_the_module_usable(engine: str, capfd: pytest.CaptureFixture[str]) -> None:
    m = armexec.compile(SOURCE, "c", target="linux", engine=engine)
    with pytest.raises(armexec.MemoryFault, match=r"can't read memory at 0x8 .*fails"):
        m.fails(8)
    assert capfd.readouterr().out == "first,before;"
    with pytest.raises(armexec.Aborted, match="ended itself with exit status 3"):
        m.leave(3)
    assert m.number("2.5") == 2.5


FILES = r"""
#include <errno.h>
#include <stdio.h>
static FILE *kept;
int number(const char *name) {
    FILE *in = fopen(name, "r");
    if (!in) return -errno;
    int n = 0;
    fscanf(in, "%d", &n);
    fclose(in);
    return n;
}
int store(const char *name, int n) {
    FILE *out = fopen(name, "w");
    if (!out) return -errno;
    fprintf(out, "%d", n);
    return fclose(out);
}
int keep(const char *name, const char *how) { kept = fopen(name, how); return kept ? 0 : -errno; }
int next(void) { return kept ? fgetc(kept) : -2; }
int put(int c) { return fputc(c, kept); }
"""


@needs_c
@pytest.mark.parametrize("engine", one_of(2, ENGINES[::-1]))
def test_files_are_below_the_folders_given(engine: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("42")
    files = {"/data": str(tmp_path)}
    with armexec.compile(FILES, "c", target="linux", engine=engine, files=files) as m:
        files["/elsewhere"] = str(tmp_path)
        assert (m.number("/data/in"), m.number("/data/nowhere"), m.store("/data/out", 1)) == (42, -2, -30)
        with pytest.raises(armexec.SystemCallDenied, match=r"/elsewhere/in, and no folder was given .*fopen"):
            m.number("/elsewhere/in")
        with pytest.raises(armexec.SystemCallDenied, match="leads out of the folder /data"):
            m.number("/data/../in")
        assert m.number("/data/in") == 42
    assert not (tmp_path / "out").exists()
    with armexec.compile(FILES, "c", target="linux", engine=engine, files={"/data": f"{tmp_path}:rw"}) as m:
        assert (m.store("/data/out", 7), m.number("/data/out")) == (0, 7)
    with (
        armexec.compile(FILES, "c", target="linux", engine=engine) as m,
        pytest.raises(armexec.SystemCallDenied, match=r'files=\{"/data": "a folder"\} gives one'),
    ):
        m.number("/data/in")


@needs_c
@pytest.mark.slow
def test_objects_and_assembly_have_files(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("42")
    file = tmp_path / "a.o"
    file.write_bytes(compile_object(FILES, language="c", target="linux").data)
    files = {"/d": str(tmp_path)}
    for given in (file, [file], file.read_bytes()):
        with armexec.load(given, engine="translated:O0", files=files) as m:
            assert m.number("/d/in") == 42
    text = "f: stp x29, x30, [sp, #-16]!; mov x1, #0; bl open; ldp x29, x30, [sp], #16; ret"
    f = armexec.function(text, "int f(const char *)", engine="translated:O0", files=files)
    assert f("/d/in") == 3
    f.module.close()


@needs_c
def test_open_files_are_closed_with_the_module(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("ab")
    m = armexec.compile(FILES, "c", target="linux", engine="translated:O0", files={"/d": f"{tmp_path}:rw"})
    assert (m.keep("/d/in", "r"), m.next()) == (0, ord("a"))
    # A thread of Python's goes on where another was.
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(m.next()))
    thread.start()
    thread.join()
    assert found == [ord("b")]
    assert (m.keep("/d/out", "w"), m.put(ord("x"))) == (0, ord("x"))
    m.close()
    # What was buffered is written at the end, as by exit().
    assert (tmp_path / "out").read_text() == "x"
    if os.path.isdir("/proc/self/fd"):
        links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
        assert [link for link in links if os.path.realpath(link).startswith(str(tmp_path))] == []


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    source = "int f(int x) { return x; }"
    for files, message in (
        ({"/data": str(tmp_path / "nowhere")}, "nowhere is no folder"),
        ({"data": str(tmp_path)}, "'data' is no absolute path"),
        ({"/data": 3}, "3 is no folder for '/data'"),
        ([str(tmp_path)], "is no dict of folders"),
    ):
        wrong: Any = files
        with pytest.raises(armexec.LoadError, match=message):
            armexec.compile(source, "c", files=wrong)
        with pytest.raises(armexec.LoadError, match=message):
            armexec.function("ret", "int(int)", files=wrong)
        with pytest.raises(armexec.LoadError, match=message):
            armexec.load(tmp_path / "a.o", files=wrong)
    with pytest.raises(armexec.SignatureError, match="can't open files"):
        armexec.compile(source, "c", files={"/data": str(tmp_path)}, isolate="process")
    assert armexec.compile(source, "c", engine="reference", files={"/data": str(tmp_path)}).f(3) == 3


@needs_c
@pytest.mark.slow
def test_threads_call_one_after_the_other() -> None:
    m = armexec.compile(SOURCE, "c", target="linux", engine="translated:O0")
    text = m.letters.returning(str)
    results: list[object] = []

    def work() -> None:
        for n in range(50):
            results.append(len(text(100 * n)) + m.number("0.5"))
            m.count(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted([100 * n + 0.5 for n in range(50)] * 4)  # type: ignore[type-var]
    # They are one thread of the guest.
    assert m.count(0) == 5 + 200


@needs_c
def test_imports_come_before_the_library(capfd: pytest.CaptureFixture[str]) -> None:
    source = '#include <stdio.h>\n#include <stdlib.h>\nint f(int x) { printf("%d", abs(x)); return rand() + abs(x); }'
    m = armexec.compile(
        source, "c", target="linux", engine="translated:O0", imports={"rand": armexec.callback(lambda: 4, "int(void)")}
    )
    assert m.f(-3) == 7
    assert capfd.readouterr().out == "3"


def test_modules_that_need_no_library_wait_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armexec.libraries.link.library_files", None)
    source = "#include <string.h>\nint rand(void);\nint f(const char *s) { return strlen(s) + rand(); }"
    assert (
        armexec.compile(
            source, "c", engine="translated:O0", imports={"rand": armexec.callback(lambda: 4, "int(void)")}
        ).f("abc")
        == 7
    )


@needs_c
def test_code_for_the_processor_itself_is_translated_where_it_needs_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Native:
        name = "native"

    monkeypatch.setattr("armexec.module.links.get_engine", lambda name: get_engine(name) if name else Native())
    source = "#include <stdlib.h>\ndouble f(const char *s) { return strtod(s, 0); }"
    image = load_image(compile_object(source, language="c", target="linux").data)
    module = armexec.Module(image)
    assert (module.engine, module.f("2.5")) == ("translated", 2.5)


@pytest.mark.slow
@needs_cxx
@pytest.mark.parametrize("engine", [pytest.param("translated:O0", marks=pytest.mark.long), "reference"])
def test_exceptions_are_caught_in_the_guest(engine: str) -> None:
    source = """
    #include <string>
    #include <vector>
    #include <stdexcept>
    int throws(int x) { if (x > 3) throw x; return x; }
    extern "C" int lets_out(int x) { if (x > 3) throw std::out_of_range("too large"); return x; }
    extern "C" int catches(int x) { try { return throws(x); } catch (...) { return -1; } }
    extern "C" long total(int n) {
        std::vector<std::string> v;
        for (int i = 0; i < n; i++) v.push_back(std::to_string(i));
        std::string all;
        for (auto &s : v) all += s;
        return all.size();
    }
    """
    m = armexec.compile(source, opt="-O1", target="linux", engine=engine)
    assert [m.catches(n) for n in (3, 4, 5)] == [3, -1, -1]
    assert m.total(20) == 30
    with pytest.raises(armexec.GuestException, match="std::out_of_range: too large"):
        m.lets_out(4)
    assert (m.lets_out(3), m.catches(5)) == (3, -1)
