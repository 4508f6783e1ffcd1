"""Long ways of sessions: blocks execute them, and all is as if each instruction had been executed by itself."""

from __future__ import annotations

import random
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import pytest

import armexec
from armexec.cpu import StopReason
from armexec.debugger.open import target_of
from armexec.debugger.past.timeline import Pace
from armexec.debugger.session import Session
from armexec.engines.observed import Policy
from armexec.space import AddressSpace
from program.guest import needs_c

ONE_BY_ONE = Pace(first=1 << 60)
PACES = (Pace(first=0, least=1, near=0), Pace(first=0, least=1, most=97, near=5), Pace(first=20, least=10, most=3000))
SOON = Policy(hot=2, very_hot=20)
SOURCE = """
extern unsigned long ask(unsigned long);
unsigned long table[96];
unsigned char bytes[64];
unsigned long *volatile last;
static __attribute__((noinline)) unsigned long mixed(unsigned long x, int n) {
    unsigned long room[4] = {x, x >> 7, x * 3, 1};
    for (int i = 0; i < n; i++)
        room[i & 3] += room[(i + 1) & 3] ^ x;
    return room[0] ^ room[1] ^ room[2] ^ room[3];
}
static __attribute__((noinline)) unsigned long tree(unsigned long x, int depth) {
    return depth ? tree(x + 1, depth - 1) ^ tree(x * 5, depth - 1) : mixed(x, x & 7);
}
unsigned long work(unsigned long n) {
    unsigned long sum = 1;
    double f = 1;
    for (unsigned long i = 0; i < n; i++) {
        sum = sum * 6364136223846793005ul + i;
        table[sum >> 40 & 63] += sum;
        *(unsigned int *)(bytes + (sum >> 50 & 31)) ^= sum;
        *(unsigned short *)((char *)table + (sum >> 33 & 255)) += 3;
        f = f * 1.25 + (double)(sum & 3);
        last = table + (sum & 15);
        if (i % 11 == 3) sum ^= tree(sum, 3);
        if (i % 17 == 5) sum += ask(i);
        if (i % 29 == 9) __asm__ volatile("svc #3" : "+r"(sum) : : "x0", "memory");
        if (i % 31 == 2) __atomic_fetch_add(last, 7, __ATOMIC_SEQ_CST);
    }
    return sum + (unsigned long)f;
}
"""
COUNT = 30
STACK, LEAVE = 0x7000_0000, 0x7777_0000


@pytest.fixture(scope="module")
def work() -> Iterator[Any]:
    with armexec.compile(SOURCE, "c", "-O1", flags="-g", imports={"ask": lambda x: x}) as module:
        yield module


class _Space:
    """An address space whose host functions and hooks count their calls, and write memory."""

    def __init__(self, module: Any, engine: str, count: int) -> None:
        space = self.space = AddressSpace(engine)
        self.calls = 0
        placed = space.load(module.image, 0x4000_0000, imports={"ask": self._ask})
        self.table, self.bytes, self.end = placed["table"], placed["bytes"], placed["work"]
        space.map(STACK, 0x4000, "rw")
        space.map(LEAVE, 0x1000, "rx", data=armexec.assemble("nop; brk #1").bytes)
        space.hook_svc(self._called)
        cpu = self.cpu = armexec.Cpu(space)
        cpu.pc, cpu.sp, cpu.x[30], cpu.x[0] = placed["work"], STACK + 0x3000, LEAVE, count

    def _ask(self, cpu: Any) -> None:
        self.calls += 1
        cpu.x[0] = cpu.x[0] * 3 + self.calls
        self.space.write(self.bytes + self.calls % 50, b"seen")

    def _called(self, cpu: Any, number: int) -> None:
        self.calls += 1
        cpu.x[9] = self.calls
        self.space.write(self.table + 8 * (self.calls % 60), b"called!!")

    def session(self, pace: Pace) -> Session:
        return Session(target_of(self.cpu), pace=pace, policy=SOON)


class _Seen:
    """Registers, memory and calls at some times of a straight run, instruction by instruction."""

    def __init__(self, made: _Space, times: range) -> None:
        session = made.session(ONE_BY_ONE)
        self.made = made
        self.found: dict[int, Any] = {}
        while True:
            if session.time in times:
                self.found[session.time] = state(session, made)
            if session.step().stop is not None:
                break
        self.end = session.time
        self.found[self.end] = state(session, made)
        self.session = session


