"""The heap, what ends a program, and what is done when it is closed, from C."""

from __future__ import annotations

import random
import re
import threading
from ctypes import c_long, memmove, memset, string_at

import pytest

import armexec
from armexec.module import Module
from engines import AVAILABLE

from .helpers import TARGETS, module, quick

HEAP = """
typedef __SIZE_TYPE__ size_t;
void *malloc(size_t), *calloc(size_t, size_t), *realloc(void *, size_t), *aligned_alloc(size_t, size_t);
int posix_memalign(void **, size_t, size_t);
void free(void *);
void *get(size_t n) { return malloc(n); }
void *zeroed(size_t n, size_t size) { return calloc(n, size); }
void *again(void *p, size_t n) { return realloc(p, n); }
void *aligned(size_t a, size_t n) { return aligned_alloc(a, n); }
int posix(void **p, size_t a, size_t n) { return posix_memalign(p, a, n); }
int give(void *p) { free(p); return 0; }
static unsigned long next(unsigned long *state) { return *state = *state * 6364136223846793005UL + 99; }
// Takes and gives blocks in a random order, each filled with a byte of its own; the number of those that were changed.
long churn(unsigned long seed, long steps, unsigned char own) {
    enum { N = 64 };
    unsigned char *blocks[N] = {0};
    size_t sizes[N];
    long wrong = 0;
    for (long i = 0; i < steps; i++) {
        int at = next(&seed) >> 33 & (N - 1);
        if (blocks[at]) {
            for (size_t j = 0; j < sizes[at]; j += 7) wrong += blocks[at][j] != (unsigned char)(own + at);
            free(blocks[at]);
            blocks[at] = 0;
        } else {
            sizes[at] = (next(&seed) >> 33 & 4095) >> (next(&seed) >> 33 & 7);
            if ((next(&seed) >> 33 & 63) == 0) sizes[at] += 100000;
            blocks[at] = malloc(sizes[at]);
            if (!blocks[at]) return -1;
            for (size_t j = 0; j < sizes[at]; j++) blocks[at][j] = own + at;
        }
    }
    for (int at = 0; at < N; at++) free(blocks[at]);
    return wrong;
}
"""


def heap(engine: str, target: str = "linux") -> Module:
    return module(HEAP, engine, target, "-O1", ("-fno-builtin",))


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", ["linux", "apple"])
def test_blocks_are_apart_aligned_and_as_large_as_asked(engine: str, target: str) -> None:
    m, r = heap(engine, target), random.Random(1)
    sizes = [0, 1, 15, 17, 128, 129, 160, 161, 4096, 32768, 32769, 65536, 65537, 1 << 20, *[r.randrange(40_000)] * 3]
    blocks = sorted((m.get(size), size) for size in sizes)
    for (address, size), (after, _) in zip(blocks, [*blocks[1:], (1 << 64, 0)], strict=True):
        assert address
        assert address % 16 == 0
        assert address + max(size, 1) <= after
        memset(address, 255, size)
    for address, _ in blocks:
        m.give(address)
    m.give(None)
    zeros = m.zeroed(5, 40)
    assert string_at(zeros, 200) == bytes(200)
    m.give(zeros)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_alignment(engine: str) -> None:
    m, at = heap(engine), (c_long * 1)()
    for align in (1, 8, 16, 32, 256, 4096, 32768, 65536, 1 << 20):
        for size in (1, 100, 5000, 70_000):
            assert m.aligned(align, size) % align == 0
    assert [m.aligned(align, 10) for align in (0, 3, 48)] == [0, 0, 0]
    assert m.posix(at, 64, 10) == 0
    assert at[0] % 64 == 0
    assert [m.posix(at, align, 10) for align in (0, 4, 24)] == [22] * 3
    assert m.posix(at, 8, 1 << 60) == 12


@pytest.mark.parametrize("engine", AVAILABLE)
def test_blocks_grow_and_shrink_with_what_they_hold(engine: str) -> None:
    m, r = heap(engine), random.Random(2)
    at, content = m.again(None, 1), b""
    for size in (1, 17, 100, 40, 2000, 70_000, 200_000, 90_000, 1000, 3):
        at = m.again(at, size)
        assert string_at(at, min(size, len(content))) == content[:size]
        content = r.randbytes(size)
        memmove(at, content, size)
    m.give(at)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_memory_that_is_given_back_is_given_again(engine: str) -> None:
    m = heap(engine)
    for size in (3000, 100_000, 300 << 20):
        for _ in range(3):
            at = m.get(size)
            assert at
            m.give(at)
    first = [m.get(60 << 20) for _ in range(8)]
    assert all(first)
    assert m.get(60 << 20) == 0
    for at in first:
        m.give(at)
    whole = m.get(450 << 20)  # what was apart is one again
    assert whole
    m.give(whole)
    assert m.get(1 << 40) == m.zeroed(1 << 40, 1 << 40) == 0


