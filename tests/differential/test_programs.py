"""Random programs with forward branches: equal final states on the reference machine, all tiers and Unicorn."""

from __future__ import annotations

import ctypes

import pytest

from armexec.abi import parse_prototype
from armexec.disasm import listing
from armexec.engines.reference import ReferenceEngine
from armexec.engines.translated import TranslatedEngine
from armexec.sources.images import words_image

from . import on_translated, on_unicorn
from .programs import Program, program
from .state import DATA, DATA_SIZE

ENGINES = {
    "reference": ReferenceEngine(),
    **{f"translated-{tier}": TranslatedEngine(tier) for tier in ("O0", "O1", "O2", "O3")},
}
COUNT = 25
"""Programs of the default run: enough that every kind of instruction is in some."""


def programs(start: int, count: int) -> list[Program]:
    return [made for seed in range(start, start + count) if (made := program(seed)) is not None]


def check(made: Program, memory: bytes, where: str) -> None:
    differences = made.differences(memory)
    assert not differences, f"program {made.seed} (reference != {where}): {differences[:8]}\n{listing(made.words)}"


def run_on_engine(name: str, made: Program) -> bytes:
    """Data memory after the program has run as a function of an engine."""
    on_translated.map_memory()
    ctypes.memmove(DATA, made.memory, DATA_SIZE)
    loaded = ENGINES[name].load(words_image(made.words, "<program>", entry="program"), lambda symbol: None)
    try:
        loaded.bind(0, parse_prototype("void(void *)"))(DATA)
        return ctypes.string_at(DATA, DATA_SIZE)
    finally:
        loaded.close()


def test_most_programs_run_to_their_end() -> None:
    assert len(programs(0, COUNT)) > COUNT * 3 // 4


def test_unicorn() -> None:
    for made in programs(0, COUNT):
        check(made, on_unicorn.run(made.state).memory, "unicorn")


@pytest.mark.parametrize("engine", ENGINES)
def test_engines(engine: str) -> None:
    for made in programs(0, COUNT):
        check(made, run_on_engine(engine, made), engine)


@pytest.mark.long
@pytest.mark.parametrize("engine", [*ENGINES, "unicorn"])
def test_programs_at_length(engine: str, request: pytest.FixtureRequest) -> None:
    count, seed = request.config.getoption("--cases"), request.config.getoption("--seed")
    for made in programs(1000 * seed, count):
        check(made, on_unicorn.run(made.state).memory if engine == "unicorn" else run_on_engine(engine, made), engine)
