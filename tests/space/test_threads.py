"""Address spaces in several threads, and in a child of the process."""

from __future__ import annotations

import os
import threading

import pytest

from engines import CAN_START_ITSELF

from .guest import on_each_engine, start

pytestmark = on_each_engine

SUM = "again: add x2, x2, x0; subs x0, x0, #1; b.ne again; brk #0"


def _sum(engine: str, count: int) -> int:
    _, cpu, _ = start(engine, SUM)
    cpu.x[0] = count
    assert cpu.run().reason == "breakpoint"
    return cpu.x[2]


def test_a_space_for_each_thread(engine: str) -> None:
    if engine == "native":
        pytest.skip("two spaces of a process can't have the same addresses")
    results: list[int] = []
    counts = [300 + n for n in range(6)]
    threads = [threading.Thread(target=lambda n=n: results.append(_sum(engine, n))) for n in counts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [n * (n + 1) // 2 for n in counts]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_goes_on(engine: str) -> None:
    if engine == "native" and not CAN_START_ITSELF:
        pytest.skip("an emulator can't begin a thread in a child")
    _, cpu, _ = start(engine, SUM)
    cpu.x[0] = 1000
    cpu.run(instruction_limit=301)
    child = os.fork()
    if not child:
        # What was translated is there, and more can be.
        right = cpu.run().reason == "breakpoint" and cpu.x[2] == 500500
        if engine != "native":
            right = right and _sum(engine, 400) == 80200
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert cpu.run().reason == "breakpoint"
    assert cpu.x[2] == 500500