def state(session: Session, made: _Space) -> tuple[Any, ...]:
    memory = session.memory
    frames = [(frame.pc, frame.begin) for frame in session.backtrace]
    return (
        session.cpu.save(),
        memory.read(made.table, 96 * 8),
        memory.read(made.bytes, 64),
        memory.read(STACK + 0x2000, 0x1000),
        frames,
    )


@pytest.fixture(scope="module")
def straight(work: Any) -> _Seen:
    return _Seen(_Space(work, "reference", COUNT), range(0, 1 << 30, 37))


@pytest.mark.parametrize("pace", PACES)
def test_any_moves_come_to_what_a_straight_run_has(work: Any, straight: _Seen, pace: Pace) -> None:
    _check_moves(work, straight, pace, 1, 25)


@pytest.mark.long
@pytest.mark.parametrize("pace", PACES)
def test_thousands_of_moves(work: Any, straight: _Seen, pace: Pace) -> None:
    for seed in range(100, 150):
        _check_moves(work, straight, pace, seed, 40)


def _check_moves(work: Any, straight: _Seen, pace: Pace, seed: int, moves: int) -> None:
    rng = random.Random(seed)
    made = _Space(work, "translated", COUNT)
    session = made.session(pace)
    model = straight.session
    times = sorted(straight.found)
    for number in range(moves):
        move = rng.choice(("goto", "goto", "step", "back", "far"))
        if move == "step":
            session.step(rng.choice((1, 2, 50, 1000)))
        elif move == "back":
            session.back(rng.choice((1, 3, 400)))
        elif move == "far":
            session.goto(rng.choice((0, straight.end)))
        session.goto(min((t for t in times if t >= session.time), default=straight.end))
        if move == "goto":
            session.goto(rng.choice(times))
        assert state(session, made) == straight.found[session.time], f"time {session.time} after {move}"
        if number % 5:
            continue
        model.goto(session.time)
        for name in ("x0", "x8", "sp", "nzcv", "d0", "x30"):
            assert session.last_write(name) == model.last_write(name), name
        for offset in (0, 40, 129):
            assert session.last_write(made.table + offset, 2) == model.last_write(straight.made.table + offset, 2)
    assert made.calls <= straight.made.calls


@pytest.mark.parametrize("pace", PACES)
def test_runs_stop_where_they_stop_one_by_one(work: Any, straight: _Seen, pace: Pace) -> None:
    made = _Space(work, "translated", COUNT)
    fast, slow = made.session(pace), straight.session
    slow.goto(0)
    for session in (fast, slow):
        session.breakpoints.add("mixed", "x1 == 5")
        session.breakpoints.add("tree", lambda session: session.time % 3 == 0)
    watched = [session.watch(where, 8, "rw") for session, where in ((fast, made.table + 80), (slow, made.table + 80))]
    for number in range(40):
        stops = [session.run() for session in (fast, slow)]
        assert stops[0] == stops[1]
        if number % 7 == 3:
            stops = [session.finish() for session in (fast, slow)]
        elif number % 7 == 5:
            steps = [session.next() for session in (fast, slow)]
            assert steps[0].end == steps[1].end
            assert steps[0].registers == steps[1].registers
            assert {(c.address, c.old[:1], c.new[:1]) for c in steps[0].memory} == {
                (c.address, c.old[:1], c.new[:1]) for c in steps[1].memory
            }
        elif number % 7 == 6:
            stops = [session.run_back() for session in (fast, slow)]
        assert stops[0] == stops[1]
        assert state(fast, made) == state(slow, made)
        if number == 20:
            for each in watched:
                each.remove()
        if fast.time == straight.end:
            break
    slow.breakpoints.clear()


