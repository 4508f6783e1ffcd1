"""Code that is made better while the program runs: results before, during and after, and code that is dropped."""

from __future__ import annotations

import ctypes
import gc
import resource
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from armexec.engines.translated import LoadedTranslatedImage
from armexec.errors import MemoryFault
from armexec.memory import writable_and_executable
from armexec.objects import Parameter, Prototype
from armexec.translate import tiers
from armexec.translate.codegen.llvm import compiled_modules
from armexec.translate.execute import tier_up
from armexec.translate.execute.linked_unit import LinkedUnit
from armexec.translate.mode import SPECULATIVE
from armexec.translate.policy import DEFAULT, Policy

from .guest import FIB, LONG, TWICE, load

PROGRAM = f"""{FIB}{TWICE}
    wait: ldar x1, [x0]
         cbz x1, wait
         mov x0, x1
         ret
    peek: mov x1, x0
         ldr x0, [x1]
         ret
    """

NOTHING_AT_ONCE = Policy(max_optimized_at_once=0)
"""Everything takes long to optimize."""


@pytest.fixture(autouse=True, scope="module")
def _alone() -> None:
    """No strict image is left over, because of which code would be strict: not in what was frozen either."""
    gc.unfreeze()
    gc.collect()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache is empty when a test begins."""
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("ARMEXEC_CACHE", raising=False)
    return tmp_path


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[tiers.Job]:
    """What is to be done in the background, for the test to do."""
    found: list[tiers.Job] = []

    def submit(job: tiers.Job, delay: float = 0.0) -> None:
        # What earlier tests left in the background may still bring something.
        if threading.current_thread().name != "armexec optimizer":
            found.append(job)

    monkeypatch.setattr(tier_up, "submit", submit)
    return found


def _do(jobs: list[tiers.Job], looks: int = 0) -> None:
    """Do them, and what they bring; look so many times whether old loops still run."""
    while jobs:
        job = jobs.pop(0)
        if isinstance(job, tier_up.OnStackReplacement):
            looks -= 1
            if looks < 0:
                continue
        job.run(lambda: False)


def _function(image: LoadedTranslatedImage, offset: int, count: int = 1) -> Callable[..., Any]:
    return image.bind(offset, Prototype("f", LONG, tuple(Parameter("", LONG) for _ in range(count))))


def _functions(
    *names: str, limit: int | None = None, tier: str = "auto", policy: Policy = NOTHING_AT_ONCE
) -> tuple[LoadedTranslatedImage, list[Callable[..., Any]]]:
    image, labels = load(PROGRAM, tier=tier, limit=limit, policy=policy)
    return image, [_function(image, labels[name]) for name in names]


def _tiers(image: LoadedTranslatedImage) -> list[str]:
    return [unit.tier for unit in image.translator.units]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tiers of the units whose code faulted."""
    found: list[str] = []
    original = LinkedUnit.guest_pc

    def guest_pc(self: LinkedUnit, host_pc: int) -> int | None:
        found.append(self.tier)
        return original(self, host_pc)

    monkeypatch.setattr(LinkedUnit, "guest_pc", guest_pc)
    return found


def test_the_switch_is_made_at_the_next_call(jobs: list[tiers.Job], asked: list[str]) -> None:
    image, labels = load(PROGRAM, tier="auto", policy=NOTHING_AT_ONCE)
    peek = _function(image, labels["peek"])
    for _ in range(2):
        with pytest.raises(MemoryFault) as caught:
            peek(8)
        assert caught.value.pc == image.base + labels["peek"] + 4
        assert asked.pop() == "first"
    assert len(jobs) == 1
    _do(jobs)
    with pytest.raises(MemoryFault) as caught:
        peek(8)
    assert caught.value.pc == image.base + labels["peek"] + 4
    assert asked.pop() == "O2"
    assert _tiers(image) == ["first", "O2"]


