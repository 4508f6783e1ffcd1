"""Labels of IR text: none of one kind is one of another, whatever the addresses and however much stands before."""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Iterator

import pytest

import armexec
from armexec.engines.translated import LoadedTranslatedImage
from armexec.translate.mode import NONSPECULATIVE, SPECULATIVE
from armexec.translate.tiers import BASELINE, OPTIMIZED
from armexec.translate.unit_registry import Argument, Shape

from ..guest import load

LABEL = re.compile(r"^([^\s;:]+):", re.MULTILINE)
VALUE = re.compile(r"^\s*%([\w.]+) = ", re.MULTILINE)
PARAMETER = re.compile(r"%([\w.]+)[,)]")
FRESH = re.compile(r"[a-z]+\.\d+")
PLACE = re.compile(r"[a-z]+(\.x-?[0-9a-f]+)+")
ALONE = re.compile(r"[a-z_]+")


def functions(text: str) -> Iterator[str]:
    """The functions that a text defines."""
    for part in text.split("\ndefine ")[1:]:
        yield part.partition("\n}")[0]


def problems(text: str) -> list[str]:
    """The names that a function of a text gives more than once, and labels that could be another kind's."""
    found = []
    for function in functions(text):
        title, _, body = function.partition("\n")
        labels = LABEL.findall(body)
        names = Counter([*labels, *VALUE.findall(body), *PARAMETER.findall(title)])
        found += [f"{title}: {name} {count} times" for name, count in names.items() if count > 1]
        found += [f"{title}: {at}" for at in labels if not any(form.fullmatch(at) for form in (FRESH, PLACE, ALONE))]
    return found


def texts(loaded: LoadedTranslatedImage, offset: int, arguments: int = 3) -> Iterator[str]:
    """All that is made of a function."""
    shape = Shape(tuple(Argument(n, 64, True) for n in range(arguments)))
    for mode in (SPECULATIVE, NONSPECULATIVE):
        for tier in (BASELINE, OPTIMIZED):
            for way_in in (shape, None):
                record, _ = loaded.translator.plan(loaded.base + offset, way_in, tier, mode)
                yield record.source(tier)


def add_after(nops: int) -> str:
    """An atomic addition, and a loop some words behind it, so that the loop's address has many values."""
    return f"""
        f: l: ldaxr x1, [x0]
           add x1, x1, #1
           neg x6, x1
           stlxr w2, x1, [x0]
           cbnz w2, l
        {"nop" + chr(10)}{("nop" + chr(10)) * nops}
        m: add x4, x4, x1
           subs x3, x3, #1
           b.ne m
           mov x0, x4
           ret"""


@pytest.mark.parametrize("engine", ["translated", "translated:O2", "reference"])
def test_an_atomic_addition_and_a_loop(engine: str) -> None:
    f = armexec.function(add_after(24), "long(long *, long, long, long)", engine=engine)
    number = ctypes.c_long(41)
    assert f(number, 0, 0, 3) == 3 * 42
    assert number.value == 42


def test_a_loop_at_any_distance_from_an_atomic_addition() -> None:
    for nops in range(60):
        loaded, labels = load(add_after(nops))
        # Of the first tier, which is entered at its loops too.
        record, _ = loaded.translator.plan(loaded.base + labels["f"], None, BASELINE, SPECULATIVE)
        assert problems(record.source(BASELINE)) == []
        loaded.close()


ATOMICS = """
#include <stdatomic.h>
#define LOOPS(TYPE, NAME) \\
    TYPE NAME(_Atomic TYPE *p, TYPE *q, long n) { \\
        TYPE sum = 0, seen = 0; \\
        for (long i = 0; i < n; i++) sum += q[i]; \\
        atomic_fetch_add(p, sum); \\
        for (long i = n; i > 0; i--) atomic_fetch_xor_explicit(p, q[i - 1] | sum, memory_order_relaxed); \\
        while (!atomic_compare_exchange_weak(p, &seen, seen + 1)) sum++; \\
        for (long i = 0; i < n; i++) { if (q[i] > sum) atomic_exchange(p, q[i]); else atomic_fetch_and(p, ~q[i]); } \\
        if (atomic_load(p) == 3) while (atomic_fetch_sub(p, 1) > 1) sum ^= 5; \\
        return sum + atomic_load(p); }
LOOPS(long, of_long)
LOOPS(int, of_int)
LOOPS(short, of_short)
LOOPS(char, of_char)
"""
NUMBERS = """
typedef double (*Function)(double);
double twice(double x) { return x + x; }
double half(double x) { return x / 2; }
static Function table[] = {twice, half};
double apply(double *p, double *q, long n) {
    double sum = 0;
    for (long i = 0; i < n; i++) { sum += p[i] * q[i]; p[i] = table[i & 1](sum); }
    for (long i = 0; i < n; i++) for (long j = 0; j < n; j++) q[j] += p[i] * q[j];
    switch (n) { case 1: sum += 1; case 2: sum *= 3; break; case 3: sum /= 7; break; case 4: return 8; case 5: sum--; }
    return n > 4 ? apply(p, q, n - 1) : sum;
}
"""


@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("source", [ATOMICS, NUMBERS], ids=["atomics", "numbers"])
def test_no_name_is_given_twice(source: str, level: str) -> None:
    module = armexec.compile(source, "c", level, engine="translated")
    loaded = module.loaded
    for function in module.image.functions:
        for text in texts(loaded, function.offset):
            assert problems(text) == []


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2", "-O3"])
def test_atomics_of_every_size_with_loops_around_them(level: str) -> None:
    found = []
    for engine in ("translated", "reference"):
        module = armexec.compile(ATOMICS, "c", level, engine=engine)
        results = []
        for name, type in (("long", ctypes.c_long), ("int", ctypes.c_int), ("short", ctypes.c_short)):
            target, numbers = type(7), (type * 5)(3, 1, 4, 1, 5)
            results.append((module[f"of_{name}"](target, numbers, 5), target.value))
        found.append(results)
    assert found[0] == found[1]
