"""benchmarks/scale.py translates what it says, and tells linear growth from worse."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import armexec
from armexec.translate.codegen.llvm import compiled_modules

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "scale.py"


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_scale", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("shape", ["straight", "chain", "fan"])
def test_the_shapes_run_all_their_code(scale: ModuleType, shape: str) -> None:
    words = scale.SHAPES[shape](100)
    assert 90 <= len(words) <= 100
    results = {
        armexec.function(words, "long(long, long, long)", engine=engine)(1, 2, 3)
        for engine in ("translated", "reference")
    }
    assert len(results) == 1
    assert results != {armexec.function(scale.SHAPES[shape](20), "long(long, long, long)")(1, 2, 3)}


def test_a_size_is_measured(scale: ModuleType) -> None:
    figures = scale.translate("straight", 10, "O0")
    assert set(figures) == {"seconds", "memory", "code"}
    assert figures["seconds"] > 0


def test_an_age_is_measured(scale: ModuleType) -> None:
    rows = scale.age([2, 5], "O0")
    assert list(rows) == [2, 5]
    assert all(row["seconds"] > 0 for row in rows.values())


def test_many_small_functions_are_translated_together(scale: ModuleType) -> None:
    before = compiled_modules()
    assert scale.crowd(300)["seconds"] > 0
    assert compiled_modules() - before < 300 / 8


def test_growth(scale: ModuleType) -> None:
    def rows(*seconds: float) -> dict[int, dict[str, float]]:
        return {10**i: {"seconds": s} for i, s in enumerate(seconds)}

    assert scale.exponent(rows(0.2, 2.0, 20.0)) == pytest.approx(1.0)
    assert scale.exponent(rows(0.2, 2.0, 200.0)) == pytest.approx(2.0)
    assert scale.exponent(rows(0.001, 0.05)) is None