@pytest.mark.parametrize("limit", [None, 3, 6])
def test_results_before_and_after(limit: int | None, jobs: list[tiers.Job]) -> None:
    image, (fib, twice) = _functions("fib", "twice", limit=limit)
    for _ in range(3):
        assert [fib(n) for n in range(12)] == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]
        assert twice(10) == 110
        if jobs:
            jobs.pop(len(jobs) // 2).run(lambda: False)
    _do(jobs)
    assert fib(11) == 89
    assert twice(10) == 110
    _, (again,) = _functions("twice", limit=limit)
    assert again(10) == 110
    # All ways into the old code lead to the better one.
    translator = image.translator
    old = {
        unit.host.address(name) for unit in translator.units if unit.tier == "first" for name in unit.compiled.names()
    }
    table = list(translator.table)
    entered = {table[(address - image.base) // 4] for address in translator.registry.states}
    assert entered
    assert not old & entered


def test_a_loop_goes_on_in_better_code(jobs: list[tiers.Job]) -> None:
    image, (wait, fib) = _functions("wait", "fib")
    flag = ctypes.c_uint64(0)
    with ThreadPoolExecutor(3) as pool:
        try:
            waiting = [pool.submit(wait, ctypes.addressof(flag)) for _ in range(2)]
            assert pool.submit(fib, 10).result(timeout=60) == 55
            end = time.monotonic() + 60
            while not (loops := [unit for unit in image.translator.units if unit.running.value]):
                assert time.monotonic() < end
                time.sleep(0.001)
            assert len(loops) == 1
            _do(jobs, looks=2)
            assert pool.submit(fib, 10).result(timeout=60) == 55
            # Nobody is in the old loop any more, and nobody has returned.
            time.sleep(0.05)
            loops[0].running.value = 0
            time.sleep(0.05)
            assert not loops[0].running.value
            assert not any(thread.done() for thread in waiting)
        finally:
            flag.value = 123
        assert [thread.result(timeout=60) for thread in waiting] == [123, 123]
    assert wait(ctypes.addressof(flag)) == 123


def test_a_loop_that_has_ended_is_left_alone(jobs: list[tiers.Job]) -> None:
    image, (wait,) = _functions("wait")
    assert wait(ctypes.addressof(ctypes.c_uint64(5))) == 5
    _do(jobs)
    units = len(image.translator.units)
    for unit in image.translator.units:
        unit.running.value = 0
        tier_up.OnStackReplacement(image.translator, unit, 0.1, SPECULATIVE).run(lambda: False)
        assert isinstance(jobs.pop(), tier_up.OnStackReplacement)
    assert len(image.translator.units) == units
    assert not jobs


LOOPS = """
    f:   stp x29, x30, [sp, #-32]!
         stp x19, x20, [sp, #16]
         mov x19, x0
         mov x20, #0
         fmov d8, #1.0
         fmov d9, #0.5
         movi v10.4s, #1
         movi v11.4s, #0
    one: mov x1, #3
    two: add x20, x20, x1
         fadd d8, d8, d9
         add v11.4s, v11.4s, v10.4s
         subs x1, x1, #1
         b.ne two
         mov x0, x20
         bl g
         mov x20, x0
         sub x19, x19, #1
         cmp x19, #1
         b.ge one
         cset x1, lt
         add x20, x20, x1
         fcvtzs x2, d8
         add x20, x20, x2
         umov w3, v11.s[2]
         add x0, x20, x3
         ldp x19, x20, [sp, #16]
         ldp x29, x30, [sp], #32
         ret
    g:   mov x2, #2
    rep: eor x0, x0, x2
         subs x2, x2, #1
         b.ne rep
         ret
    """


def _expected(rounds: int) -> int:
    total, half, count = 0, 2, 0
    for _ in range(rounds):
        total, half, count = (total + 6) ^ 2 ^ 1, half + 3, count + 3
    return total + 1 + half // 2 + count


@pytest.mark.parametrize("limit", [None, 4, 9])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5, 100])
def test_everything_is_taken_along_from_a_loop(at: int, limit: int | None, jobs: list[tiers.Job]) -> None:
    """Whichever loop is left for better code, and in whichever round: registers, flags and vectors go along."""
    image, labels = load(LOOPS, tier="auto", limit=limit, policy=NOTHING_AT_ONCE)
    f = _function(image, labels["f"])
    for rounds in (1, 2, 7):
        assert f(rounds) == _expected(rounds)
    translator = image.translator
    units = [unit for unit in translator.units if unit.has_loops]
    assert units
    for number, unit in enumerate(units):
        if at != 100 and number != at % len(units):
            continue
        unit.running.value = 1
        tier_up.OnStackReplacement(translator, unit, 0.1, SPECULATIVE).run(lambda: False)
        for rounds in (1, 2, 7):
            assert f(rounds) == _expected(rounds)
    _do(jobs)
    for rounds in (1, 2, 7):
        assert f(rounds) == _expected(rounds)


def test_loops_that_run_while_the_background_works() -> None:
    image, labels = load(LOOPS, tier="auto", policy=NOTHING_AT_ONCE)
    f = _function(image, labels["f"])
    rounds = 300_000
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(f, [rounds + number for number in range(8)], timeout=240))
    assert results == [_expected(rounds + number) for number in range(8)]
    assert tiers.wait(timeout=120)
    assert set(_tiers(image)) == {"first", "O2"}


@pytest.mark.parametrize("limit", [None, 4])
def test_in_threads_while_the_background_works(limit: int | None) -> None:
    image, functions = _functions("fib", "twice", limit=limit)
    done = threading.Event()

    def call(number: int) -> int:
        calls = 0
        while not done.is_set() or calls < 20:
            own = _functions("twice", limit=limit)[1][0] if calls < 2 else functions[1]
            assert functions[0](number) == [0, 1, 1, 2, 3, 5, 8, 13][number]
            assert own(number) == 2 * [0, 1, 1, 2, 3, 5, 8, 13][number]
            calls += 1
        return calls

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(call, number) for number in range(8)]
        assert tiers.wait(timeout=120)
        done.set()
        assert all(thread.result(timeout=60) >= 20 for thread in running)
    assert tiers.wait(timeout=120)
    assert set(_tiers(image)) == {"first", "O2"}


