"""Ctrl-C and time limits while guest code runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import armexec
from engines import AVAILABLE, needs_processes

SPIN = """
long spin(long n) { volatile long i = 0; while (i < n || n < 0) i++; return i; }
long fill(char *to, long size, long times) {
    for (long t = 0; t < times; t++) __builtin_memset(to, (int)t, size);
    return to[0];
}
long add(long a, long b) { return a + b; }
"""
PATIENCE = 20.0
"""Seconds; on a busy machine things may take long."""


@pytest.fixture(scope="module", params=["translated:O0", *AVAILABLE])
def spin(request: pytest.FixtureRequest) -> armexec.Module:
    return armexec.compile(SPIN, "c", "-O1", engine=request.param)


@pytest.fixture
def translated() -> armexec.Module:
    return armexec.compile(SPIN, "c", "-O1", engine="translated")


@pytest.fixture
def own_handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def send(after: float, number: signal.Signals = signal.SIGINT) -> threading.Timer:
    timer = threading.Timer(after, os.kill, (os.getpid(), number))
    timer.start()
    return timer


@pytest.mark.usefixtures("own_handler")
def test_ctrl_c(spin: armexec.Module) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for n in range(3):
        start = time.monotonic()
        timer = send(0.03 * (n + 1))
        with pytest.raises(KeyboardInterrupt):
            spin.spin(-1)
        timer.join()
        assert time.monotonic() - start < PATIENCE
        # It is as usable as before.
        assert spin.add(n, 40) == n + 40


@pytest.mark.usefixtures("own_handler")
def test_a_handler_that_returns_lets_the_guest_go_on(translated: armexec.Module) -> None:
    seen: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    rounds = 400_000_000
    timer = send(0.1)
    assert translated.spin(rounds) == rounds
    timer.join()
    assert seen == [signal.SIGINT]


@pytest.mark.usefixtures("own_handler")
def test_a_handler_may_call_the_guest(translated: armexec.Module) -> None:
    seen: list[int] = []
    signal.signal(signal.SIGINT, lambda *_: seen.append(translated.add(len(seen), 40)))
    rounds = 400_000_000
    timers = [send(0.05), send(0.15)]
    assert translated.spin(rounds) == rounds
    for timer in timers:
        timer.join()
    assert seen in ([40, 41], [40])


def test_what_a_handler_raises_leaves_the_guest(translated: armexec.Module) -> None:
    class Alarm(Exception):
        pass

    def handle(*_: object) -> None:
        raise Alarm

    before = signal.signal(signal.SIGALRM, handle)
    try:
        for _ in range(3):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(Alarm) as caught:
                translated.spin(-1)
            assert caught.traceback[-1].name == "handle"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("own_handler")
def test_inside_a_function_of_the_host(translated: armexec.Module) -> None:
    """A loop that has become memset."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = send(0.05)
    with pytest.raises(KeyboardInterrupt):
        translated.fill(bytearray(1 << 24), 1 << 24, 1 << 30)
    timer.join()


def test_time_limit(spin: armexec.Module) -> None:
    start = time.monotonic()
    with (
        pytest.raises(armexec.TimeLimitExceeded, match=r"the time limit is over at .*spin") as caught,
        armexec.limits(time_limit=0.05),
    ):
        spin.spin(-1)
    assert 0.05 <= time.monotonic() - start < PATIENCE
    assert caught.value.symbol.startswith("spin")
    assert caught.value.source.endswith(":2")
    # Nothing is limited any more.
    assert spin.spin(1000) == 1000


def test_the_nearest_limit_counts(spin: armexec.Module) -> None:
    with armexec.limits(time_limit=0.3):
        start = time.monotonic()
        with pytest.raises(armexec.TimeLimitExceeded), armexec.limits(time_limit=0.05):
            spin.spin(-1)
        assert time.monotonic() - start < 0.3
        # A longer one inside changes nothing.
        with pytest.raises(armexec.TimeLimitExceeded), armexec.limits(time_limit=1000.0):
            spin.spin(-1)
        # It is over: later calls are left too.
        with pytest.raises(armexec.TimeLimitExceeded):
            spin.spin(-1)
        with armexec.limits(), pytest.raises(armexec.TimeLimitExceeded):
            spin.spin(-1)
    assert spin.add(1, 2) == 3


