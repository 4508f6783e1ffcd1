"""Calls through registers: of functions that are known to be pointed to, and of any others, mixed."""

from __future__ import annotations

import pytest

import armexec
from armexec.asm import assemble
from armexec.isa import decode
from armexec.translate.analysis.call_targets import _index
from armexec.translate.cfg.discovery import Block

from ..guest import functions

ENGINES = pytest.mark.parametrize("tier", ["O0", "O2"])

TEXT = """
    pick: stp x29, x30, [sp, #-64]!
         stp x19, x20, [sp, #16]
         stp x21, x22, [sp, #32]
         str d8, [sp, #48]
         mov x19, x0
         mov x20, x1
         mov x22, #7
         fmov d8, #2.5
         adr x21, first
         adr x9, second
         tst x0, #1
         csel x21, x9, x21, ne
         adr x9, plain
         tst x0, #2
         csel x21, x9, x21, ne
         sub x9, x21, #0
         // Into the middle of a function, where no pointer is known to lead.
         add x9, x9, x0, lsr #8
    loop: mov x0, x20
         mov x1, x19
         mov x15, x9
         str x9, [sp, #56]
         blr x15
         ldr x9, [sp, #56]
         add x22, x22, x0
         add x22, x22, x7
         sub x20, x20, #1
         cbnz x20, loop
         fcvtzs x1, d8
         add x0, x22, x1, lsl #32
         ldr d8, [sp, #48]
         ldp x21, x22, [sp, #32]
         ldp x19, x20, [sp, #16]
         ldp x29, x30, [sp], #64
         ret
    first: add x0, x0, #1
         mov x7, #3
         ret
    second: mov x22, #100 // not as the AAPCS64 has it
         add x0, x0, x0
         fmov d8, #7.0
         mov x7, x1
         ret
    plain: sub x0, x0, #5
         eor x7, x0, x1
         ret
"""


@ENGINES
@pytest.mark.parametrize("which", [0, 1, 2, 4 << 8, 8 << 8 | 1, 4 << 8 | 2])
def test_each_function_is_called_with_all_registers(tier: str, which: int) -> None:
    (pick,) = functions(TEXT, "pick/2", tier=tier)
    expected = armexec.function(TEXT, "long(long, long)", engine="reference")
    for count in (1, 2, 5):
        assert pick(which, count) == expected(which, count)


def test_a_guess_may_return_past_its_caller() -> None:
    text = """
        outer: mov x28, x30
             stp x29, x30, [sp, #-32]!
             str x28, [sp, #16]
             bl middle
             add x0, x0, #1000
             ldp x29, x30, [sp], #32
             ret
        middle: stp x29, x30, [sp, #-16]!
             adr x9, last
             blr x9
             add x0, x0, #100
             ldp x29, x30, [sp], #16
             ret
        last: cmp x0, #5
             b.gt far
             add x0, x0, #1
             ret
        // As longjmp does: middle's frame goes, and control goes on in outer.
        far: ldr x30, [sp, #8]
             add sp, sp, #16
             add x0, x0, #2
             ret
        """
    expected = armexec.function(text, "long(long)", engine="reference")
    (outer,) = functions(text, "outer/1")
    for value in (1, 5, 6, 9):
        assert outer(value) == expected(value)


def test_a_sort_through_a_pointer_that_c_takes() -> None:
    source = """
        typedef int (*order)(int, int);
        static int up(int a, int b) { return a - b; }
        static int down(int a, int b) { return b - a; }
        static int odd_first(int a, int b) { return (b & 1) - (a & 1) ? (b & 1) - (a & 1) : a - b; }
        static order orders[] = {up, down, odd_first};
        __attribute__((noinline)) static void sort(int *v, int n, order f) {
            for (int i = 1; i < n; i++)
                for (int j = i; j > 0 && f(v[j - 1], v[j]) > 0; j--) { int t = v[j]; v[j] = v[j - 1]; v[j - 1] = t; }
        }
        void sorted(int *v, int n, int which) { sort(v, n, *(order volatile *)&orders[which]); }
    """
    import numpy as np

    module = armexec.compile(source, "c", "-O2", engine="translated")
    for which, key in enumerate((lambda a: a, lambda a: -a, lambda a: (-(a & 1), a))):
        values = np.array([5, -3, 8, 1, 0, 12, 7, 7, -20, 4], dtype=np.int32)
        expected = sorted((int(v) for v in values), key=key)
        module.sorted(values, len(values), which)
        assert values.tolist() == expected


