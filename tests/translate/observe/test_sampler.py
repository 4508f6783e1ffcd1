"""The timers and the table behind profiles."""

from __future__ import annotations

import signal
import sys
import threading
import time

import pytest

from armexec.translate.execute.fault_handler import new_threads
from armexec.translate.observe.sampler import ELSEWHERE, sampler
from armexec.translate.observe.thread_timers import ThreadTimers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the timers of threads are Linux's")


def _work(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(1000))


def test_a_thread_has_one_timer() -> None:
    timers = ThreadTimers(signal.SIGPROF, 3600)
    try:
        before = len(timers._timers)
        for listener in tuple(new_threads):
            listener()
        assert len(timers._timers) == before
        new = threading.Thread(target=lambda: [listener() for listener in tuple(new_threads)])
        new.start()
        new.join()
        assert len(timers._timers) <= before + 1
    finally:
        timers.close()
    assert not timers._timers
    assert timers._begin not in new_threads


def test_what_is_in_no_range_is_not_counted() -> None:
    made = sampler()
    made.start()
    _work(0.1)
    assert made.stop() == {}


def test_what_is_in_a_range_is_counted_while_it_runs() -> None:
    made = sampler()
    for _ in range(2):
        made.start()
        made.add_range(2, 1 << 47)
        _work(0.5)
        counts = made.stop()
        # At most one for each millisecond of the processor's time of this thread and some others.
        assert sum(counts.values()) > 10
        assert all(pc > ELSEWHERE for pc in counts)
        _work(0.1)
        assert sum(made._table[1::2]) == sum(counts.values())
