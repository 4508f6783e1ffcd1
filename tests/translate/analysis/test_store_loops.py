"""Loops that store floating-point numbers give what the reference machine gives, also when they fault."""

from __future__ import annotations

import ctypes
import mmap
import random

import pytest

import armexec
from armexec.engines.translated import settle

NANS = {
    64: (0x7FF8_0000_0000_0000, 0xFFF8_0000_0000_0001, 0x7FF0_0000_0000_0003, 0xFFF4_0000_0000_0007),
    32: (0x7FC0_0000, 0xFFC0_0001, 0x7F80_0003, 0xFFA0_0007),
}
INFINITIES = {64: (0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000), 32: (0x7F80_0000, 0xFF80_0000)}
PAGE = mmap.PAGESIZE
FIXED, RESULTS, MOVING = 0, PAGE // 2, PAGE
"""Where the three pointers go at first, in bytes; the last one moves on, and from `END` on nothing can be read."""
END = 3 * PAGE


class Memory:
    """Pages of which the last can't be accessed."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, END + PAGE)
        self.bytes = (ctypes.c_uint8 * (END + PAGE)).from_buffer(self._map)
        self.address = ctypes.addressof(self.bytes)
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        assert libc.mprotect(self.address + END, PAGE, 0) == 0

    def fill(self, content: bytes) -> None:
        ctypes.memmove(self.address, content, END)

    def content(self) -> bytes:
        return ctypes.string_at(self.address, END)


@pytest.fixture(scope="module")
def memory() -> Memory:
    return Memory()


class _Program:
    """A function of three pointers: a loop that stores the same places in each round."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.esize = rng.choice((64, 64, 32))
        self.count = rng.randrange(3, 14)
        self.step = rng.choice((8, 16, 32))
        self.labels = 0

    def label(self) -> str:
        self.labels += 1
        return f"l{self.labels}"

    def operation(self) -> str:
        rng = self.rng
        d, n, m = (rng.randrange(8) for _ in range(3))
        e, shape, lane = ("d", "2d", 2) if self.esize == 64 else ("s", "4s", 4)
        name = rng.choice(("fadd", "fsub", "fmul", "fdiv", "fmax", "fmin", "fadd", "fmul"))
        match rng.randrange(12):
            case 0 | 1 | 2 | 3:
                return f"{name} {e}{d}, {e}{n}, {e}{m}"
            case 4 | 5 | 6:
                return f"{name} v{d}.{shape}, v{n}.{shape}, v{m}.{shape}"
            case 7:
                return f"fmadd {e}{d}, {e}{n}, {e}{m}, {e}{rng.randrange(8)}"
            case 8:
                return f"fmla v{d}.{shape}, v{n}.{shape}, v{m}.{e}[{rng.randrange(lane)}]"
            case 9:
                return rng.choice((f"fneg {e}{d}, {e}{n}", f"fabs v{d}.{shape}, v{n}.{shape}", f"fsqrt {e}{d}, {e}{n}"))
            case 10:
                return rng.choice((f"mov v{d}.{e}[1], v{n}.{e}[0]", f"mov v{d}.16b, v{n}.16b", f"movi v{d}.2d, #0"))
            case _:
                return f"fcmp {e}{n}, {e}{m}\n fcsel {e}{d}, {e}{n}, {e}{m}, {rng.choice(('gt', 'ne', 'vs', 'mi'))}"

    def access(self, name: str) -> str:
        rng = self.rng
        size = self.esize // 8
        wide = rng.random() < 0.4
        kind = "q" if wide else "d" if self.esize == 64 else "s"
        offset = rng.randrange(6) * (16 if wide else size)
        shift = 4 if wide else size.bit_length() - 1
        places = [f"[x1, #{offset}]", f"[x6, #{offset}]", f"[x6], #{1 << shift}", f"[x7, x5, lsl #{shift}]"]
        if rng.random() < 0.15 and wide and name == "ldr":
            a, b = rng.sample(range(8), 2)
            return f"ldp q{a}, q{b}, [{rng.choice(('x1', 'x6'))}, #{offset}]"
        return f"{name} {kind}{rng.randrange(8)}, {rng.choice(places)}"

    def update(self) -> list[str]:
        """An element loaded, computed with, and stored where it was."""
        e, size = ("d", 8) if self.esize == 64 else ("s", 4)
        at = f"[{self.rng.choice(('x1', 'x6'))}, #{size * self.rng.randrange(16)}]"
        return [f"ldr {e}0, {at}", *(self.operation() for _ in range(self.rng.randrange(1, 3))), f"str {e}0, {at}"]

    def moving(self) -> list[str]:
        """What lies at the pointer that moves on, added to what nothing else stores: only used loads have to fault."""
        rng = self.rng
        name = rng.choice(("fadd", "fmul", "fsub"))
        if rng.random() < 0.5:
            shape = "2d" if self.esize == 64 else "4s"
            at = f"[x8, #{32 * rng.randrange(4)}]"
            lines = ["ldp q0, q1, [x0]", f"ldp q2, q3, {at}"]
            lines += [f"{name} v{2 + i}.{shape}, v{2 + i}.{shape}, v{i}.{shape}" for i in range(2)]
            return [*lines, f"stp q2, q3, {at}"]
        e, size = ("d", 8) if self.esize == 64 else ("s", 4)
        at = f"[x8, #{size * rng.randrange(16)}]"
        return [f"ldr {e}1, [x0]", f"ldr {e}0, {at}", f"{name} {e}0, {e}0, {e}1", f"str {e}0, {at}"]

    def body(self) -> list[str]:
        rng = self.rng
        lines: list[str] = []
        for _ in range(rng.randrange(1, 6)):
            kind = rng.random()
            if kind < 0.3:
                lines += self.update()
            elif kind < 0.6:
                lines.append(self.access(rng.choice(("ldr", "ldr", "str"))))
            else:
                lines.append(self.operation())
        if rng.random() < 0.1:
            # What speculation can't go past.
            odd = ["fmov x9, d0", "ldr x10, [x1]", "str x9, [x1, #40]", "fcvt s0, d0", "ldr b3, [x1]"]
            odd.append("fmaxnm d0, d1, d2")
            lines.insert(rng.randrange(len(lines) + 1), rng.choice(odd))
        if rng.random() < 0.25:
            skip = self.label()
            at = rng.randrange(len(lines))
            condition = rng.choice(("tbz x4, #0,", "cbz x5,", "cmp x5, #2\n b.hi", "tbz x3, #0,", "fcmp d0, d1\n b.gt"))
            lines[at:at] = [f"{condition} {skip}"]
            lines.insert(rng.randrange(at + 1, len(lines) + 1), f"{skip}:")
        return lines

    def text(self) -> str:
        rng = self.rng
        leave = ["fcmp d0, d1" if self.esize == 64 else "fcmp s0, s1", f"b.{rng.choice(('gt', 'vs', 'eq'))} done"]
        inner = []
        if rng.random() < 0.7:
            inner = [f"mov x4, #{rng.randrange(1, 6)}", "inner:", *self.body(), "subs x4, x4, #1", "b.ne inner"]
        lines = [
            *(f"ldr q{i}, [x1, #{16 * i}]" for i in range(8)),
            *("mov x9, #0", "mov x10, #0", f"mov x3, #{self.count}", "add x7, x1, #256", "add x8, x1, #1024"),
            "outer:",
            *("add x6, x1, #128", f"mov x5, #{rng.randrange(4)}"),
            *self.moving(),
            *self.body(),
            *inner,
            *(leave if rng.random() < 0.3 else []),
            *(self.body() if rng.random() < 0.5 else []),
            f"add x0, x0, #{self.step}",
            *("subs x3, x3, #1", "b.ne outer", "done:"),
            *(f"str q{i}, [x2, #{16 * i}]" for i in range(8)),
            *("str x3, [x2, #128]", "str x6, [x2, #136]", "str x9, [x2, #144]", "mov x0, x9", "ret"),
        ]
        if rng.random() < 0.6:
            return "\n".join(lines)
        # A caller with something in registers that the loop has too.
        saves = ["entry:", "stp x29, x30, [sp, #-48]!", "stp x19, x2, [sp, #16]", "stp d8, d9, [sp, #32]"]
        saves += ["mov x19, #77", "fmov d8, #1.5", "bl loops", "ldp x3, x2, [sp, #16]"]
        ends = ["str x19, [x2, #160]", "str d8, [x2, #168]", "mov x19, x3"]
        ends += ["ldp d8, d9, [sp, #32]", "ldp x29, x30, [sp], #48", "ret", "loops:"]
        return "\n".join([*saves, *ends, *lines])


