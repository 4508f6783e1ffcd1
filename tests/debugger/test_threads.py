"""Sessions of programs that have threads: one runs at a time, and going back is exact."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import armexec
from program.test_threads import COUNTERS, program

SPINS = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
static volatile int turn; static pthread_barrier_t both;
static int square(int n) { return n * n; }
static void *even(void *p) {
    char *mine = malloc(200000); memset(mine, 7, 200000);
    pthread_barrier_wait(&both);
    for (int i = 0; i < 3; i++) { while (turn % 2) {} turn++; }
    long sum = square(mine[199999]); free(mine); return (void *)sum;
}
static void *odd(void *p) {
    pthread_barrier_wait(&both);
    for (int i = 0; i < 3; i++) { while (turn % 2 == 0) {} turn++; }
    struct timespec t = {0, 2000000}; nanosleep(&t, 0);
    return (void *)(long)square(3);
}
int main(void) {
    pthread_t t, u; void *x, *y;
    pthread_barrier_init(&both, 0, 2);
    pthread_create(&t, 0, even, 0); pthread_create(&u, 0, odd, 0);
    pthread_join(t, &x); pthread_join(u, &y);
    printf("%d %ld %ld\n", turn, (long)x, (long)y); return 0;
}
"""
OUTPUT = b"6 49 9\n"


def debugged(source: str, engine: str = "translated", *flags: str) -> Any:
    return armexec.debug(source, language="c", opt="-O1", flags=["-w", *flags], engine=engine)


@pytest.fixture(scope="module", params=["translated", pytest.param("reference", marks=pytest.mark.slow)])
def session(request: pytest.FixtureRequest) -> Iterator[Any]:
    with debugged(SPINS, request.param, "-fno-inline") as made:
        made.run()
        yield made


@contextmanager
def stopping_at(session: Any, where: str) -> Iterator[None]:
    breakpoint = session.breakpoints.add(where)
    try:
        yield
    finally:
        breakpoint.remove()


def seen(session: Any) -> tuple[object, ...]:
    threads = [(each.number, each.pc, each.waits, each.runs, len(each.backtrace)) for each in session.threads]
    return session.cpu.save(), session.thread, threads, session.memory.read(session.cpu.sp, 64)


def test_the_result(session: Any) -> None:
    session.run()
    assert session.finished
    assert session.result.output == OUTPUT


def test_any_time_is_the_same_again(session: Any) -> None:
    session.run()
    end = session.time
    chance = random.Random(5)
    times = sorted(chance.randrange(end) for _ in range(25))
    session.goto(0)
    there = {}
    for time in times:
        session.goto(time)
        there[time] = seen(session)
    assert {thread for _, thread, *_ in there.values()} == {1000, 1001, 1002}
    chance.shuffle(times)
    for time in times:
        session.goto(time)
        assert seen(session) == there[time], time
    session.goto(end)
    assert session.result.output == OUTPUT


def test_each_has_its_calls(session: Any) -> None:
    session.goto(0)
    with stopping_at(session, "square"):
        session.run()
        running = session.thread
        threads = {each.number: each for each in session.threads}
        assert threads[running].backtrace[0].place.function == "square"
        assert {"even", "odd"} & {frame.place.function for frame in threads[running].backtrace}
        assert threads[1000].waits
        assert "main" in {frame.place.function for frame in threads[1000].backtrace}
        assert "thread 1000 waits at 0x" in str(threads[1000])
        # Whoever runs meanwhile, this call's end is meant.
        session.finish()
        assert session.thread == running
        assert session.cpu.x[0] in (9, 49)
        session.run()
        assert session.thread != running


def test_a_call_in_which_others_have_their_turns(session: Any) -> None:
    session.goto(0)
    session.run(until="even")
    running = session.thread
    session.finish()
    assert session.thread == running
    assert session.cpu.x[0] == 49


def test_another_future(session: Any) -> None:
    """What was switched later isn't, when something is changed."""
    session.goto(0)
    with stopping_at(session, "square"):
        session.run()
        first = session.cpu.x[0]
        session.cpu.x[0] = 5
        session.run()
    session.run()
    values = {49: b"6 25 9\n", 7: b"6 25 9\n", 3: b"6 49 25\n"}
    assert session.result.output.endswith(values[first])
    session.goto(0)
    session.run()


def test_what_waits_for_ever_is_told() -> None:
    lock = "static pthread_mutex_t a; static void *f(void *p) { pthread_mutex_lock(&a); return 0; }"
    with debugged(program(lock, "pthread_mutex_lock(&a); START; pthread_join(t, 0); return 0;")) as session:
        session.run()
        assert isinstance(session.error, armexec.SystemCallDenied)
        assert "all its other threads: it would wait for ever" in str(session.error)
        session.back(1000)
        session.run()
        assert "it would wait for ever" in str(session.error)


@pytest.mark.parametrize("main", ["START; pthread_exit(0);", "START; return 3;"])
def test_ends(main: str) -> None:
    with debugged(program('static void *f(void *p) { sched_yield(); puts("there"); return 0; }', main)) as session:
        session.run()
        assert session.result.status == (3 if "return" in main else 0)
        assert session.result.output == (b"" if "return" in main else b"there\n")


def test_functions_have_one() -> None:
    with armexec.debug(armexec.function("add x0, x0, #1\n ret", "long(long)"), 1) as session:
        assert [(each.number, each.runs, each.waits) for each in session.threads] == [(1000, True, False)]


def test_traces() -> None:
    trace = armexec.trace(COUNTERS, language="c", opt="-O1", flags="-DROUNDS=50L")
    assert trace.result.output == b"600 200 200 0"
    assert armexec.trace(SPINS, language="c", opt="-O1", flags="-w").result.output == OUTPUT


MAPS = r"""
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    long sum = 0;
    for (int i = 1; i < 5; i++) {
        char *p = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(p, i, 65536);
        mprotect(p, 4096, PROT_READ); sum += p[17];
        mprotect(p + 4096, 4096, PROT_NONE);
        mmap(p + 8192, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        sum += p[8192] + p[12288];
        munmap(p, 32768); sum += p[40000];
        munmap(p + 32768, 32768);
    }
    printf("%ld\n", sum); return 0;
}
"""


@pytest.mark.parametrize("engine", ["translated", pytest.param("reference", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_memory_that_was_given_back_is_there_at_earlier_times(engine: str) -> None:
    with debugged(MAPS, engine) as session:
        session.run()
        end = session.time
        assert session.result.output == b"30\n"
        there: dict[int, bytes] = {}
        for time in (*range(0, end, 997), *reversed(range(0, end, 1499)), *range(0, end, 997)):
            session.goto(time)
            assert there.setdefault(time, session.cpu.save()) == session.cpu.save(), time
        session.goto(end)
        assert session.result.output == b"30\n"


def test_much_memory_that_was_given_back_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    from armexec.debugger.past import mapping_log

    monkeypatch.setattr(mapping_log, "_MOST_KEPT", 1 << 17)
    with debugged(MAPS) as session:
        session.run()
        end = session.time
        assert session.result.output == b"30\n"
        with pytest.raises(armexec.Error, match=r"can't go (there|back to time 0)"):
            session.goto(0)
        # It stands where it was, and can go where all is there.
        session.goto(end)
        session.back(10)
        session.goto(end)
        assert session.result.output == b"30\n"