def test_threads_share_the_heap() -> None:
    m = heap("translated")
    results: list[int] = []

    def work(seed: int) -> None:
        results.append(m.churn(seed, 20_000, 50 * seed))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0] * 4


def test_churn_on_the_reference_engine() -> None:
    assert heap("reference").churn(1, 8, 3) == 0


@pytest.mark.parametrize("engine", AVAILABLE)
def test_what_malloc_has_not_given_cant_be_freed(engine: str) -> None:
    m = heap(engine)
    block = m.get(100)
    for wrong in (8, block + 8, block + 16, (1 << 47) - 16):
        with pytest.raises(armexec.Aborted, match=r"free got a pointer that malloc hasn't given.*\(give"):
            m.give(wrong)
    large = m.get(100_000)
    m.give(large)
    with pytest.raises(armexec.Aborted, match="free got a pointer"):
        m.give(large)


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", ["linux", "apple"])
def test_the_stack_protector(engine: str, target: str) -> None:
    source = """
    int fill(char *p, int n) { for (int i = 0; i < n; i++) p[i] = 'a'; return p[0]; }
    int guarded(int n) { char text[16]; return fill(text, n) + text[3]; }
    """
    m = module(source, engine, target, "-O0", ("-fstack-protector-all",))
    assert m.guarded(16) == 2 * ord("a")
    with pytest.raises(armexec.Aborted, match=r"stack protector found its guard overwritten.*\(_?guarded\+"):
        m.guarded(40)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_overflows_under_ftrapv(engine: str) -> None:
    calls = {
        "add": ("a + b", [(2**31 - 1, 1), (-(2**31), -1)], (1, 2, 3)),
        "sub": ("a - b", [(-(2**31), 1), (2**31 - 1, -1)], (5, 7, -2)),
        "mul": ("a * b", [(1 << 16, 1 << 15), (-(2**31), -1)], (1 << 15, -(1 << 16), -(2**31))),
    }
    lines = ["typedef __int128 s128;"]
    for n, t in (("s", "int"), ("d", "long"), ("t", "s128")):
        for name in ("add", "sub", "mul"):
            lines.append(f"{t} __{name}v{n}i3({t}, {t});")
        lines += [f"{t} __negv{n}i2({t}); {t} __absv{n}i2({t});"]
    for n, t in (("s", "int"), ("d", "long")):
        for name in ("add", "sub", "mul"):
            lines.append(f"{t} {n}{name}({t} a, {t} b) {{ return __{name}v{n}i3(a, b); }}")
        lines += [f"{t} {n}neg({t} a) {{ return __negv{n}i2(a); }} {t} {n}abs({t} a) {{ return __absv{n}i2(a); }}"]
    lines.append(
        "long tadd(long a, long b) { return __addvti3((s128)a << 64, (s128)b << 64) >> 64; }"
        "long tmul(long a, long b) { return __mulvti3((s128)a << 40, (s128)b << 40) >> 80; }"
        "long tneg(long a) { return __negvti2((s128)a << 64) >> 64; } long tabs(long a) { return __absvti2(a); }"
    )
    m = module("\n".join(lines), engine)
    for name, (_, overflows, (a, b, wanted)) in calls.items():
        for n, scale in (("s", 1), ("d", 1 << 32)):
            assert m[n + name](a, b) == wanted
            for x, y in overflows:
                large = (x * scale + (scale - 1 if x > 0 else 0)) if name != "mul" or x < 0 else x << (scale > 1) * 32
                with pytest.raises(armexec.Aborted, match=f"signed integer overflowed .*__{name}v{n}i3"):
                    m[n + name](large, y)
    for n, least in (("s", -(2**31)), ("d", -(2**63))):
        for name in ("neg", "abs"):
            assert m[n + name](-5) == 5
            with pytest.raises(armexec.Aborted, match="overflowed"):
                m[n + name](least)
    assert (m.tadd(3, -5), m.tmul(3, -5), m.tneg(7), m.tabs(-9)) == (-2, -15, -7, 9)
    for call in (lambda: m.tadd(2**62, 2**62), lambda: m.tmul(2**40, 2**40)):
        with pytest.raises(armexec.Aborted, match="overflowed"):
            call()
    with pytest.raises(armexec.Aborted, match="overflowed"):
        m.tneg(-(2**63))


@pytest.mark.parametrize("target", ["linux", "apple"])
def test_what_ftrapv_makes(target: str) -> None:
    """Clang puts breakpoints of its own, gcc calls functions."""
    source = """
    int add(int a, int b) { return a + b; }
    int sub(int a, int b) { return a - b; }
    int mul(int a, int b) { return a * b; }
    int neg(int a) { return -a; }
    """
    m = module(source, "reference", target, "-O0", ("-ftrapv",))
    assert (m.add(6, 7), m.sub(6, 7), m.mul(6, 7), m.neg(6)) == (13, -1, 42, -6)
    least = -(2**31)
    for call, what in [
        (lambda: m.add(least, -1), "an addition overflowed"),
        (lambda: m.sub(least, 1), "a subtraction overflowed"),
        (lambda: m.mul(least, -1), "a multiplication overflowed"),
        (lambda: m.neg(least), "subtraction|negation"),
    ]:
        with pytest.raises(armexec.BreakpointHit, match=what):
            call()


