"""Sequences of random words: the reference machine and the translation agree. `scripts/fuzz` runs more of them."""

from __future__ import annotations

import pytest

from armexec.isa import decode

from . import on_reference, runner
from .generate import is_load_or_store
from .sequences import ENGINES, LENGTH, differing, sequence
from .state import Outcome, State


@pytest.mark.parametrize("engine", ENGINES)
def test_sequences(engine: str) -> None:
    failures = list(differing(engine, range(12)))
    assert not failures, "\n\n".join(failures)


@pytest.mark.parametrize(
    ("engine", "seed"), [("plain-O0", 4218190259), ("translated-O0", 3385417886), ("plain-O0", 2962546410)]
)
def test_what_fuzzing_has_found(engine: str, seed: int) -> None:
    # LLVM's PMADDWD with lanes that are known to be zero: see test_zero_lanes.py.
    assert not list(differing(engine, [seed]))


@pytest.mark.parametrize("seed", [578780630, 2387016234])
def test_what_llvm_has_given_up_on(seed: int) -> None:
    # It aborts for VTESTPS of a constant, with and without AVX2, but not where its passes have folded that.
    assert not list(differing("plain-O0", [seed]))


def test_sequences_have_words_of_all_kinds() -> None:
    words = [word for seed in range(60) for word in sequence(seed)[0].code]
    assert len(words) == 60 * LENGTH
    groups = {decoded.instruction.semantics.__module__ for word in words if (decoded := decode(word)) is not None}
    assert any("simd_fp" in group for group in groups)
    assert sum(map(is_load_or_store, words)) > len(words) // 20
    assert sequence(7) == sequence(7)


def test_a_difference_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(states: list[State]) -> list[Outcome]:
        outcomes = [on_reference.run(state) for state in states]
        outcomes[0].registers[5] ^= 1
        return outcomes

    monkeypatch.setitem(runner.ORACLES, "translated-O0", wrong)
    (message,) = differing("translated-O0", [3])
    assert "x5: 0x" in message
    assert "sequence 3 of 16 words" in message
