"""What is warm, what is slow, and who sits out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from armexec.bench.contenders.runner import Run
from armexec.bench.kernels import KERNELS, Kernel
from armexec.bench.measurements import hot
from armexec.bench.measurements.hot import measure_kernel
from armexec.errors import Error


class Fake:
    """A contender that takes the time it says, and has the result it says."""

    def __init__(self, name: str, seconds: float = 0.01, result: int = 5) -> None:
        self.name = name
        self.seconds = seconds
        self.result = result
        self.runs = 0
        self.calls: list[str] = []
        self.unsettled = 0

    def unavailable(self) -> str | None:
        return None

    def describe(self) -> str:
        return self.name

    @contextmanager
    def start(self, kernel: Kernel) -> Iterator[Fake]:
        yield self

    def run(self, count: int) -> Run:
        self.runs += 1
        self.calls.append(self.name)
        return Run(self.result, self.seconds)

    def settle(self, timeout: float) -> bool:
        self.unsettled -= 1
        return self.unsettled >= 0


FIB = KERNELS["fib"]


def test_all_run_in_turn_and_back_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot, "_WARM", 0.0)
    one, two = Fake("one"), Fake("two")
    two.calls = one.calls
    found = measure_kernel(FIB, 1, [one, two], 3, lambda text: None)
    assert one.calls == ["one", "two", "one", "two", "two", "one", "one", "two"]
    assert found.times == {"one": [0.01] * 3, "two": [0.01] * 3}
    assert (found.count, found.result) == (1, 5)


def test_the_slow_sit_rounds_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot, "_WARM", 0.0)
    found = measure_kernel(FIB, 1, [Fake("fast"), Fake("slow", 5.0)], 5, lambda text: None)
    assert found.times["slow"] == [5.0, None, None, 5.0, None]
    assert found.ratio("slow", "fast") == 500


def test_different_results_are_an_error_with_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot, "_WARM", 0.0)
    with pytest.raises(Error, match="kernel fib has different results: one 0x5, two 0x6"):
        measure_kernel(FIB, 1, [Fake("one"), Fake("two", result=6)], 1, lambda text: None)


def test_it_is_not_warm_while_it_is_being_made_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot, "_WARM", 0.0)
    contender = Fake("one")
    contender.unsettled = 2
    measure_kernel(FIB, 1, [contender], 0, lambda text: None)
    assert contender.runs == 3


def test_it_counts_as_warm_after_some_time_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot, "_WARM", 0.0)
    monkeypatch.setattr(hot, "_WARM_AT_MOST", 0.0)
    contender = Fake("one")
    contender.unsettled = 2
    measure_kernel(FIB, 1, [contender], 0, lambda text: None)
    assert contender.runs == 1