def test_threads_have_limits_of_their_own(translated: armexec.Module) -> None:
    took: list[float] = []

    def work(limit: float) -> None:
        start = time.monotonic()
        with pytest.raises(armexec.TimeLimitExceeded), armexec.limits(time_limit=limit):
            translated.spin(-1)
        took.append(time.monotonic() - start - limit)

    threads = [threading.Thread(target=work, args=(0.05 * n,)) for n in range(1, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(took) == 3
    assert all(0 <= late < PATIENCE for late in took)


@pytest.mark.parametrize("wrong", [-1, "1", float("nan"), [1]])
def test_a_limit_that_is_none(wrong: object) -> None:
    with pytest.raises(armexec.SignatureError, match="number of seconds"):
        armexec.limits(time_limit=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_a_module_has_a_limit_of_its_own(engine: str) -> None:
    module = armexec.compile(SPIN, "c", "-O1", engine=engine, time_limit=0.1)
    for _ in range(2):
        with pytest.raises(armexec.TimeLimitExceeded, match="spin"):
            module.spin(-1)
        # Each call has all of it.
        assert module.spin(20) == 20
        assert module.add(b=1, a=2) == 3
    start = time.monotonic()
    with armexec.limits(time_limit=0.0), pytest.raises(armexec.TimeLimitExceeded):
        module.spin(-1)
    assert time.monotonic() - start < PATIENCE
    # A longer one around it changes nothing.
    with armexec.limits(time_limit=1000.0), pytest.raises(armexec.TimeLimitExceeded):
        module.spin(-1)


@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_a_function_and_an_initializer_have_it(engine: str) -> None:
    forever = armexec.function("b .", "void()", engine=engine, time_limit=0.1)
    with pytest.raises(armexec.TimeLimitExceeded):
        forever()
    source = "int x(); __attribute__((constructor)) void hang() { volatile int i = 0; while (1) i++; }"
    with pytest.raises(armexec.TimeLimitExceeded, match="hang"):
        armexec.compile(source, "c", engine=engine, time_limit=0.1)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("time_limit", -1),
        ("time_limit", "1"),
        ("time_limit", True),
        ("instruction_limit", -1),
        ("instruction_limit", 1.5),
        ("memory_limit", "1M"),
        ("stack_size", 0),
        ("stack_size", 4095),
    ],
)
def test_values_that_limits_cant_have(name: str, wrong: object) -> None:
    given: dict[str, Any] = {name: wrong}
    with pytest.raises(armexec.SignatureError, match="number of"):
        armexec.limits(**given)
    with pytest.raises(armexec.SignatureError, match="number of"):
        armexec.function("ret", "void()", **given)
    with pytest.raises(armexec.SignatureError, match="number of"):
        armexec.compile("void f() {}", "c", **given)
    with pytest.raises(armexec.SignatureError, match="number of"):
        armexec.load(b"", **given)


@needs_processes
def test_in_a_child_of_a_fork() -> None:
    code = """
import os, signal, sys, threading
import armexec
forever = armexec.function("b .", "void()", engine="translated")
def limited():
    try:
        with armexec.limits(time_limit=0.05):
            forever()
    except armexec.TimeLimitExceeded:
        return 0
    return 1
assert limited() == 0
child = os.fork()
if not child:
    os._exit(limited())
assert os.waitpid(child, 0)[1] == 0
signal.signal(signal.SIGURG, lambda *_: print("urgent", flush=True))
assert limited() == 0
os.kill(os.getpid(), signal.SIGURG)
print("done", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-2:] == ["urgent", "done"], done.stderr
    assert done.returncode == 0


def test_a_guest_that_calls_python_all_the_time_is_left(translated: armexec.Module) -> None:
    """When the watch has the GIL, such a guest waits for it, and isn't in its own code: it looks when it goes on."""
    source = "long call(long (*f)(long), long n) { long s = 0; while (n--) s += f(n); return s; }"
    module = armexec.compile(source, "c", "-O1", engine="translated")
    module.call(lambda n: n, 10)
    module.call(lambda n: n, 10)
    seen = []
    for _ in range(5):
        began = time.monotonic()
        with armexec.limits(time_limit=0.02), pytest.raises(armexec.TimeLimitExceeded):
            module.call(lambda n: n, 1 << 60)
        seen.append(time.monotonic() - began)
        # Others' calls aren't disturbed.
        assert translated.add(1, 2) == 3
    assert min(seen) < 0.5, seen


def _long_to_translate(engine: str = "translated:O2") -> armexec.Function:
    """A function that takes LLVM a second. What Python does for it takes less."""
    steps = ((f"x{i % 8}", f"x{(i * 3 + 1) % 8}", f"x{(i * 5 + 2) % 8}") for i in range(4000))
    lines = [f"{('madd', 'msub')[i % 2]} {to}, {a}, {b}, {to}" for i, (to, a, b) in enumerate(steps)]
    loop = "\n".join(("mov x9, #3", "1:", *lines, "add x0, x0, x1", "subs x9, x9, #1", "b.ne 1b", "ret"))
    return armexec.function(loop, "long(long)", engine=engine)


def _in_a_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("where", [lambda work: work(), _in_a_thread], ids=["main", "thread"])
def test_llvm_is_left_in_time_and_goes_on(where: Callable[[Callable[[], None]], None]) -> None:
    expected = _long_to_translate("reference")(5)
    # With the cache, another test may have left the code there.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARMEXEC_CACHE", "off")
        start = time.monotonic()
        assert _long_to_translate()(5) == expected
        whole = time.monotonic() - start
        f = _long_to_translate()
        late: list[float] = []
        results: list[int] = []

        def work() -> None:
            # LLVM comes further each time, and Python's part is done within a limit.
            limit = 0.5 * whole
            while not results:
                start = time.monotonic()
                try:
                    with armexec.limits(time_limit=limit):
                        results.append(f(5))
                except armexec.TimeLimitExceeded:
                    late.append(time.monotonic() - start - limit)

        where(work)
    assert results == [expected]
    assert late
    assert max(late) < 0.2 * whole


@pytest.mark.slow
def test_other_code_does_not_wait_for_what_was_left() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARMEXEC_CACHE", "off")
        start = time.monotonic()
        _long_to_translate()(5)
        whole = time.monotonic() - start
        f = _long_to_translate()
        with pytest.raises(armexec.TimeLimitExceeded), armexec.limits(time_limit=0.5 * whole):
            f(5)
        start = time.monotonic()
        assert armexec.function("add x0, x0, #7\n ret", "long(long)", engine="translated:O2")(1) == 8
        assert time.monotonic() - start < 0.3 * whole
