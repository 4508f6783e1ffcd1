"""Profiles find what takes the time, in every engine."""

from __future__ import annotations

import signal
import threading

import pytest

import armexec
from engines import AVAILABLE
from rules import broken

SOURCE = """
typedef unsigned (*Function)(unsigned);
__attribute__((noinline)) unsigned hot(unsigned n) {
    for (unsigned i = 0; i < 1000; i++)
        n = (n * 1664525u + 1013904223u) ^ (n >> 7);
    return n;
}
__attribute__((noinline)) unsigned cold(unsigned n) {
    for (unsigned i = 0; i < 30; i++)
        n = (n * 22695477u + 1u) ^ (n >> 9);
    return n;
}
unsigned work(unsigned count) {
    unsigned sum = 1;
    while (count--)
        sum = hot(sum) + cold(sum);
    return sum;
}
unsigned through(Function function, unsigned count) {
    unsigned sum = 1;
    while (count--)
        sum = function(sum);
    return sum;
}
unsigned filled(unsigned char *bytes, unsigned long size, unsigned count) {
    while (count--)
        for (unsigned long i = 0; i < size; i++)
            bytes[i] = (unsigned char)count;
    return bytes[0];
}
int none(void) { return 1; }
void fault(int *p) { *p = 1; }
"""
COUNTS = {"native": 400_000, "translated": 400_000, "reference": 10}
SAMPLED = [name for name in AVAILABLE if name != "reference"]


def _module(engine: str, opt: str = "-O1") -> armexec.Module:
    return armexec.compile(SOURCE, language="c", opt=opt, engine=engine, filename="work.c", flags=["-fno-builtin"])


@pytest.mark.usefixtures("others_pages")
@pytest.mark.parametrize("engine", AVAILABLE)
def test_the_hottest_function_and_its_line_are_found(engine: str) -> None:
    mod = _module(engine)
    with armexec.profile() as p:
        mod.work(COUNTS[engine])
    assert p.unit == ("instructions" if engine == "reference" else "samples")
    assert p.samples == sum(function.samples for function in p.functions) > 0
    assert p.functions[0].name == "hot"
    assert p.functions[0].share > 0.5
    # Which of the loop's two lines is the hotter one depends on how they are counted.
    assert p.lines[0].name in ("work.c:4", "work.c:5")
    assert p.lines[0].name == f"{p.lines[0].file}:{p.lines[0].line}"
    assert sum(function.share for function in p.functions) == pytest.approx(1)
    assert [f.samples for f in p.functions] == sorted((f.samples for f in p.functions), reverse=True)
    assert "hot" in repr(p)
    assert not broken()


def test_the_reference_engine_counts_exactly() -> None:
    loop = "again: subs x0, x0, #1\nb.ne again\nret"
    function = armexec.function(loop, "long(long)", engine="reference")
    with armexec.profile() as p:
        function(10)
        function(5)
    assert p.samples == 2 * 15 + 2
    assert p.unit == "instructions"
    assert [(line.name, line.samples) for line in p.lines] == [
        ("<assembly>:1", 15),
        ("<assembly>:2", 15),
        ("<assembly>:3", 2),
    ]


def test_the_reference_engine_counts_up_to_a_fault() -> None:
    mod = _module("reference", "-O2")
    with pytest.raises(armexec.MemoryFault), armexec.profile() as p:
        mod.fault(8)
    assert [f.name for f in p.functions] == ["fault"]


@pytest.mark.parametrize("engine", SAMPLED)
def test_every_thread_counts(engine: str) -> None:
    mod = _module(engine)
    begin = threading.Event()

    def before() -> None:
        begin.wait(60)
        mod.work(COUNTS[engine] // 4)

    def after() -> None:
        mod.through(mod.cold.address, COUNTS[engine] * 8)

    early = threading.Thread(target=before)
    early.start()
    with armexec.profile() as p:
        begin.set()
        late = threading.Thread(target=after)
        late.start()
        early.join()
        late.join()
    found = {function.name for function in p.functions}
    # A thread that begins to run native code later has no timer.
    assert ({"hot", "cold"} if engine == "translated" else {"hot"}) <= found


@pytest.mark.skipif("translated" not in AVAILABLE, reason="nothing is translated here")
def test_what_the_host_does_for_the_guest_counts_where_it_was_called() -> None:
    """The loop becomes a call of the C library's memset, where the pc isn't in translated code."""
    mod = _module("translated", "-Os")
    data = bytearray(1 << 16)
    with armexec.profile() as p:
        mod.filled(data, len(data), 100_000)
    assert p.functions[0].name in ("filled", "memset")
    assert p.functions[0].share > 0.5


@pytest.mark.parametrize("engine", SAMPLED)
@pytest.mark.slow
def test_code_that_is_dropped_meanwhile_counts(engine: str) -> None:
    with armexec.profile() as p:
        for _ in range(2):
            with _module(engine) as mod:
                mod.work(COUNTS[engine] // 2)
    assert p.functions[0].name == "hot"


def test_time_outside_of_the_guest_does_not_count() -> None:
    mod = _module(AVAILABLE[0])
    with armexec.profile() as p:
        mod.none()
        sum(range(5_000_000))
    assert p.samples < 20


def test_there_is_one_profile_at_a_time() -> None:
    with armexec.profile() as p:
        with pytest.raises(armexec.Error, match="already"):
            armexec.profile().__enter__()
        with pytest.raises(armexec.Error, match="already"):
            p.__enter__()
        with pytest.raises(armexec.Error, match="before the end"):
            _ = p.functions
    assert p.functions == []
    with armexec.profile() as again:
        pass
    assert again.samples == 0


@pytest.mark.skipif("translated" not in AVAILABLE, reason="nothing is translated here")
def test_another_profiler_is_left_alone() -> None:
    mod = _module("translated")
    assert mod.none() == 1
    before = signal.signal(signal.SIGPROF, lambda *_: None)
    try:
        with pytest.raises(armexec.HostError, match="SIGPROF"), armexec.profile():
            pass
    finally:
        signal.signal(signal.SIGPROF, before or signal.SIG_DFL)
    with armexec.profile() as p:
        mod.work(10)
    assert p.samples < 20
