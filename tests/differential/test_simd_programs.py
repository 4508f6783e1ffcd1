"""Random straight runs of SIMD and floating-point instructions on few registers: what is pending, moved and settled."""

from __future__ import annotations

import random
from functools import cache

import pytest

from armexec.isa import Form, decode

from . import on_reference, on_translated
from .generate import encodings, random_state, random_word
from .state import State

LENGTH = 12
REGISTERS = 5


@cache
def _forms() -> list[Form]:
    """Those that compute on registers; floating point alone comes up often enough to meet itself."""
    found = []
    for form in encodings().values():
        home = form.instruction.semantics.__module__
        if "simd_fp" not in home or form.name.startswith(("LD", "ST")):
            continue
        found += [form] * (4 if "float" in home else 1)
    return found


def simd_program(seed: int) -> State:
    rng = random.Random(f"simd program/{seed}")
    words = []
    while len(words) < LENGTH:
        form = rng.choice(_forms())
        word = random_word(rng, form)
        for name, (low, mask) in form.instruction.places.items():
            if name in ("Rd", "Rn", "Rm", "Ra") and mask == 31:
                word = word & ~(31 << low) | rng.randrange(REGISTERS) << low
        decoded = decode(word)
        if decoded is not None and decoded.form is form:
            words.append(word)
    state = random_state(rng, tuple(words))
    state.fpcr = 0
    return state


@pytest.mark.parametrize(("tier", "strict"), [("O0", False), ("O2", False), ("O2", True)])
def test_runs_give_what_the_reference_machine_gives(tier: str, strict: bool) -> None:
    _compare(range(60 if not strict else 6), tier, strict=strict)


@pytest.mark.long
@pytest.mark.parametrize(("tier", "strict"), [("O0", False), ("O2", False), ("O2", True)])
def test_many_runs(tier: str, strict: bool) -> None:
    _compare(range(1000, 1200 if strict else 2500), tier, strict=strict)


def _compare(seeds: range, tier: str, *, strict: bool) -> None:
    states = [simd_program(seed) for seed in seeds]
    outcomes = on_translated.run_all(states, tier=tier, strict=strict)
    for seed, state, outcome in zip(seeds, states, outcomes, strict=True):
        expected = on_reference.run(state)
        differences = expected.differences(outcome)
        assert not differences, f"program {seed}: {differences}\n{state}"
