"""Shared libraries that find no C library: armexec's own stands in, with glibc's names."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
from tests.objects.dynamic.libraries import shared

import armexec
from armexec.toolchain import wheel_compiler
from engines import AVAILABLE
from samples import one_of

pytestmark = pytest.mark.skipif(wheel_compiler() is None, reason="the C library comes out of the ziglang package")
SOURCE = r"""
typedef unsigned long size_t;
typedef __builtin_va_list va_list;
extern int printf(const char *, ...), atexit(void (*)(void)), *__errno_location(void);
extern void *malloc(size_t), free(void *);
extern long __isoc23_strtol(const char *, char **, int);
extern unsigned long __isoc23_strtoul(const char *, char **, int);
extern int __snprintf_chk(char *, size_t, int, size_t, const char *, ...);
extern int __sprintf_chk(char *, int, size_t, const char *, ...);
extern char *__strcpy_chk(char *, const char *, size_t), *__strcat_chk(char *, const char *, size_t);
extern char *__strncat_chk(char *, const char *, size_t, size_t), *__strdup(const char *);
extern void *__memcpy_chk(void *, const void *, size_t, size_t), *fopen64(const char *, const char *);
extern unsigned arc4random_uniform(unsigned);
extern const unsigned short **__ctype_b_loc(void);

__thread int counted = 7, zeroed;
static __thread long aligned __attribute__((aligned(64))) = 100;
int started, ended;
__attribute__((constructor)) static void start(int argc, char **argv, char **env) {
    started = argc + (argv[0] != 0) + !env[0];
}
static void at_end(void) { printf("the end\n"); }
int thread_local_sum(void) { counted++; zeroed += 2; aligned += 10; return counted + zeroed + aligned; }
int said(int x) { return printf("said %d", x); }
void leaves(void) { atexit(at_end); }
int opens(const char *path) { void *f = fopen64(path, "r"); return f ? 0 : *__errno_location(); }
long parsed(const char *text, int base, int *used) {
    char *end;
    long v = __isoc23_strtol(text, &end, base);
    *used = end - text;
    return v;
}
unsigned long parsed_unsigned(const char *text, int base) { return __isoc23_strtoul(text, 0, base); }
int text(char *to, int room, int x) {
    __snprintf_chk(to, room, 1, room, "%d-%s", x, "abc");
    return __sprintf_chk(to + 50, 1, 50, "%s|%5.2f|%d", to, 1.5, 12);
}
void copy(char *to, const char *from, int room) {
    __strcpy_chk(to, from, room);
    __strcat_chk(to, "+", room);
    __strncat_chk(to, "xyz", 2, room);
}
int random_below(int n) { return arc4random_uniform(n); }
int is_digit(int c) { return ((*__ctype_b_loc())[c] & 0x800) != 0; }
int allocates(int n) {
    char *a = malloc(n), *b = __strdup("duplicated");
    __memcpy_chk(a, b, 11, n);
    int r = a[0] + a[9];
    free(a);
    free(b);
    return r;
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared(tmp_path_factory.mktemp("shared"), "libs.so", SOURCE, "-g")


@pytest.fixture(params=one_of(2, [engine for engine in AVAILABLE if engine != "native"]))
def m(request: pytest.FixtureRequest, library: Path) -> armexec.Module:
    return armexec.load(library, engine=request.param)


def test_nothing_is_missing(m: armexec.Module) -> None:
    assert m.missing == {}
    assert m.globals["started"] == 3


def test_output_and_the_end(m: armexec.Module, capfd: pytest.CaptureFixture[str]) -> None:
    assert m.said(12) == 7
    assert capfd.readouterr().out == "said 12"
    m.leaves()
    m.close()
    assert capfd.readouterr().out == "the end\n"


def test_thread_local_variables(m: armexec.Module) -> None:
    assert [m.thread_local_sum() for _ in range(3)] == [120, 133, 146]


def test_functions_of_glibc(m: armexec.Module) -> None:
    to = ctypes.create_string_buffer(100)
    assert m.text(to, 50, -5) == len("-5-abc| 1.50|12")
    assert to.value == b"-5-abc"
    assert to.raw[50:].rstrip(b"\0") == b"-5-abc| 1.50|12"
    m.copy(to, "abcd", 8)
    assert to.value == b"abcd+xy"
    assert m.allocates(40) == ord("d") * 2
    assert {m.random_below(3) for _ in range(60)} == {0, 1, 2}
    assert m.opens("/dev/null") == 0
    assert m.opens("/etc/localtime") == 2  # ENOENT
    assert [m.is_digit(ord(c)) for c in "09a "] == [1, 1, 0, 0]


def test_overflows_are_detected(m: armexec.Module, capfd: pytest.CaptureFixture[str]) -> None:
    to = ctypes.create_string_buffer(100)
    for text, room in (("abcd", 4), ("abcd", 5), ("abcd", 7)):
        with pytest.raises(armexec.Aborted, match="buffer overflow detected"):
            m.copy(to, text, room)
    assert "buffer overflow" in capfd.readouterr().err
    m.copy(to, "abcd", 8)


@pytest.mark.parametrize(
    ("text", "base", "value", "used"),
    [
        ("0b101", 0, 5, 5),
        (" -0B11x", 2, -3, 6),
        ("0b2", 0, 0, 1),
        ("0b", 0, 0, 1),
        ("0x1f", 0, 31, 4),
        ("0b11", 16, 0xB11, 4),
        ("-0b1" + "0" * 63, 0, -(1 << 63), 67),
        ("0b1" + "0" * 63, 0, (1 << 63) - 1, 66),
        ("017", 0, 15, 3),
    ],
)
def test_numbers_of_c23(m: armexec.Module, text: str, base: int, value: int, used: int) -> None:
    end = ctypes.c_int()
    assert m.parsed(text, base, end) == value
    assert end.value == used
    assert m.parsed_unsigned(text, base) == value & (1 << 64) - 1 or value == (1 << 63) - 1


def test_imports_come_first(library: Path) -> None:
    """Also for the C library's own calls it stays what it is."""
    given: list[int] = []

    def mine(size: int) -> int:
        given.append(size)
        return ctypes.addressof(kept)

    kept = ctypes.create_string_buffer(100)
    imports = {"malloc": armexec.callback(mine, "void *(unsigned long)"), "free": lambda address: None}
    with armexec.load(library, engine="translated", imports=imports) as m:
        assert m.allocates(40) == ord("d") * 2
    assert given == [40]
