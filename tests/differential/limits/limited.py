"""Programs within limits of instructions: how many they execute, where they are stopped, and what is in memory then.

`python -m tests.differential.limits.limited START COUNT` runs some on the native engine, and prints what `records`
gives.
"""

from __future__ import annotations

import ctypes
import json
import random
import sys
import zlib
from typing import NamedTuple

import armexec
from armexec.abi import parse_prototype
from armexec.engines import LoadedImage, get_engine
from armexec.sources.images import words_image

from .. import on_translated
from ..programs import Program, program
from ..state import DATA, DATA_SIZE

__all__ = ["NO_LIMIT", "Run", "limits_of", "records", "run"]

NO_LIMIT = 1 << 40


class Run(NamedTuple):
    """What a run has done: how many instructions, where it was stopped (None if it wasn't), data memory."""

    instructions: int
    stopped: int | None
    memory: bytes


def run(loaded: LoadedImage, made: Program, limit: int) -> Run:
    """Run a program within a limit."""
    ctypes.memmove(DATA, made.memory, DATA_SIZE)
    call = loaded.bind(0, parse_prototype("void(void *)"))
    stopped = None
    with armexec.limits(instruction_limit=limit) as limits:
        try:
            call(DATA)
        except armexec.InstructionLimitExceeded as error:
            stopped = error.pc - loaded.base
    return Run(limits.instructions, stopped, ctypes.string_at(DATA, DATA_SIZE))


def limits_of(made: Program, whole: int) -> list[int]:
    """Some limits for a program that executes so many instructions."""
    rng = random.Random(made.seed)
    return [NO_LIMIT, whole, whole - 1, *rng.choices(range(whole), k=3)]


def records(engine: str, start: int, count: int) -> dict[str, list[tuple[int, int | None, int]]]:
    """By the seeds of programs, for each of some limits: instructions, the place, and the checksum of memory."""
    on_translated.map_memory()
    found = {}
    for seed in range(start, start + count):
        made = program(seed)
        if made is None:
            continue
        loaded = get_engine(engine).load(words_image(made.words, "<program>", entry="program"), lambda symbol: None)
        try:
            whole = run(loaded, made, NO_LIMIT)
            runs = [run(loaded, made, limit) for limit in limits_of(made, whole.instructions)]
            found[str(seed)] = [(each.instructions, each.stopped, zlib.crc32(each.memory)) for each in runs]
        finally:
            loaded.close()
    return found


if __name__ == "__main__":
    print(json.dumps(records("native", *map(int, sys.argv[1:3]))))
