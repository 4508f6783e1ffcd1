"""Optimizations switched off by name: the same results, other code, and kept apart in the cache."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import armexec
from armexec.engines.translated import LoadedTranslatedImage, TranslatedEngine
from armexec.translate.codegen.llvm import compile_stages, compiled_modules, host_features, llvm
from armexec.translate.compiled_unit import CompiledUnit
from armexec.translate.mode import NONSPECULATIVE
from armexec.translate.policy import DEFAULT, OPTIMIZATIONS, Policy
from armexec.translate.tiers import BASELINE, OPTIMIZED, wait
from armexec.translate.unit_registry import Argument, Shape
from samples import one_of

from .guest import FIB, load

SOURCE = """
long fib(long n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static long add(long a, long b) { return a + b; }
static long subtract(long a, long b) { return a - b; }
static long mix(long a, long b) { return a * 31 ^ b; }
static long (*const operations[])(long, long) = {add, subtract, mix};
long apply(long count) {
    long result = 1;
    for (long i = 0; i < count; i++)
        result = operations[i % 3](result, i);
    return result;
}

long choose(long which) {
    switch (which & 31) {
    case 0: return fib(which & 7);
    case 1: return which * 3;
    case 2: return apply(which & 31);
    case 3: return -which;
    case 4: return which / 7;
    case 5: return which << 3;
    case 6: return ~which;
    case 7: return which ^ 0x1234;
    case 8: return which % 11;
    case 9: return which + 77;
    case 10: return which >> 2;
    case 11: return which * which;
    case 12: return 100 - which;
    case 13: return which | 0x100;
    case 14: return which & 0x55;
    default: return 99;
    }
}

unsigned checksum(const unsigned char *bytes, int count) {
    unsigned a = 1, b = 0;
    for (int i = 0; i < count; i++) {
        a = (a + bytes[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

double dot(const double *a, const double *b, long count) {
    double sum = 0;
    for (long i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

void step(double *position, double *velocity, double pull) {
    for (int i = 0; i < 4; i++) {
        velocity[3 * i] -= position[3 * i] * pull;
        velocity[3 * i + 1] -= position[3 * i + 1] * pull;
        velocity[3 * i + 2] -= position[3 * i + 2] * pull;
        position[3 * i] += velocity[3 * i];
        position[3 * i + 1] += velocity[3 * i + 1];
        position[3 * i + 2] += velocity[3 * i + 2];
    }
}

void saxpy(float *restrict y, const float *restrict x, float a, long count) {
    for (long i = 0; i < count; i++)
        y[i] += a * x[i];
}
"""


def _module(engine: str = "translated") -> armexec.Module:
    return armexec.compile(SOURCE, language="c", opt="-O2", target="linux", engine=engine)


def _results(module: armexec.Module) -> dict[str, Any]:
    """What the functions give, numbers by their bits; each is called often enough for every way to call it."""
    call: Callable[[str], Any] = module.__getitem__
    numbers = [0.5, -3.0, math.inf, 1e-310, math.nan, -math.inf, 7.25, 0.0, 1.0, 2.0, 3.0, 4.0]
    found: dict[str, Any] = {"fib": [call("fib")(n) for n in (0, 1, 10, 15)]}
    found["apply"] = [call("apply")(n) for n in (0, 1, 10, 50)]
    found["choose"] = [call("choose")(n) for n in range(-1, 40)]
    found["checksum"] = [call("checksum")(bytes(range(n)), n) for n in (0, 1, 17, 255)]
    dots = [call("dot")(numbers[a:], numbers[:b][::-1], min(12 - a, b)) for a, b in ((8, 4), (0, 12), (6, 6), (0, 2))]
    found["dot"] = struct.pack("4d", *dots)
    for name, values in (("finite", numbers[6:] * 2), ("others", numbers)):
        position, velocity = list(values), list(values[::-1])
        for _ in range(3):
            call("step")(position, velocity, 0.125)
        found[f"step {name}"] = struct.pack("24d", *position, *velocity)
        y, x = [float(i) for i in range(48)], [1e30 if math.isinf(v) else v for v in values * 4]
        for _ in range(3):
            call("saxpy")(y, x, 1.5, 48)
        found[f"saxpy {name}"] = struct.pack("48f", *y)
    return found


@cache
def _right() -> dict[str, Any]:
    return _results(_module("reference"))


NAMES = [*(name.replace("_", "-") for name in OPTIMIZATIONS), "", "all"]


@pytest.mark.parametrize("engine", ["translated", "translated:O2"])
@pytest.mark.parametrize("names", one_of(4, NAMES))
def test_the_same_results(names: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_DISABLE", names)
    module = _module(engine)
    assert _results(module) == _right()
    assert wait(60)
    assert _results(module) == _right()


def test_several_names_and_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_DISABLE", " vector-pairs, call_targets,")
    image = _loaded(_module())
    assert image.translator.policy == DEFAULT.without("vector_pairs", "call_targets")
    monkeypatch.delenv("ARMEXEC_DISABLE")
    assert _loaded(_module()).translator.policy == DEFAULT


def test_an_unknown_name_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_DISABLE", "vector-pairs,call-target")
    with pytest.raises(armexec.HostError, match="ARMEXEC_DISABLE: there is no optimization 'call-target'") as caught:
        _module()
    assert all(name.replace("_", "-") in str(caught.value) for name in OPTIMIZATIONS)


# -- each does something ---------------------------------------------------------------------------------------------


def _loaded(module: armexec.Module) -> LoadedTranslatedImage:
    loaded = module.loaded
    assert isinstance(loaded, LoadedTranslatedImage)
    return loaded


FOUR_LONGS = Shape(tuple(Argument(n, 64) for n in range(4)))


def _drafts(policy: Policy, tier: str = OPTIMIZED, shape: Shape | None = FOUR_LONGS) -> list[CompiledUnit]:
    """The units of the program's functions, one for each."""
    module = _module()
    loaded = TranslatedEngine(policy=policy).load(module.image, lambda _: None)
    translator = loaded.translator
    records = []
    for name in ("fib", "apply", "choose", "checksum", "dot", "step", "saxpy"):
        address = loaded.base + module[name].offset
        records.append(translator.plan(address, shape, tier, translator.mode)[0])
    return records


@pytest.mark.parametrize(
    "name",
    sorted(
        set(OPTIMIZATIONS)
        - {"tiers", "osr", "unrolling_by_cost", "vectorcall", "vectorization", "vector_pairs", "cold_interpretation"}
    ),
)
def test_it_changes_the_text(name: str) -> None:
    changed = [record.source(OPTIMIZED) for record in _drafts(DEFAULT.without(name))]
    assert changed != [record.source(OPTIMIZED) for record in _drafts(DEFAULT)]


def test_cold_interpretation(monkeypatch: pytest.MonkeyPatch) -> None:
    # Code for faster calls would be compiled meanwhile.
    for disabled in ("", "cold-interpretation"):
        monkeypatch.setenv("ARMEXEC_DISABLE", f"vectorcall,{disabled}")
        module = armexec.compile("int call(int (*fn)(int), int x) { return fn(x); }", "c", engine="translated")
        with armexec.CodeBuffer(armexec.assemble("add w0, w0, #1; ret").bytes) as code:
            # What calls it is translated now.
            with pytest.raises(armexec.MemoryFault):
                module.call(code.address + 8, 1)
            wait(10)
            before = compiled_modules()
            assert module.call(code, 1) == 2
            assert (compiled_modules() > before) == bool(disabled)


def test_vector_pairs() -> None:
    if not host_features().has("avx2"):
        pytest.skip("the host has no vectors of 256 bits")
    assert any("<8 x float>" in record.source(OPTIMIZED) for record in _drafts(DEFAULT))
    assert not any("<8 x float>" in record.source(OPTIMIZED) for record in _drafts(DEFAULT.without("vector_pairs")))


def test_tiers() -> None:
    policy = Policy(max_optimized_at_once=0)
    for without, tiers in ((policy, {BASELINE}), (policy.without("tiers"), {OPTIMIZED})):
        image, labels = load(FIB, tier="auto", policy=without)
        image.translator.entry(image.base + labels["fib"], Shape((Argument(0, 64),)))
        assert {unit.tier for unit in image.translator.units[:1]} == tiers


def test_on_stack_replacement() -> None:
    policy = Policy(max_optimized_at_once=0)
    assert any("@running monotonic" in record.source(BASELINE) for record in _drafts(policy, BASELINE, None))
    assert not any(
        "@running monotonic" in record.source(BASELINE) for record in _drafts(policy.without("osr"), BASELINE, None)
    )


def test_vectorcall(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[object] = []
    for names in ("vectorcall", ""):
        monkeypatch.setenv("ARMEXEC_DISABLE", names)
        function = _module().fib
        for _ in range(3):
            assert function(10) == 55
        assert wait(60)
        installed.append(type(function).__call__)
    assert "built-in" not in repr(installed[0])
    assert "built-in" in repr(installed[1])


def test_vectorization() -> None:
    text = """
        define void @f(ptr noalias %to, ptr noalias %from) {
        entry:
          br label %loop
        loop:
          %i = phi i64 [0, %entry], [%next, %loop]
          %a = getelementptr i32, ptr %from, i64 %i
          %b = getelementptr i32, ptr %to, i64 %i
          %v = load i32, ptr %a
          %w = mul i32 %v, %v
          store i32 %w, ptr %b
          %next = add i64 %i, 1
          %done = icmp eq i64 %next, 4096
          br i1 %done, label %out, label %loop
        out:
          ret void
        }
        """
    assert " x i32>" in compile_stages(text, tier=OPTIMIZED).optimized
    assert " x i32>" not in compile_stages(text, tier=OPTIMIZED, policy=DEFAULT.without("vectorization")).optimized


# -- the cache, and what LLVM makes of it ------------------------------------------------------------------------------


def test_kept_code_is_of_the_same_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("ARMEXEC_CACHE", raising=False)

    def compiled(policy: Policy) -> int:
        before = compiled_modules()
        image, labels = load(FIB, tier="O1", policy=policy)
        image.translator.entry(image.base + labels["fib"], Shape((Argument(0, 64),)))
        return compiled_modules() - before

    others = [DEFAULT.without("callee_saved"), Policy(max_inlined=7)]
    for policy in (DEFAULT, *others):
        assert compiled(policy) > 0
        assert compiled(policy) == 0


@pytest.mark.parametrize("tier", [BASELINE, OPTIMIZED])
@pytest.mark.parametrize("name", ["", "narrow_registers", "all"])
def test_llvm_accepts_the_text_before_and_after_the_passes_on_it(name: str, tier: str) -> None:
    names = OPTIMIZATIONS if name == "all" else [name] if name else []
    for record in _drafts(DEFAULT.without(*names), tier):
        with llvm().parse_assembly(record.source(tier)) as module:
            module.verify()


def test_modes_without_speculation() -> None:
    image, _ = load(FIB, policy=DEFAULT.without("nan_speculation"))
    assert image.translator.mode == NONSPECULATIVE
