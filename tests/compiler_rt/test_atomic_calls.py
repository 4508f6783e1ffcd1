"""The functions for atomic operations of 1 to 16 bytes, and of any size."""

from __future__ import annotations

import threading
from ctypes import addressof, c_long, c_uint8, c_uint64

import pytest

import armexec
from engines import AVAILABLE

from .helpers import TARGETS, module

TYPES = {1: "unsigned char", 2: "unsigned short", 4: "unsigned", 8: "unsigned long", 16: "unsigned __int128"}
OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "nand": lambda a, b: ~(a & b),
}


def _source() -> str:
    lines = [f"typedef {t} u{n};" for n, t in TYPES.items()]
    wrap = "void {0}(void *at, const void *value, void *result) {{ *(u{1} *)result = {2}; }}"
    for n in TYPES:
        for name in OPERATIONS:
            for call in (f"__atomic_fetch_{name}_{n}", f"__atomic_{name}_fetch_{n}"):
                lines.append(f"u{n} {call}_(u{n} *, u{n}, int) __asm__(NAME({call}));")
                lines.append(wrap.format("b" + call, n, f"{call}_(at, *(u{n} *)value, 5)"))
        for call, arguments in ((f"__atomic_load_{n}", "at, 5"), (f"__atomic_exchange_{n}", f"at, *(u{n} *)value, 5")):
            parameters = f"u{n} *, int" if "load" in call else f"u{n} *, u{n}, int"
            lines.append(f"u{n} {call}_({parameters}) __asm__(NAME({call}));")
            lines.append(wrap.format("b" + call, n, f"{call}_({arguments})"))
        lines.append(f"void __atomic_store_{n}_(u{n} *, u{n}, int) __asm__(NAME(__atomic_store_{n}));")
        lines.append(f"void bstore{n}(void *at, const void *v) {{ __atomic_store_{n}_(at, *(u{n} *)v, 5); }}")
        call = f"__atomic_compare_exchange_{n}"
        lines.append(f"int {call}_(u{n} *, void *, u{n}, int, int) __asm__(NAME({call}));")
        lines.append(f"int bcas{n}(void *at, void *e, const void *v) {{ return {call}_(at, e, *(u{n} *)v, 5, 5); }}")
        lines.append(f"int __atomic_test_and_set_{n}_(u{n} *, int) __asm__(NAME(__atomic_test_and_set_{n}));")
        lines.append(f"int bset{n}(void *at) {{ return __atomic_test_and_set_{n}_(at, 5); }}")
    prefix = '#ifdef __APPLE__\n#define NAME(x) "_" #x\n#else\n#define NAME(x) #x\n#endif\n'
    return prefix + "\n".join(lines)


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize(("target", "n"), [("linux", 1), ("linux", 2), ("apple", 4), ("linux", 8), ("linux", 16)])
def test_sizes(engine: str, target: str, n: int) -> None:
    m, mask = module(_source(), engine, target, "-O1", ()), (1 << 8 * n) - 1
    memory, operand, result = (c_uint64 * 2)(), (c_uint64 * 2)(), (c_uint64 * 2)()

    def put(to: object, value: int) -> None:
        to[0], to[1] = value & (1 << 64) - 1, value >> 64  # type: ignore[index]

    def get(at: object) -> int:
        return (at[0] | at[1] << 64) & mask  # type: ignore[index]

    a, b = 0xF1E2D3C4B5A69788_0123456789ABCDEF & mask, 0x0F0F0F0F33335555_FEDCBA9876543211 & mask
    for name, operation in OPERATIONS.items():
        wanted = operation(a, b) & mask
        for call, given in ((f"b__atomic_fetch_{name}_{n}", a), (f"b__atomic_{name}_fetch_{n}", wanted)):
            put(memory, a)
            put(operand, b)
            m[call](memory, operand, result)
            assert (get(memory), get(result)) == (wanted, given), call
    put(memory, a)
    m[f"b__atomic_load_{n}"](memory, operand, result)
    assert get(result) == a
    m[f"b__atomic_exchange_{n}"](memory, operand, result)
    assert (get(memory), get(result)) == (b, a)
    m[f"bstore{n}"](memory, result)
    assert get(memory) == a
    put(result, b)
    assert m[f"bcas{n}"](memory, result, operand) == 0
    assert get(result) == a
    assert m[f"bcas{n}"](memory, result, operand) == 1
    assert get(memory) == b
    put(memory, 0)
    assert [m[f"bset{n}"](memory), m[f"bset{n}"](memory), get(memory)] == [0, 1, 1]


