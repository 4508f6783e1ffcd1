"""memcpy and its like, against Python's bytes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import AVAILABLE

from .helpers import TARGETS, module

SOURCE = """
typedef __SIZE_TYPE__ size_t;
void *memcpy(void *, const void *, size_t);
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);
size_t strlen(const char *);

int copy(char *to, const char *from, size_t n) { return memcpy(to, from, n) == to; }
int move(char *base, size_t to, size_t from, size_t n) { return memmove(base + to, base + from, n) == base + to; }
int fill(char *base, size_t at, int byte, size_t n) { return memset(base + at, byte, n) == base + at; }
int compare(const char *a, size_t at, const char *b, size_t bt, size_t n) { return memcmp(a + at, b + bt, n); }
int equal(const char *a, const char *b, size_t n) { return memcmp(a, b, n) == 0; }
size_t length(const char *text, size_t at) { return strlen(text + at); }
void zero(char *base, size_t at, size_t n) { memset(base + at, 0, n); }
"""
PATTERNS = """
typedef __SIZE_TYPE__ size_t;
void memset_pattern4(void *, const void *, size_t);
void memset_pattern8(void *, const void *, size_t);
void memset_pattern16(void *, const void *, size_t);
int bcmp(const void *, const void *, size_t);
void bzero(void *, size_t);
size_t wcslen(const __WCHAR_TYPE__ *);
void four(char *to, const char *p, size_t n) { memset_pattern4(to, p, n); }
void eight(char *to, const char *p, size_t n) { memset_pattern8(to, p, n); }
void sixteen(char *to, const char *p, size_t n) { memset_pattern16(to, p, n); }
int differ(const char *a, const char *b, size_t n) { return bcmp(a, b, n) != 0; }
void zero(char *to, size_t n) { bzero(to, n); }
size_t wide(const char *text) { return wcslen((const __WCHAR_TYPE__ *)text); }
"""
RANDOM = bytes(random.Random(1).randrange(256) for _ in range(512))


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", TARGETS)
def test_every_size_of_copy_and_fill(engine: str, target: str) -> None:
    m = module(SOURCE, engine, target)
    for size in [*range(70), 127, 128, 129, 200]:
        to = bytearray(b"\xee" * 256)
        assert m.copy(to, RANDOM, size) == 1
        assert to == RANDOM[:size] + b"\xee" * (256 - size)
        at = size % 17
        assert m.fill(to, at, size | 0x7F00, size) == 1
        assert to[at : at + size] == bytes([size & 255]) * size
        assert to[at + size :] == (RANDOM[:size] + b"\xee" * 256)[at + size : 256]
        m.zero(to, at, size)
        assert to[at : at + size] == bytes(size)
        assert to[at + size : at + size + 8] == (RANDOM[:size] + b"\xee" * 256)[at + size : at + size + 8]


@pytest.mark.parametrize("engine", AVAILABLE)
@settings(deadline=None, max_examples=150)
@given(to=st.integers(0, 130), from_=st.integers(0, 130), size=st.integers(0, 300))
def test_move(engine: str, to: int, from_: int, size: int) -> None:
    memory = bytearray(RANDOM)
    expected = bytearray(RANDOM)
    expected[to : to + size] = expected[from_ : from_ + size]
    assert module(SOURCE, engine).move(memory, to, from_, size) == 1
    assert memory == expected


def test_every_short_distance_of_move() -> None:
    m = module(SOURCE, "translated")
    for size in range(100):
        for to in range(100, 170):
            memory = bytearray(RANDOM)
            expected = bytearray(RANDOM)
            expected[to : to + size] = expected[135 : 135 + size]
            m.move(memory, to, 135, size)
            assert memory == expected, (size, to - 135)


@pytest.mark.parametrize("engine", AVAILABLE)
@settings(deadline=None, max_examples=150)
@given(
    a=st.binary(max_size=80),
    at=st.integers(0, 9),
    bt=st.integers(0, 9),
    change=st.none() | st.tuples(st.integers(0, 79), st.integers(0, 255)),
)
def test_compare(engine: str, a: bytes, at: int, bt: int, change: tuple[int, int] | None) -> None:
    b = bytearray(a)
    if change and change[0] < len(b):
        b[change[0]] = change[1]
    m = module(SOURCE, engine)
    # What follows the size must not matter.
    found = m.compare(bytes(at) + a + b"\1", at, bytes(bt) + bytes(b) + b"\2", bt, len(a))
    assert (found > 0) - (found < 0) == (a > b) - (a < b)
    assert m.equal(a + b"\1", bytes(b) + b"\2", len(a)) == (a == b)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_length(engine: str) -> None:
    m = module(SOURCE, engine)
    # Values beside zero that a word-wise search could take for it.
    for byte in (1, 0x80, 0xFF):
        for at in range(9):
            for size in range(20):
                text = bytes(at) + bytes([byte]) * size + b"\0\1\0\x80"
                assert m.length(text, at) == size


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", TARGETS)
def test_patterns(engine: str, target: str) -> None:
    m = module(PATTERNS, engine, target)
    pattern = RANDOM[:16]
    for size in range(50):
        for name, width in {"four": 4, "eight": 8, "sixteen": 16}.items():
            to = bytearray(64)
            m[name](to, pattern, size)
            assert to == (pattern[:width] * 16)[:size] + bytes(64 - size)
        m.zero(to, size)
        assert to == bytes(64)
    assert m.differ(b"abcd", b"abcx", 4) == 1
    assert m.differ(b"abcd", b"abcx", 3) == 0
    assert m.wide("größer".encode("utf-32-le") + bytes(4)) == 6


STRUCTS = """
typedef struct { char text[%d]; } S;
S table[3];
void put(int i, char byte) { S s; for (int k = 0; k < sizeof s; k++) s.text[k] = byte + k; table[i] = s; }
void assign(int to, int from) { table[to] = table[from]; }
static S passed(S s) { s.text[0]++; return s; }
S (*volatile through)(S) = passed;
void hand(int to, int from) { table[to] = through(table[from]); }
void clear(int i) { S s = {0}; table[i] = s; }
int get(int i, int k) { return (unsigned char)table[i].text[k]; }
"""


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("opt", ["-O0", "-O2"])
def test_struct_copies(engine: str, target: str, opt: str) -> None:
    size = 1000
    m = module(STRUCTS % size, engine, target, opt)
    assert any(s.name.lstrip("_") == "memcpy" for s in m.image.symbols)
    m.put(0, 5)
    m.assign(1, 0)
    m.hand(2, 1)
    m.clear(0)
    for k in (0, 1, 499, size - 1):
        assert [m.get(i, k) for i in range(3)] == [0, (5 + k) & 255, (5 + k + (k == 0)) & 255]


LOOPS = """
typedef __SIZE_TYPE__ size_t;
size_t count(const char *s) { size_t n = 0; while (*s++) n++; return n; }
void clear(int *p, size_t n) { for (size_t i = 0; i < n; i++) p[i] = 0; }
void sevens(int *p, size_t n) { for (size_t i = 0; i < n; i++) p[i] = 7; }
void down(int *p, size_t n) { for (size_t i = 0; i < n; i++) p[i] = p[i + 1]; }
void sync(char *a, char *b) { __builtin___clear_cache(a, b); }
"""


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", TARGETS)
def test_what_clang_makes_of_loops(engine: str, target: str) -> None:
    import array

    m = module(LOOPS, engine, target)
    assert m.count(b"armexec\0") == 7
    p = array.array("i", range(20))
    m.down(p, 10)
    assert list(p) == [*range(1, 11), *range(10, 20)]
    m.sevens(p, 5)
    m.clear(p, 3)
    assert list(p[:7]) == [0, 0, 0, 7, 7, 6, 7]
    m.sync(p, p)