def _classes(count: int) -> str:
    classes = "".join(
        f"struct C{i} : B {{ long f(long a) override {{ return a + k + {i}; }}"
        f" long g(long a) override {{ return a ^ {i}; }} }};\nstatic C{i} c{i};\n"
        for i in range(count)
    )
    objects = ", ".join(f"&c{i}" for i in range(count))
    return f"""
        struct B {{ long k = 1; virtual long f(long) = 0; virtual long g(long) = 0; }};
        extern "C" void __cxa_pure_virtual() {{}}
        {classes}
        static B *all[] = {{ {objects} }};
        extern "C" long run(long n) {{
            long a = 0;
            for (long i = 0; i < n; i++) {{
                B *b = all[i % {count}];
                a = b->g(b->f(a));
            }}
            return a;
        }}
    """


@pytest.mark.parametrize(("count", "direct"), [(3, True), (20, True), (40, False)])
def test_virtual_functions_are_called_directly_where_few_stand_in_their_place(count: int, direct: bool) -> None:
    """Of many functions with pointers to them, those at the same place in their tables are few."""
    options = {"flags": ("-fno-rtti", "-fno-exceptions"), "opt": "-O2"}
    mod = armexec.compile(_classes(count), "c++", engine="translated:O2", **options)
    expected = armexec.compile(_classes(count), "c++", engine="reference", **options)
    assert mod.run(3 * count + 1) == expected.run(3 * count + 1)
    texts = [unit.compiled.source("O2") for unit in mod.loaded.translator.units]
    assert ("branch_weights" in "".join(texts)) is direct


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("ldr x8, [x0] \n ldr x9, [x8, #16] \n blr x9", 2),
        ("ldr x8, [x0] \n ldr x9, [x8] \n mov x0, x1 \n blr x9", 0),
        ("ldur x9, [x8, #8] \n blr x9", 1),
        ("ldr x9, [x8, #24] \n str x9, [sp, #8] \n ldr x0, [sp, #16] \n ldr x10, [sp, #8] \n blr x10", 3),
        ("ldr x9, [x8, #16] \n add x9, x9, #4 \n blr x9", None),
        ("ldr x9, [x8, x10, lsl #3] \n blr x9", None),
        ("ldur x9, [x8, #4] \n blr x9", None),
        ("ldr w9, [x8, #8] \n blr x9", None),
        ("blr x9", None),
        ("adr x8, . \n ldr x9, [x8, #16] \n blr x9", None),
    ],
)
def test_the_place_in_a_table_that_a_call_loads_from(text: str, index: int | None) -> None:
    block = Block(0x1000, [decode(word) or word for word in assemble(text).words], "call_to")
    assert _index(block) == index


def test_large_functions_are_not_translated_on_a_guess() -> None:
    """The first call of something small doesn't wait for all that pointers may lead to."""
    body = "".join(f"a = a * {i} + (a >> {i % 5 + 1});\n" for i in range(3, 120))
    functions_text = "".join(f"static long f{i}(long a) {{ {body} return a + {i}; }}\n" for i in range(8))
    table = ", ".join(f"f{i}" for i in range(8))
    text = (
        f"{functions_text} typedef long (*F)(long); F all[] = {{ {table} }}; long call(int i) {{ return all[i](1); }}"
    )
    mod = armexec.compile(text, "c", "-O1", engine="translated:O2")
    expected = armexec.compile(text, "c", "-O1", engine="reference")
    assert [mod.call(i) for i in (0, 7)] == [expected.call(i) for i in (0, 7)]
    assert mod.loaded.translator.units[0].compiled.instructions < 1000
