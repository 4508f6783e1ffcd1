"""A short run of the fuzzers: what has failed once, and a few hundred mutations of good inputs."""

from __future__ import annotations

import random

import pytest
from tests.mutations import mutated

from .targets import FOUND, TARGETS, run, seeds

COUNT = {"prototype": 60, "archive": 60}


@pytest.mark.parametrize("target", TARGETS)
def test_what_was_found_is_read_or_refused(target: str) -> None:
    for path in sorted(FOUND.glob(f"{target}-*")):
        run(target, path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_inputs_are_read_or_refused(target: str) -> None:
    chance = random.Random(target)
    good = list(seeds(target))
    for number in range(COUNT.get(target, 150)):
        data = mutated(chance.choice(good), chance)
        try:
            run(target, data)
        except Exception as error:
            error.add_note(f"input {number}: {data!r:.2000}")
            raise


@pytest.mark.parametrize("target", TARGETS)
def test_the_seeds_are_good(target: str) -> None:
    for data in seeds(target):
        TARGETS[target](data)