def test_an_image_that_is_dropped_is_let_go(jobs: list[tiers.Job]) -> None:
    image, (fib,) = _functions("fib")
    assert fib(10) == 55
    gone = weakref.ref(image.translator)
    before = compiled_modules()
    del image, fib
    gc.collect()
    assert gone() is None
    assert jobs
    _do(jobs)
    assert compiled_modules() == before


def test_an_image_that_is_closed_is_left_alone(jobs: list[tiers.Job]) -> None:
    image, (fib,) = _functions("fib")
    assert fib(10) == 55
    translator = image.translator
    image.close()
    _do(jobs)
    assert {unit.tier for unit in translator.units} == {"first"}


def test_both_are_kept(jobs: list[tiers.Job]) -> None:
    _, (twice,) = _functions("twice")
    assert twice(10) == 110
    # The process ends before there is time to optimize.
    jobs.clear()
    before = compiled_modules()
    image, (twice,) = _functions("twice")
    assert twice(10) == 110
    assert compiled_modules() == before
    assert set(_tiers(image)) == {"first"}
    assert jobs
    _do(jobs)
    assert twice(10) == 110
    before = compiled_modules()
    image, (twice,) = _functions("twice")
    assert twice(10) == 110
    assert compiled_modules() == before
    assert not jobs
    assert set(_tiers(image)) == {"O2"}


@pytest.mark.parametrize("tier", tiers.TIERS)
def test_a_tier_that_is_asked_for_stays(tier: str, jobs: list[tiers.Job]) -> None:
    image, (fib,) = _functions("fib", tier=tier)
    assert fib(10) == 55
    assert set(_tiers(image)) == {tier}
    assert not jobs


def test_what_is_small_is_optimized_at_once(jobs: list[tiers.Job]) -> None:
    image, (fib,) = _functions("fib", policy=DEFAULT)
    assert fib(10) == 55
    assert set(_tiers(image)) == {"O2"}
    assert not jobs
    large, labels = load("f: " + "eor x0, x0, x0, lsl #1\n" * 1000 + "ret", tier="auto")
    _function(large, labels["f"])(1)
    assert set(_tiers(large)) == {"first"}
    assert len(jobs) == 1


def test_a_failure_leaves_what_is_there(jobs: list[tiers.Job], monkeypatch: pytest.MonkeyPatch) -> None:
    from armexec.errors import HostError

    def refuse(*_: Any, **__: Any) -> bytes:
        raise HostError("no")

    _, (fib,) = _functions("fib")
    assert fib(10) == 55
    monkeypatch.setattr(tier_up, "compile_object", refuse)
    with pytest.raises(HostError):
        jobs[0].run(lambda: False)
    monkeypatch.undo()
    tiers.submit(jobs[0])
    assert tiers.wait(timeout=60)
    assert fib(10) == 55


@pytest.mark.usefixtures("others_pages")
def test_no_page_is_writable_and_executable(jobs: list[tiers.Job]) -> None:
    before = set(writable_and_executable())
    _, (twice,) = _functions("twice", limit=4)
    assert set(writable_and_executable()) <= before
    while jobs:
        jobs.pop().run(lambda: False)
        assert set(writable_and_executable()) <= before
        assert twice(10) == 110
        assert set(writable_and_executable()) <= before


ENDING = """
import sys, threading, time
import armexec
text = "f: " + "madd x1, x0, x1, x0\\neor x0, x0, x1, lsr #3\\n" * 900 + "ret"
if sys.argv[1] == "threads":
    threads = [threading.Thread(target=lambda: armexec.function(text, "long(long)")(3)) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
f = armexec.function(text, "long(long)")
f(3)
time.sleep(float(sys.argv[2]))
print("done")
if sys.argv[1] == "error":
    raise SystemExit(7)
"""


@pytest.mark.parametrize(("how", "status"), [("plain", 0), ("error", 7), ("threads", 0)])
@pytest.mark.parametrize("delay", ["0", *(pytest.param(each, marks=pytest.mark.slow) for each in ("0.1", "0.4"))])
def test_the_process_may_end_at_any_time(how: str, status: int, delay: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING, how, delay], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, "done\n", "")


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _tiny(number: int, tier: str) -> None:
    """Translate a function, run it and drop it; half of the functions have been there before."""
    image, labels = load(f"f: movz x0, #{number // 2 % 50000}\nret", tier=tier, policy=NOTHING_AT_ONCE)
    assert _function(image, labels["f"], 0)() == number // 2 % 50000


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("tier", ["O2", "auto"])
@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.long)])
def test_functions_that_come_and_go_leave_nothing(count: int, tier: str) -> None:
    for number in range(100):
        _tiny(number, tier)
    assert tiers.wait(timeout=120)
    gc.collect()
    before = _resident()
    for number in range(count):
        _tiny(number, tier)
    assert tiers.wait(timeout=600)
    gc.collect()
    assert _resident() - before < (2 << 20) + 500 * count
