"""Threads of programs: pthreads of C, and those of C++."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import armexec
from samples import one_of

ENGINES = pytest.mark.parametrize("engine", ["translated", pytest.param("reference", marks=pytest.mark.slow)])
PATIENCE = 20.0
"""Seconds; on a busy machine things may take long."""


@pytest.fixture(autouse=True)
def nothing_is_left() -> object:
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("armexec guest")] == []


def c(body: str, main: str) -> str:
    headers = "pthread.h stdio.h stdlib.h stdatomic.h unistd.h time.h errno.h signal.h sys/types.h"
    return "\n".join([*(f"#include <{name}>" for name in headers.split()), body, f"int main(void) {{ {main} }}"])


COUNTERS = c(
    """
static atomic_long added; static long locked; static _Thread_local long own;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *work(void *rounds) {
    for (long i = 0; i < (long)rounds; i++) {
        added += 3;
        pthread_mutex_lock(&lock); locked++; pthread_mutex_unlock(&lock);
        own++;
    }
    return (void *)own;
}""",
    """pthread_t threads[4]; long sum = 0;
    for (int i = 0; i < 4; i++) if (pthread_create(&threads[i], 0, work, (void *)ROUNDS)) return 1;
    for (int i = 0; i < 4; i++) { void *result; pthread_join(threads[i], &result); sum += (long)result; }
    printf("%ld %ld %ld %ld", (long)added, locked, sum, own); return 0;""",
)


@ENGINES
@pytest.mark.parametrize("flags", one_of(2, ["-march=armv8.1-a", "-march=armv8-a"]))
def test_atomics_mutexes_and_variables_of_threads(engine: str, flags: str) -> None:
    rounds = 200 if engine == "reference" else 20_000
    done = armexec.run(COUNTERS, engine=engine, language="c", opt="-O1", flags=[flags, f"-DROUNDS={rounds}L"])
    assert (done.output, done.status) == (f"{12 * rounds} {4 * rounds} {4 * rounds} 0".encode(), 0)


def test_in_a_sandbox() -> None:
    done = armexec.run(COUNTERS, language="c", opt="-O1", flags="-DROUNDS=5000L", sandbox=True)
    assert done.output == b"60000 20000 20000 0"


CPP = r"""
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <mutex>
#include <queue>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
using namespace std::chrono_literals;
std::atomic<int> destroyed;
struct Counted { int n = 0; ~Counted() { destroyed += 1; } };
thread_local Counted counted;
int made() {
    static std::vector<int> once = [] { std::this_thread::sleep_for(2ms); return std::vector<int>{7}; }();
    return once[0];
}

void queue() {
    std::mutex lock; std::condition_variable changed; std::queue<int> numbers; bool done = false; long total = 0;
    std::vector<std::thread> consumers;
    for (int i = 0; i < 3; i++) consumers.emplace_back([&] {
        for (counted.n = 1;;) {
            std::unique_lock held(lock);
            changed.wait(held, [&] { return done || !numbers.empty(); });
            if (numbers.empty()) return;
            total += numbers.front(); numbers.pop(); counted.n++;
        }
    });
    for (int i = 1; i <= 300; i++) { { std::lock_guard held(lock); numbers.push(i); } changed.notify_one(); }
    { std::lock_guard held(lock); done = true; } changed.notify_all();
    for (auto &thread : consumers) thread.join();
    std::printf("%ld %d\n", total, (int)destroyed);
}