ANY = """
struct S { char bytes[%SIZE%]; };
void load(struct S *at, struct S *to) { __atomic_load(at, to, 5); }
void store(struct S *at, struct S *from) { __atomic_store(at, from, 5); }
void exchange(struct S *at, struct S *from, struct S *to) { __atomic_exchange(at, from, to, 5); }
int compare(struct S *at, struct S *expected, struct S *from) {
    return __atomic_compare_exchange(at, expected, from, 0, 5, 5);
}
int lock_free(long n, void *at) { return __atomic_is_lock_free(n, at); }
// Counts in a structure of three words, which are always the same.
long count(long *at, long n) {
    struct T { long a, b, c; } old, next;
    long wrong = 0;
    __atomic_load((struct T *)at, &old, 5);
    while (n) {
        wrong += old.a != old.b || old.b != old.c;
        next = (struct T){old.a + 1, old.b + 1, old.c + 1};
        n -= __atomic_compare_exchange((struct T *)at, &old, &next, 0, 5, 5);
        if (n) __atomic_load((struct T *)at, &old, 5);
    }
    return wrong;
}
"""


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize(("size", "offset"), [(3, 0), (24, 0), (8, 4)])
def test_any_size(engine: str, size: int, offset: int) -> None:
    m = module(ANY.replace("%SIZE%", str(size)), engine, TARGETS[size % 2], "-O1", ())
    memory, value, other = ((c_uint8 * 64)(*range(start, start + 64)) for start in (0, 100, 150))
    address = addressof(memory) + offset
    before, first, second = bytes(memory), bytes(value)[:size], bytes(other)[:size]

    def now() -> bytes:
        data = bytes(memory)
        assert data[:offset] + data[offset + size :] == before[:offset] + before[offset + size :]
        return data[offset : offset + size]

    m.store(address, value)
    assert now() == first
    m.exchange(address, other, value)
    assert (now(), bytes(value)[:size]) == (second, first)
    m.load(address, value)
    assert bytes(value)[:size] == second
    value[0] ^= 1
    assert m.compare(address, value, other) == 0
    assert bytes(value)[:size] == second
    replacement = (c_uint8 * 64)(*range(64))
    assert m.compare(address, value, replacement) == 1
    assert now() == bytes(replacement)[:size]


def test_threads_and_locks() -> None:
    m = module(ANY.replace("%SIZE%", "24"), "translated", "linux", "-O1", ())
    memory = (c_long * 3)()
    wrong: list[int] = []
    threads = [threading.Thread(target=lambda: wrong.append(m.count(memory, 5000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, list(memory)) == ([0] * 4, [20_000] * 3)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_a_fault_leaves_no_lock(engine: str) -> None:
    m = module(ANY.replace("%SIZE%", "24"), engine, "linux", "-O1", ())
    memory = (c_uint8 * 64)()
    for _ in range(2):
        for call in (lambda: m.load(memory, 8), lambda: m.store(memory, 8), lambda: m.exchange(memory, memory, 8)):
            with pytest.raises(armexec.MemoryFault):
                call()
    m.load(memory, memory)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_is_lock_free(engine: str) -> None:
    m = module(ANY.replace("%SIZE%", "24"), engine, "linux", "-O1", ())
    assert [m.lock_free(n, 64) for n in (1, 2, 4, 8, 16, 3, 24, 32)] == [1, 1, 1, 1, 1, 0, 0, 0]
    assert [m.lock_free(n, 65) for n in (1, 2, 8)] == [1, 0, 0]