def test_what_clangs_checks_make() -> None:
    source = """
    int divide(int a, int b) { return a / b; }
    int shift(int a, int b) { return a << b; }
    int index(int i) { int a[4] = {1, 2, 3, 4}; return a[i]; }
    int read(int *p) { return *p; }
    int convert(double x) { return x; }
    int never(void) { __builtin_unreachable(); }
    int trap(void) { __builtin_trap(); }
    """
    flags = ("-fsanitize=undefined,float-cast-overflow", "-fsanitize-trap=all", "-w")
    m = module(source, "reference", "linux", "-O0", flags)
    for call, what in [
        (lambda: m.divide(1, 0), "a division overflowed, or was by zero"),
        (lambda: m.shift(1, 40), "a shift is by too much"),
        (lambda: m.index(7), "an index is out of bounds"),
        (lambda: m["read"](None), "a pointer is null"),
        (lambda: m.convert(1e300), "doesn't fit into the integer type"),
        (m.never, "unreachable was reached"),
        (m.trap, "__builtin_trap"),
    ]:
        with pytest.raises(armexec.BreakpointHit, match=what):
            call()


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", TARGETS)
def test_abort(engine: str, target: str) -> None:
    m = module("void abort(void); int f(int x) {\n if (x) abort();\n return 3; }", engine, target)
    assert m.f(0) == 3
    with pytest.raises(armexec.Aborted, match=re.escape("abort was called")) as caught:
        m.f(1)
    assert caught.value.source.endswith(":2")
    assert m.f(0) == 3


def test_a_programs_own_breakpoint_is_none_of_this() -> None:
    m = module('int f(void) { __asm__("brk #0xa640"); return 1; }', "reference")
    with pytest.raises(armexec.BreakpointHit):
        m.f()


@pytest.mark.parametrize("engine", AVAILABLE)
def test_atexit(engine: str) -> None:
    source = """
    int atexit(void (*)(void));
    long *at;
    void one(void) { *at = *at * 10 + 1; }
    void two(void) { *at = *at * 10 + 2; atexit(one); }
    int f(long *to) { at = to; return atexit(one) | atexit(two); }
    """
    at = (c_long * 1)()
    m = armexec.compile(source, language="c", opt="-O1", engine=quick(engine))
    assert m.f(at) == 0
    m.close()
    assert at[0] == 211


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", ["linux", "apple"])
def test_destructors_are_called_when_the_module_is_closed(engine: str, target: str) -> None:
    source = """
    int atexit(void (*)(void));
    long *at;
    static void note(int digit) { if (at) *at = *at * 10 + digit; }
    __attribute__((constructor)) void start(void) { note(9); }
    __attribute__((destructor(200))) void last(void) { note(4); }
    __attribute__((destructor)) void first(void) { note(2); }
    __attribute__((destructor(300))) void then(void) { note(3); }
    static void exit(void) { note(1); }
    int f(long *to) { at = to; return atexit(exit); }
    """
    at = (c_long * 1)()
    m = armexec.compile(source, language="c", opt="-O1", target=target, engine=quick(engine))
    assert m.f(at) == 0
    m.close()
    assert at[0] == 1234


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", ["linux", "apple"])
def test_fortified_copies(engine: str, target: str) -> None:
    source = """
    typedef __SIZE_TYPE__ size_t;
    void *__memcpy_chk(void *, const void *, size_t, size_t), *__memset_chk(void *, int, size_t, size_t);
    int copy(char *to, const char *from, size_t n, size_t room) { return __memcpy_chk(to, from, n, room) == to; }
    int fill(char *to, size_t n, size_t room) { return __memset_chk(to, 7, n, room) == to; }
    """
    m, room = module(source, engine, target, "-O1", ("-fno-builtin",)), bytearray(8)
    assert (m.copy(room, b"abcd", 4, 8), m.fill(room, 2, 8)) == (1, 1)
    assert room == b"\7\7cd\0\0\0\0"
    for call in (lambda: m.copy(room, b"a" * 9, 9, 8), lambda: m.fill(room, 9, 8)):
        with pytest.raises(armexec.Aborted, match=r"would write past the end .*\(_?(copy|fill)\+"):
            call()


def test_versions_of_macos() -> None:
    source = """
    int old(void) { return __builtin_available(macOS 11.0, *); }
    int new(void) { return __builtin_available(macOS 14.0, *); }
    """
    m = module(source, "reference", "apple", "-O0")
    assert (m.old(), m.new()) == (1, 0)