def _content(rng: random.Random, esize: int, late: int) -> bytes:
    """Numbers, and from the byte `late` on some that aren't."""
    kind, one = (ctypes.c_double, ctypes.c_uint64) if esize == 64 else (ctypes.c_float, ctypes.c_uint32)
    early, odd = rng.choice(((0.0, 0.05), (0.0, 0.3), (0.0, 0.8), (0.001, 0.1)))
    words = []
    for i in range(END * 8 // esize):
        if rng.random() < (odd if i * esize // 8 >= late else early):
            words.append(rng.choice(rng.choice((NANS, INFINITIES))[esize]))
        else:
            words.append(one.from_buffer(kind(rng.uniform(-2, 2))).value)
    return bytes((one * len(words))(*words))


def _run(f: armexec.Function, memory: Memory, content: bytes, moving: int) -> tuple[object, bytes]:
    memory.fill(content)
    at = memory.address
    try:
        result: object = f(at + moving, at + FIXED, at + RESULTS)
    except armexec.MemoryFault as fault:
        # Which of the loads of a pair faults first isn't kept.
        result = (fault.address - at) // PAGE, fault.access, fault.pc - f.address
    return result, memory.content()


def _compare(seed: int, memory: Memory) -> None:
    rng = random.Random(f"store loops/{seed}")
    program = _Program(rng)
    text = program.text()
    prototype = "unsigned long(void *, void *, void *)"
    ours, theirs = (armexec.function(text, prototype, engine=engine) for engine in ("translated:O2", "reference"))
    for _ in range(4):
        # Some come to the end of what can be read.
        near = END - rng.randrange(1, program.count + 2) * program.step
        moving = rng.choice((MOVING, MOVING, near))
        content = _content(rng, program.esize, moving + rng.randrange(5) * program.step)
        (mine, after), (right, wanted) = (_run(f, memory, content, moving) for f in (ours, theirs))
        if isinstance(mine, tuple) and isinstance(right, tuple):
            # Which of the operands of an instruction was loaded where isn't always known.
            mine, right = mine[:2], right[:2]
        assert (mine, after) == (right, wanted), f"seed {seed}:\n{text}"


@pytest.mark.parametrize("block", range(4))
def test_random_loops_give_what_the_reference_machine_gives(block: int, memory: Memory) -> None:
    for seed in range(block * 3, block * 3 + 3):
        _compare(seed, memory)


@pytest.mark.long
def test_many_random_loops(memory: Memory) -> None:
    for seed in range(1000, 2000):
        _compare(seed, memory)


SUM = """
    mov x3, #40
outer:
    ldr d1, [x0], #8
    ldr d0, [x1]
    fadd d0, d0, d1
    str d0, [x1]
    subs x3, x3, #1
    b.ne outer
    fmov x0, d0
    ret
"""
DEFAULT = 0x7FF8_0000_0000_0000
"""Arm's default NaN; x86's has the sign set."""


def _sum(memory: Memory, engine: str, moving: int, values: dict[int, int]) -> tuple[object, int]:
    """SUM's result and what it has stored; `values`: bits by round."""
    words = [0] * (END // 8)
    for at, value in values.items():
        if moving // 8 + at < len(words):
            words[moving // 8 + at] = value
    content = bytes((ctypes.c_uint64 * len(words))(*words))
    f = armexec.function(SUM, "unsigned long(void *, void *, void *)", engine=engine)
    result, after = _run(f, memory, content, moving)
    return result, int.from_bytes(after[:8], "little")


@pytest.mark.parametrize("engine", ["translated:O2", "reference"])
def test_a_nan_that_is_stored_and_loaded_again_is_the_right_one(engine: str, memory: Memory) -> None:
    up, down = INFINITIES[64]
    assert _sum(memory, engine, MOVING, {20: up, 30: down}) == (DEFAULT, DEFAULT)
    # A signaling NaN, made quiet; the one after it counts for nothing.
    first = _sum(memory, engine, MOVING, {20: 0x7FF0_0000_0000_0123, 30: 0x7FF8_0000_0000_0456})
    assert first[1] == 0x7FF8_0000_0000_0123
    # Of two, a signaling one goes first.
    later = _sum(memory, engine, MOVING, {20: 0x7FF8_0000_0000_0456, 30: 0x7FF0_0000_0000_0123})
    assert later[1] == 0x7FF8_0000_0000_0123


@pytest.mark.parametrize("engine", ["translated:O2", "reference"])
@pytest.mark.parametrize("rounds", [0, 1, 2, 3, 19, 25, 39])
def test_a_fault_finds_memory_as_it_should_be(engine: str, rounds: int, memory: Memory) -> None:
    up, down = INFINITIES[64]
    result, stored = _sum(memory, engine, END - 8 * rounds, {10: up, 18: down})
    assert result == (END // PAGE, "read", 4)
    assert stored == (DEFAULT if rounds > 18 else 0)


PRODUCT = """
void product(const double *a, const double *b, double *c, long n) {
  for (long i = 0; i < n; i++)
    for (long k = 0; k < n; k++)
      for (long j = 0; j < n; j++) c[i * n + j] += a[i * n + k] * b[k * n + j];
}
"""
SIDE = 70


def test_nans_in_a_product_of_matrices() -> None:
    """Of each element, the first NaN in the order of the sum, made quiet; the default NaN where infinities cancel."""
    module = armexec.compile(PRODUCT, "c", "-O2", engine="translated", flags=("-ffp-contract=off",))
    rng = random.Random(7)
    a, b, c = ((ctypes.c_double * SIDE**2)(*(rng.uniform(1, 2) for _ in range(SIDE**2))) for _ in range(3))
    bits = (ctypes.c_uint64 * SIDE**2).from_buffer(b)
    plain = list(c)
    for row, column, value in ((60, 3, NANS[64][2]), (65, 3, NANS[64][1]), (50, 69, NANS[64][3]), (61, 9, 0)):
        bits[row * SIDE + column] = value
    bits[20 * SIDE + 11], bits[68 * SIDE + 11] = INFINITIES[64]
    module.product(a, b, c, SIDE)
    settle(60)
    for i, value in enumerate(plain):
        c[i] = value
    module.product(a, b, c, SIDE)
    result = (ctypes.c_uint64 * SIDE**2).from_buffer(c)
    for i in range(SIDE):
        row = result[i * SIDE : (i + 1) * SIDE]
        assert [row[3], row[69], row[11]] == [NANS[64][2] | 1 << 51, NANS[64][3] | 1 << 51, DEFAULT]
        expected = plain[i * SIDE + 9]
        for k in range(SIDE):
            expected += a[i * SIDE + k] * b[k * SIDE + 9]
        assert c[i * SIDE + 9] == expected


@pytest.mark.parametrize("step", [8, -8, 16, -16, 200])
def test_stores_in_any_direction(step: int) -> None:
    """80 of them in each round: more places than are kept, where they don't adjoin."""
    f = armexec.function(
        f"""
    outer:
        mov x3, #80
        mov x4, x0
    inner:
        ldr d0, [x4]
        fadd d0, d0, d1
        str d0, [x4]
        add x4, x4, #{step}
        subs x3, x3, #1
        b.ne inner
        fadd d1, d1, d2
        subs x1, x1, #1
        b.ne outer
        ret
        """.replace("add x4, x4, #-", "sub x4, x4, #"),
        "void(void *, long, double, double, double)",
        engine="translated:O2",
    )
    words = (ctypes.c_uint64 * 4100)()
    at = ctypes.addressof(words) + (0 if step > 0 else 8 * 4000)
    words[(at - ctypes.addressof(words) + 40 * step) // 8] = INFINITIES[64][1]
    # In the fourth round, infinity: added to minus infinity it is the default NaN.
    f(at, 6, 0.0, 1e308, 0.6e308)
    expected = {at + i * step: 0x7FF0_0000_0000_0000 for i in range(80)} | {at + 40 * step: DEFAULT}
    found = {ctypes.addressof(words) + 8 * i: word for i, word in enumerate(words) if word}
    assert found == expected


@pytest.mark.parametrize("engine", ["translated:O2", "reference"])
@pytest.mark.parametrize("rounds", [2, 3, 5, 30])
def test_a_nan_that_stays_in_a_register_is_the_right_one(engine: str, rounds: int) -> None:
    f = armexec.function(
        """
        movi d2, #0
    outer:
        ldr d1, [x0], #8
        fadd d2, d2, d1
        ldr d0, [x1]
        fadd d0, d0, d0
        str d0, [x1]
        subs x2, x2, #1
        b.ne outer
        fmov x0, d2
        ret
        """,
        "unsigned long(void *, void *, long)",
        engine=engine,
    )
    words = (ctypes.c_uint64 * 64)()
    words[rounds - 2], words[rounds - 1] = INFINITIES[64]
    number = ctypes.c_double(1.0)
    assert f(ctypes.addressof(words), ctypes.addressof(number), rounds) == DEFAULT
    assert number.value == 2.0**rounds
    # It comes up before the end, and is gone by then as far as memory tells.
    words[rounds] = 0x7FF8_0000_0000_0123
    number.value = 1.0
    assert f(ctypes.addressof(words), ctypes.addressof(number), rounds + 8) == DEFAULT
    assert number.value == 2.0 ** (rounds + 8)


@pytest.mark.parametrize("engine", ["translated:O2", "reference"])
def test_a_pointer_that_is_not_aligned_in_later_rounds(engine: str) -> None:
    """X6 is X0 of the round before, and that goes on by 4 bytes: in the last round it leads into a NaN that is gone."""
    f = armexec.function(
        """
        add x6, x1, #32
        mov x3, #4
    outer:
        ldr d1, [x6]
        str d1, [x1, #16]
        ldr d2, [x2], #8
        fsub d0, d2, d2
        str d0, [x1]
        mov x6, x0
        add x0, x0, #4
        subs x3, x3, #1
        b.ne outer
        ret
        """,
        "void(void *, void *, void *)",
        engine=engine,
    )
    words = (ctypes.c_uint64 * 16)()
    words[3] = 0x3FF0_0000
    words[12] = INFINITIES[64][0]
    at = ctypes.addressof(words)
    f(at + 12, at + 16, at + 80)
    assert words[2] == 0
    # The upper half of the default NaN below, and what stands behind it.
    assert words[4] == 0x3FF0_0000_7FF8_0000