int main() {
    queue();
    auto number = std::async(std::launch::async, [] { std::this_thread::sleep_for(5ms); return 42; });
    auto wrong = std::async(std::launch::async, []() -> int { throw std::runtime_error("in a thread"); });
    try { wrong.get(); } catch (const std::exception &error) { std::printf("%s %d\n", error.what(), number.get()); }
    std::mutex lock; std::condition_variable never; std::unique_lock held(lock);
    std::printf("%d\n", never.wait_for(held, 10ms) == std::cv_status::timeout);
    std::atomic<int> flag{0}; std::thread spins([&] { while (!flag) {} flag = 2; }); flag = 1; spins.join();
    std::shared_mutex shared; int value = 0; std::vector<std::thread> readers; std::atomic<int> sum{0};
    for (int i = 0; i < 3; i++) readers.emplace_back([&] {
        { std::unique_lock writing(shared); value++; } { std::shared_lock reading(shared); } sum += made(); });
    for (auto &thread : readers) thread.join();
    std::printf("%d %d %d %d\n", (int)flag, value, (int)sum, std::thread::hardware_concurrency() > 0);
}
"""


@ENGINES
@pytest.mark.slow
def test_cpp(engine: str) -> None:
    done = armexec.run(CPP, engine=engine, opt="-O1", flags="-std=c++20 -w")
    assert done.output.decode() == "45150 3\nin a thread 42\n1\n2 3 21 1\n"


@pytest.mark.slow
def test_cpp_many_times() -> None:
    for _ in range(5):
        test_cpp("translated")


PIECES = {
    "the others end with main": ("static void *f(void *p) { for (;;) { } }", "START; return 3;", 3),
    "a thread ends the program": ("static void *f(void *p) { exit(5); }", "START; for (;;) sleep(1);", 5),
    "the program ends when all threads have": (
        'static void *f(void *p) { usleep(20000); puts("late"); return 0; }',
        "START; pthread_exit(0);",
        0,
    ),
    "a detached thread": (
        "static atomic_int done; static void *f(void *p) { pthread_detach(pthread_self()); done = 6; return 0; }",
        "START; while (!done) sched_yield(); usleep(1000); return done;",
        6,
    ),
    "many threads, one after the other": (
        "static long n; static void *f(void *p) { n++; return 0; }",
        "for (int i = 0; i < 100; i++) { START; pthread_join(t, 0); } return n;",
        100,
    ),
    "a barrier": (
        "static pthread_barrier_t b; static int n; static void *f(void *p) { pthread_barrier_wait(&b); n += 2; "
        "pthread_barrier_wait(&b); return 0; }",
        "pthread_barrier_init(&b, 0, 2); START; pthread_barrier_wait(&b); pthread_barrier_wait(&b); return n;",
        2,
    ),
    "numbers": (
        "static pid_t own; static void *f(void *p) { own = gettid(); return 0; }",
        "START; pthread_join(t, 0); return getpid() == 1000 && gettid() == 1000 && own == 1001 ? 7 : 1;",
        7,
    ),
    "a thread sends itself a signal": ("static void *f(void *p) { abort(); }", "START; for (;;) sleep(1);", 134),
}


def program(functions: str, main: str) -> str:
    return c(functions, "pthread_t t; " + main).replace("START", "if (pthread_create(&t, 0, f, 0)) return 99")


@pytest.mark.parametrize("name", one_of(2, PIECES))
def test_pieces(name: str) -> None:
    functions, main, status = PIECES[name]
    done = armexec.run(program(functions, main), language="c", opt="-O1", flags="-w -D_GNU_SOURCE")
    assert done.status == status
    assert done.output == (b"late\n" if "all threads" in name else b"")


def refused(functions: str, main: str, **options: object) -> armexec.Error:
    with pytest.raises(armexec.Error) as caught:
        armexec.run(program(functions, main), language="c", opt="-O1", flags="-w -D_GNU_SOURCE", **options)
    return caught.value


def test_a_fault_of_a_thread_ends_the_program() -> None:
    error = refused("static void *fails(void *p) { return *(void **)8; }\n#define f fails", "START; for (;;) sleep(1);")
    assert isinstance(error, armexec.MemoryFault)
    assert (error.address, error.symbol) == (8, "fails+0x4")
    assert error.backtrace[0].symbol == "fails+0x4"


def test_threads_that_all_wait_are_told() -> None:
    lock = "static pthread_mutex_t a; static void *f(void *p) { pthread_mutex_lock(&a); return 0; }"
    error = refused(lock, "pthread_mutex_lock(&a); START; pthread_join(t, 0); return 0;")
    assert isinstance(error, armexec.SystemCallDenied)
    assert "all its other threads: it would wait for ever" in str(error)


@pytest.mark.parametrize(
    ("main", "options", "text"),
    [
        ("START; return 0;", {"instruction_limit": 100_000}, "with an instruction limit it has one"),
        ("fork(); return 0;", {}, "starts another process (fork)"),
        ("START; pthread_kill(t, SIGUSR1); return 0;", {}, "sends signal 10 to thread 1001, not to itself"),
        ("START; return 0;", {"isolate": "process"}, "in a process of its own code has one thread"),
    ],
    ids=["instruction limit", "fork", "signal", "isolated"],
)
def test_what_there_is_not(main: str, options: dict[str, object], text: str) -> None:
    assert text in str(refused("static void *f(void *p) { sleep(100); return 0; }", main, **options))


WAITS = ["for (;;) n++;", "sleep(100);", "pthread_mutex_lock(&lock); pthread_mutex_lock(&lock);", "read(0, &n, 1);"]
MAINS = ["f(0);", "START; f(0);", "START; pthread_join(t, 0);"]


@pytest.mark.parametrize(
    ("main", "waits"),
    one_of(2, [(main, waits) for waits in WAITS for main in MAINS if "lock" not in waits or "START" in main]),
)
def test_a_time_limit_ends_all(main: str, waits: str) -> None:
    functions = f"static volatile long n; static pthread_mutex_t lock; static void *f(void *p) {{ {waits} return 0; }}"
    # One thread that doesn't wait, so that the others may.
    spins = "static void *g(void *p) { for (;;) usleep(1000); }"
    if "lock" in waits:
        main = f"pthread_t u; pthread_create(&u, 0, g, 0); {main}"
    reading, writing = os.pipe()
    start = time.monotonic()
    with open(reading, "rb") as file, open(writing, "wb"):
        error = refused(functions + spins, f"{main} return 0;", time_limit=0.3, input=file)
        took = time.monotonic() - start
    assert isinstance(error, armexec.TimeLimitExceeded)
    assert took < PATIENCE


def test_ctrl_c_ends_all() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            armexec.run(program("static void *f(void *p) { for (;;); }", "START; pthread_join(t, 0);"), language="c")
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)


def test_what_was_a_limit_before_is_one_afterwards() -> None:
    source = program("static void *f(void *p) { exit(0); }", "START; for (;;);")
    with armexec.limits(time_limit=PATIENCE):
        assert armexec.run(source, language="c").status == 0
        assert armexec.run(source, language="c").status == 0
    spin = armexec.function("1: b 1b", "void()", engine="translated")
    with pytest.raises(armexec.TimeLimitExceeded), armexec.limits(time_limit=0.05):
        spin()


FUNCTIONS = """
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
static pthread_t pool; static atomic_int wanted, done; static pthread_mutex_t lock; static pthread_cond_t changed;
static void *square(void *p) { long n = (long)p; return (void *)(n * n); }
long squares(long n) {
    pthread_t t[4]; long sum = 0; void *result;
    for (long i = 0; i < 4; i++) if (pthread_create(&t[i], 0, square, (void *)(n + i))) return -1;
    for (int i = 0; i < 4; i++) { pthread_join(t[i], &result); sum += (long)result; }
    return sum;
}
static void *works(void *p) {
    for (;;) {
        pthread_mutex_lock(&lock);
        while (!wanted) pthread_cond_wait(&changed, &lock);
        wanted = 0; done++;
        pthread_cond_broadcast(&changed); pthread_mutex_unlock(&lock);
    }
}
int begin(void) { return pthread_create(&pool, 0, works, 0); }
int ask(void) {
    pthread_mutex_lock(&lock);
    wanted = 1; pthread_cond_broadcast(&changed);
    while (wanted) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return done;
}
static int (*python)(int);
static void *calls(void *p) { return (void *)(long)python(20); }
long by_a_thread(int (*f)(int)) {
    pthread_t t; void *r; python = f; pthread_create(&t, 0, calls, 0); pthread_join(t, &r); return (long)r;
}
static void *fails(void *p) { return *(void **)16; }
int failing(int waits) { pthread_t t; pthread_create(&t, 0, fails, 0); return waits ? pthread_join(t, 0) : 7; }
static void *spins(void *p) { for (;;); }
int leave(void) { pthread_t t; return pthread_create(&t, 0, spins, 0); }
"""


@pytest.fixture(params=["translated", pytest.param("reference", marks=pytest.mark.slow)])
def functions(request: pytest.FixtureRequest) -> Iterator[Any]:
    with armexec.compile(FUNCTIONS, "c", "-O1", engine=request.param) as module:
        yield module


def test_functions_that_python_calls_start_threads(functions: Any) -> None:
    assert [functions.squares(n) for n in (1, 5)] == [30, 25 + 36 + 49 + 64]


def test_threads_go_on_between_calls(functions: Any) -> None:
    assert functions.begin() == 0
    assert [functions.ask() for _ in range(20)] == list(range(1, 21))


def test_a_thread_calls_python(functions: Any) -> None:
    seen: list[str] = []

    def twice(x: int) -> int:
        seen.append(threading.current_thread().name)
        return 2 * x

    assert functions.by_a_thread(twice) == 40
    assert seen == ["armexec guest 1001"]

    def wrong(x: int) -> int:
        raise LookupError("in a thread")

    with pytest.raises(LookupError, match="in a thread"):
        functions.by_a_thread(wrong)
    assert functions.squares(1) == 30


def test_what_a_thread_fails_with_is_the_calls(functions: Any) -> None:
    with pytest.raises(armexec.MemoryFault) as caught:
        functions.failing(1)
    assert (caught.value.address, caught.value.symbol.partition("+")[0]) == (16, "fails")

    def call_until_it_is_known() -> None:
        # It doesn't wait: a later call learns of it.
        functions.failing(0)
        for _ in range(100):
            functions.squares(1)
            time.sleep(0.05)

    with pytest.raises(armexec.MemoryFault):
        call_until_it_is_known()
    assert functions.squares(1) == 30


def test_what_no_call_knows_of_is_told_at_the_end() -> None:
    module = armexec.compile(FUNCTIONS, "c", "-O1")
    assert module.failing(0) == 7
    time.sleep(0.3)
    with pytest.raises(armexec.MemoryFault):
        module.close()


def test_a_time_limit_holds_for_what_was_started(functions: Any) -> None:
    with armexec.limits(time_limit=1.5):
        assert functions.leave() == 0
    end = time.monotonic() + PATIENCE
    while any(thread.name.startswith("armexec guest") for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert functions.squares(1) == 30


def test_the_end_of_a_module_ends_its_threads() -> None:
    module = armexec.compile(FUNCTIONS, "c", "-O1")
    module.begin()
    module.leave()
    module.close()
    why = "in a process of its own code has one thread"
    with (
        armexec.compile(FUNCTIONS, "c", isolate="process") as isolated,
        pytest.raises(armexec.SystemCallDenied, match=why),
    ):
        isolated.begin()


def test_standard_input_of_a_terminal_is_waited_for() -> None:
    """What comes while another thread runs is read when it is there."""
    source = program(
        "static volatile int n; static void *f(void *p) { while (n < 1000000000) n++; return 0; }",
        "START; char text[9] = {0}; read(0, text, 8); n = 1000000000; pthread_join(t, 0); puts(text); return 0;",
    )
    reading, writing = os.pipe()
    timer = threading.Timer(0.2, os.write, (writing, b"late"))
    timer.start()
    with open(reading, "rb") as file:
        assert armexec.run(source, input=file, language="c", opt="-O1", flags="-w").output == b"late\n"
    timer.join()
    os.close(writing)


RELAXED = """
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
static struct { atomic_int stop; atomic_long count; volatile int end; long plain; } s;
static void *counts(void *p) {
    while (!atomic_load_explicit(&s.stop, memory_order_relaxed))
        atomic_store_explicit(&s.count, atomic_load_explicit(&s.count, memory_order_relaxed) + 1, memory_order_relaxed);
    return 0;
}
static void *adds(void *p) { while (!s.end) s.plain += 3; return 0; }
int main(void) {
    pthread_t t, u;
    pthread_create(&t, 0, counts, 0); pthread_create(&u, 0, adds, 0);
    while (atomic_load_explicit(&s.count, memory_order_relaxed) < 10000) sched_yield();
    s.end = 1;
    atomic_store_explicit(&s.stop, 1, memory_order_relaxed);
    pthread_join(t, 0); pthread_join(u, 0);
    return s.plain % 3;
}
"""


@pytest.mark.parametrize("opt", one_of(2, ["-O2", "-O0", "-O1"]))
def test_loops_that_store_see_what_others_store(opt: str) -> None:
    """A relaxed atomic is a plain load: it isn't made once, before the loop."""
    assert armexec.run(RELAXED, language="c", opt=opt, engine="translated:O2", time_limit=3 * PATIENCE).status == 0
