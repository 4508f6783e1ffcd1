"""Random words, sequences of words and programs, on all engines until the time is over."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator

from tests.differential import test_programs
from tests.differential.exceptions import asked
from tests.differential.generate import encodings
from tests.differential.runner import compare, make_one
from tests.differential.sequences import ENGINES, LENGTH, STATES, differing

from .targets import FOUND

__all__ = ["KINDS", "fuzz_engines"]

_WEIGHTS = dict(zip(ENGINES, (3, 1, 8, 1), strict=True))
"""How often each engine is chosen: O0 is translated in a third of the time, and plain code in half of it."""


def _engine(chance: random.Random) -> str:
    (name,) = chance.choices(ENGINES, [_WEIGHTS[name] for name in ENGINES])
    return name


def _words(chance: random.Random) -> tuple[int, list[str]]:
    oracle, seed = _engine(chance), chance.randrange(1 << 32)
    names = chance.sample(list(encodings()), 120)
    cases = [case for name in names for i in range(8) if (case := make_one(name, seed, i)) is not None]
    cases = [case for case in cases if asked(oracle, case.state)]
    failures, _ = compare(cases, oracle)
    return len(cases), [str(failure) for failure in failures]


def _sequences(chance: random.Random) -> tuple[int, list[str]]:
    seeds, engine = [chance.randrange(1 << 32) for _ in range(60)], _engine(chance)
    return LENGTH * len(seeds), list(differing(engine, seeds))


def _programs(chance: random.Random) -> tuple[int, list[str]]:
    seed, count = chance.randrange(1 << 32), 4
    engine = chance.choice([name for name in test_programs.ENGINES if name != "reference"])
    return count, list(_program_failures(engine, seed, count))


def _program_failures(engine: str, seed: int, count: int) -> Iterator[str]:
    for made in test_programs.programs(seed, count):
        try:
            test_programs.check(made, test_programs.run_on_engine(engine, made), f"{engine}, seed {seed}")
        except AssertionError as error:
            yield str(error)


KINDS: dict[str, tuple[str, Callable[[random.Random], tuple[int, list[str]]]]] = {
    "words": ("words", _words),
    "sequences": (f"words in sequences, in up to {STATES} states each,", _sequences),
    "programs": ("programs", _programs),
}
"""What is compared, and how: gives how many were, and a message for each that differs."""


def fuzz_engines(kind: str, seconds: float, again: int | None = None) -> bool:
    """Compare until the time is over or one differs. True if none did.

    `again`: a seed, of which everything is compared once more, and nothing else.
    """
    counted, compare_some = KINDS[kind]
    end, count = time.monotonic() + seconds, 0
    seeds = random.Random()
    running = FOUND / f"{kind}-running-{os.getpid()}"
    while time.monotonic() < end:
        seed = seeds.randrange(1 << 64) if again is None else again
        # It stays where LLVM ends the process.
        running.write_text(f"{seed}\n")
        more, failures = compare_some(random.Random(seed))
        running.unlink()
        count += more
        if failures:
            print(f"{kind}: after {count} {counted}, with seed {seed}\n" + "\n\n".join(failures[:5]), flush=True)
            return False
        if again is not None:
            break
    print(f"{kind}: {count} {counted} compared, none differs", flush=True)
    return True