def test_changes_by_hand_begin_another_future(work: Any) -> None:
    made = [_Space(work, engine, 40) for engine in ("translated", "reference")]
    fast, slow = made[0].session(PACES[0]), made[1].session(ONE_BY_ONE)
    for number, time in enumerate((2000, 800, 801, 1800, 1500)):
        for session, of in zip((fast, slow), made, strict=True):
            session.goto(time)
            session.memory.write(of.table + 8 * number, b"by hand!")
            session.cpu.x[8] += 5
        for session in (fast, slow):
            session.goto(time + 900)
            session.goto(time + 100)
        assert state(fast, made[0]) == state(slow, made[1])
        for session in (fast, slow):
            session.goto(time // 2)
            session.goto(time + 1)
        assert state(fast, made[0]) == state(slow, made[1])


CALLED = """
extern long ask(long);
static long twice(long x) { return 2 * x; }
long (*function)(long) = twice;
static __attribute__((noinline)) long replaced(long x) { return x + 1; }
long called(long n) {
    long sum = 0;
    unsigned long clock = 0;
    for (long i = 0; i < n; i++) {
        sum += function(i) + replaced(i) + ask(i);
        __asm__ volatile("mrs %0, cntvct_el0" : "=r"(clock));
        sum ^= clock & 15;
    }
    return sum;
}
"""


def test_functions_of_python_and_clocks_are_the_same_each_time() -> None:
    asked = []
    with armexec.compile(CALLED, "c", "-O1", imports={"ask": lambda x: asked.append(x) or x}) as module:
        module.replace("replaced", lambda x: x + 100)
        with Session(target_of(module.called, 300), pace=PACES[0], policy=SOON) as session:
            assert session.run().reason == StopReason.RETURNED
            result, end = session.result, session.time
            assert asked == list(range(300))
            for time in (end // 2, 17, end - 30, end // 3):
                session.goto(time)
                session.run()
                assert (session.result, session.time) == (result, end)
            assert len(asked) == 300


@pytest.mark.slow
@needs_c
def test_a_program_writes_once() -> None:
    text = """
    #include <stdio.h>
    #include <stdlib.h>
    int main(void) {
        unsigned sum = 0;
        for (int i = 0; i < 30; i++) {
            unsigned *p = malloc(100 * sizeof *p);
            for (int k = 0; k < 100; k++) p[k] = sum + k * i;
            for (int k = 0; k < 100; k++) sum = sum * 31 + p[k];
            if (i % 10 == 9) printf("%u\\n", sum);
            free(p);
        }
        return sum & 63;
    }
    """
    expected = armexec.run(text, language="c")
    with Session(target_of(text, language="c"), pace=PACES[0], policy=SOON) as session:
        session.run()
        assert session.result == expected
        end = session.time
        for time in (end // 2, 10, end - 1):
            session.goto(time)
            assert session.run().instructions == end
            assert session.result == expected


def test_limits_are_exact() -> None:
    endless = armexec.function(armexec.assemble("1: add x0, x0, #1; cbz x1, 1b; b 1b"), "long(long, long)")
    with armexec.debug(endless, 0, 0) as session:
        with armexec.limits(instruction_limit=1_000_003):
            assert session.run().reason == StopReason.INSTRUCTION_LIMIT
        assert (session.time, session.cpu.x[0]) == (1_000_003, 500_002)
        with armexec.limits(instruction_limit=10):
            session.goto(5)
            session.goto(900_000)
            session.goto(700_000)
            assert session.run().reason == StopReason.INSTRUCTION_LIMIT
        assert session.time == 1_000_013
        with armexec.limits(time_limit=0.05):
            assert session.run().reason == StopReason.TIME_LIMIT
        assert session.cpu.x[0] == (session.time + 1) // 2


@pytest.mark.parametrize("moment", ["path.extend", "guest.log.extend", "calls.follow", "_stretches._taken"])
def test_ctrl_c_leaves_a_time_that_is_whole(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    source = "unsigned a[64]; unsigned f(unsigned n) { unsigned s = n; while (1) { s = s * 5 + 1; a[s >> 26] += s; } }"
    with armexec.compile(source, "c", "-O1") as module:
        with armexec.debug(module.f, 1) as session:
            session.goto(400_000)
            there = session.cpu.save(), module.globals["a"].tolist()
        module.globals["a"][:] = 0
        with armexec.debug(module.f, 1) as session:
            session.goto(300_000)
            before = session.time, session.memory.read(module.globals.address("a"), 256), session.cpu.save()
            where, name = moment.rpartition(".")[::2]
            changed: Any = attrgetter(where)(session.timeline)
            whole, calls = getattr(changed, name), []

            def interrupted(*given: Any) -> Any:
                result = whole(*given)
                calls.append(result)
                if len(calls) == 1:
                    raise KeyboardInterrupt
                return result

            monkeypatch.setattr(changed, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                session.run()
            assert before == (session.time, session.memory.read(module.globals.address("a"), 256), session.cpu.save())
            session.goto(400_000)
            assert module.globals["a"].tolist() == there[1]
            # Those behind know of the stack, which is another one.
            assert session.cpu.save()[: 19 * 8] == there[0][: 19 * 8]


WATCHED = """
#include <string.h>
int limit, seen, other[4000];
static int scratch[300];
int walk(int n, int *lent) {
    int sum = 0;
    for (int i = 0; i < n; i++) {
        scratch[i % 300] += i;
        other[i * 7 % 4000] = sum;
        if (i % 101 == 100) limit = i;
        if (i % 154 == 153) lent[i % 3] += sum + seen;
        sum += scratch[(i * 3) % 300] ^ i;
    }
    return sum;
}
"""


@pytest.mark.slow
def test_watched_bytes_of_functions() -> None:
    np = pytest.importorskip("numpy")
    with armexec.compile(WATCHED, "c", "-O1") as module:
        found = []
        for pace in (ONE_BY_ONE, PACES[0], PACES[2]):
            for name in module.globals:
                module.globals[name] = 0 if isinstance(module.globals[name], int) else [0] * len(module.globals[name])
            lent = np.zeros(3, np.int32)
            with Session(target_of(module.walk, 320, lent), pace=pace, policy=SOON) as session:
                session.watch("limit", 4)
                session.watch("seen", 4, "r")
                session.watch(lent.ctypes.data + 4, 4, "rw")
                there: list[tuple[Any, ...]] = []
                while not session.finished:
                    stop = session.run()
                    there.append((session.time, stop.reason, stop.access, stop.detail))
                back = []
                while session.time:
                    stop = session.run_back()
                    back.append((session.time, stop.reason, stop.access))
                found.append((there, back))
        assert found[0] == found[1] == found[2]
        assert len(found[0][0]) == 7 + 1


WRITTEN = """
static unsigned results[64];
static void put(unsigned *code, unsigned word) {
    *code = word;
    __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" : : "r"(code) : "memory");
}
int rewrites(unsigned *code, int n) {
    unsigned sum = 1;
    for (int i = 0; i < n; i++) {
        put(code, 0x11000000 | (i * 7 & 0xFFF) << 10); /* add w0, w0, #(i * 7) */
        put(code + 1, 0xD65F03C0);                     /* ret */
        for (int k = 0; k < 60; k++) sum = ((unsigned (*)(unsigned))code)(sum) ^ k;
        results[i & 63] = sum;
    }
    return sum;
}
"""


@pytest.mark.slow
def test_code_that_the_guest_writes() -> None:
    with armexec.compile(WRITTEN, "c", "-O1", engine="translated") as module:
        buffer = armexec.CodeBuffer(4096)
        found = []
        for pace in (ONE_BY_ONE, PACES[0], PACES[1]):
            with Session(target_of(module.rewrites, buffer.address, 12), pace=pace, policy=SOON) as session:
                session.run()
                seen = [session.result, session.time]
                rng = random.Random(3)
                for time in [rng.randrange(session.time) for _ in range(6)]:
                    session.goto(time)
                    cpu = session.cpu
                    seen += [cpu.pc, cpu.x[0], cpu.w[8], session.memory.read(buffer.address, 8)]
                session.run()
                found.append([*seen, session.result])
        assert found[0] == found[1] == found[2]
        assert found[0][0] == module.rewrites(buffer.address, 12)


def test_sandboxes() -> None:
    text = WATCHED.replace("lent[i % 3] += sum + seen", "scratch[i % 3] += sum + seen")
    with armexec.compile(text, "c", "-O1", engine="translated", sandbox=True) as module:
        found = []
        for pace in (ONE_BY_ONE, PACES[0]):
            module.globals["scratch"], module.globals["other"] = [0] * 300, [0] * 4000
            with Session(target_of(module.walk, 250, 0), pace=pace, policy=SOON) as session:
                session.run()
                end = session.time
                seen = [session.result, end]
                for time in (end // 2, 1000, end - 1):
                    session.goto(time)
                    seen += [session.cpu.pc, session.cpu.x[0], bytes(module.globals["scratch"])]
                found.append(seen)
        assert found[0] == found[1]


def test_faults_are_exact() -> None:
    text = "long f(long *p, long n) { long s = 0; for (long i = 0; i < n; i++) s += i ^ (s << 1); return s + p[s]; }"
    with armexec.compile(text, "c", "-O1", engine="translated") as module:
        found = []
        for pace in (ONE_BY_ONE, None):
            with Session(target_of(module.f, 8, 4000), pace=pace) as session:
                stop = session.run()
                assert isinstance(session.error, armexec.MemoryFault)
                found.append((stop.pc, stop.address, session.time, session.cpu.x[0], session.error.address))
                session.back()
                assert session.error is None
        assert found[0] == found[1]
