"""Traces and counts of programs whose threads go on by turns: what belongs to a thread is told as that thread's."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import armexec
from armexec.debugger.open import target_of
from armexec.engines.observed import Policy
from armexec.tracing.counted import run_counted
from armexec.tracing.open import trace_of

SOURCE = r"""
#include <pthread.h>
#include <stdio.h>
__attribute__((noinline)) long cube(long n) { return n * n * n; }
__attribute__((noinline)) long twice(long n) { return cube(n) + cube(n + 1); }
static void *work(void *rounds) {
    long sum = 0;
    for (long i = 0; i < (long)rounds; i++) {
        if (i % 3 == 0) sum += twice(i);
        else sum -= 1;
    }
    return (void *)sum;
}
int main(void) {
    pthread_t threads[2]; void *sums[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], 0, work, (void *)(ROUNDS * (i + 1L)));
    for (int i = 0; i < 2; i++) pthread_join(threads[i], &sums[i]);
    printf("%ld %ld", (long)sums[0], (long)sums[1]); return 0;
}
"""
ROUNDS = 600
"""Enough for some short turns of each thread."""
MANY = {"translated": 30_000, "reference": ROUNDS}
"""Enough for some turns as they are."""
TURNS = Policy(slice=500)
ENGINES = pytest.mark.parametrize("engine", ["translated", pytest.param("reference", marks=pytest.mark.slow)])
_BRANCHES = 0b101
"""Bits 28:26 of branches and system calls."""


def calls_of(rounds: int) -> int:
    """How often `twice` is called."""
    return (rounds + 2) // 3 + (2 * rounds + 2) // 3


def options(engine: str, rounds: int = ROUNDS) -> dict[str, Any]:
    flags = ["-w", "-g", "-fno-omit-frame-pointer", f"-DROUNDS={rounds}L"]
    return {"language": "c", "opt": "-O1", "flags": flags, "engine": engine}


@pytest.fixture(scope="module", params=["translated", pytest.param("reference", marks=pytest.mark.slow)])
def traced(request: pytest.FixtureRequest) -> tuple[str, Any]:
    target = target_of(SOURCE, **options(request.param))
    try:
        return request.param, trace_of(target, policy=TURNS)
    finally:
        target.close()


def test_each_instruction_has_its_thread(traced: tuple[str, Any]) -> None:
    engine, trace = traced
    assert trace.result.output == armexec.run(SOURCE, **options(engine)).output
    assert len(trace.thread) == len(trace)
    assert set(trace.thread.tolist()) == {1000, 1001, 1002}
    turns = np.flatnonzero(np.diff(trace.thread))
    assert len(turns) > 6
    for thread in (1000, 1001, 1002):
        mine = trace.thread == thread
        pc, word = trace.pc[mine], trace.word[mine]
        # Where a thread goes on elsewhere, one of its own instructions has led there.
        jumps = np.flatnonzero(pc[1:] != pc[:-1] + 4)
        assert len(jumps) > 100
        assert (word[jumps] >> 26 & 7 == _BRANCHES).all()
    at = int(turns[3])
    assert [trace[at].thread, trace[at + 1].thread] == trace.thread[at : at + 2].tolist()


def test_calls_belong_to_their_threads(traced: tuple[str, Any], tmp_path: Path) -> None:
    _, trace = traced
    trace.save(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    begun: Counter[str] = Counter()
    opened: dict[int, list[tuple[str, int]]] = {}
    for event in events:
        if event["ph"] == "B":
            opened.setdefault(event["tid"], []).append((event["name"], event["ts"]))
            begun[event["name"]] += 1
        elif event["ph"] == "E":
            name, begin = opened[event["tid"]].pop()
            assert event["ts"] >= begin
            if name == "cube":
                assert [outer for outer, _ in opened[event["tid"]]][-1] == "twice"
    assert set(opened) == {1000, 1001, 1002}
    assert not any(opened.values())
    assert (begun["twice"], begun["cube"]) == (calls_of(ROUNDS), 2 * calls_of(ROUNDS))
    for thread in (1001, 1002):
        times = [event["ts"] for event in events if event.get("tid") == thread and "ts" in event]
        assert all(a <= b for a, b in pairwise(times))


def test_text_names_threads(tmp_path: Path) -> None:
    trace = armexec.trace(SOURCE, **(options("translated") | {"flags": ["-w", "-DROUNDS=30L"]}))
    trace.save(tmp_path / "trace.txt")
    lines = (tmp_path / "trace.txt").read_text().splitlines()
    assert [int(line.split()[0]) for line in lines] == trace.thread.tolist()
    assert len(set(trace.thread.tolist())) == 3


@ENGINES
def test_counts(engine: str, tmp_path: Path) -> None:
    coverage, callgrind = tmp_path / "coverage.info", tmp_path / "callgrind.out"
    target = target_of(SOURCE, **options(engine, MANY[engine]))
    run_counted(target, coverage=coverage, callgrind=callgrind)
    target.close()
    text = callgrind.read_text()
    costs = {
        (name, int(calls), int(cost))
        for name, calls, cost in re.findall(r"cfn=(\w+)\ncalls=(\d+) .*\n0x\w+ \d+ (\d+)", text)
        if name in ("cube", "twice")
    }
    calls, rest = Counter(), Counter()
    for name, count, cost in costs:
        calls[name] += count
        rest[name] += cost % count
    expected = calls_of(MANY[engine])
    assert calls["twice"] == expected
    # Each call costs the same: none has another thread's instructions.
    assert rest == {"cube": 0, "twice": 0}
    rounds = 3 * MANY[engine]
    line = next(n for n, text in enumerate(SOURCE.splitlines(), 1) if "i % 3" in text)
    branches = [int(taken) for taken in re.findall(rf"BRDA:{line},\d+,\d+,(\d+)", coverage.read_text())]
    assert sorted(branches)[-2:] == sorted((expected, rounds - expected))
