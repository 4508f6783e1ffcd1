"""Limits of instructions on random programs: the same number, and the same place and memory, on all engines."""

from __future__ import annotations

import ctypes
import random
from typing import NamedTuple

import pytest

import armexec
from armexec.abi import parse_prototype
from armexec.engines import LoadedImage
from armexec.sources.images import words_image

from . import on_translated
from .programs import Program
from .state import DATA, DATA_SIZE
from .test_programs import ENGINES, programs

COUNT = 20
NO_LIMIT = 1 << 40


class Run(NamedTuple):
    """What a run has done: how many instructions, where it was stopped (None if it wasn't), data memory."""

    instructions: int
    stopped: int | None
    memory: bytes


def run(loaded: LoadedImage, made: Program, limit: int) -> Run:
    ctypes.memmove(DATA, made.memory, DATA_SIZE)
    call = loaded.bind(0, parse_prototype("void(void *)"))
    stopped = None
    with armexec.limits(instruction_limit=limit) as limits:
        try:
            call(DATA)
        except armexec.InstructionLimitExceeded as error:
            stopped = error.pc - loaded.base
    return Run(limits.instructions, stopped, ctypes.string_at(DATA, DATA_SIZE))


def check(made: Program, names: list[str]) -> None:
    on_translated.map_memory()
    image = words_image(made.words, "<program>", entry="program")
    loaded = {name: ENGINES[name].load(image, lambda symbol: None) for name in ["reference", *names]}
    try:
        reference = loaded.pop("reference")
        whole = run(reference, made, NO_LIMIT)
        rng = random.Random(made.seed)
        limits = [NO_LIMIT, whole.instructions, whole.instructions - 1, *rng.choices(range(whole.instructions), k=3)]
        for limit in limits:
            expected = run(reference, made, limit)
            assert (expected.stopped is None) == (limit >= whole.instructions)
            assert expected.instructions == min(limit, whole.instructions)
            for name, other in loaded.items():
                assert run(other, made, limit) == expected, (made.seed, name, limit)
    finally:
        for image_there in loaded.values():
            image_there.close()
        reference.close()


def test_programs() -> None:
    for made in programs(0, COUNT):
        check(made, ["translated-O2"])


@pytest.mark.long
@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "reference"])
def test_programs_at_length(engine: str, request: pytest.FixtureRequest) -> None:
    count, seed = request.config.getoption("--cases"), request.config.getoption("--seed")
    for made in programs(1000 * seed, count):
        check(made, [engine])
