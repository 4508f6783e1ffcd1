"""Workers begin, end and are replaced."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.isolation.inside import call_until_it_has_ended

import armexec
from armexec.isolation.module import IsolatedModule
from armexec.isolation.server.client import fork_server
from engines import needs_processes

pytestmark = needs_processes

SOURCE = """
int counter;
int next(void) { return ++counter; }
int same(int x) { return x; }
void spin(void) { for (;;) ; }
int apply(int (*f)(int), int x) { return f(x); }
"""
PATIENCE = 30.0


@pytest.fixture
def module() -> Iterator[IsolatedModule]:
    with armexec.compile(SOURCE, "c", isolate="process") as made:
        assert isinstance(made, IsolatedModule)
        yield made


def _exists(process: int) -> bool:
    """Whether there is such a process, also as a zombie."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _becomes(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


def test_close_ends_it_and_leaves_no_zombie() -> None:
    module = armexec.compile(SOURCE, "c", isolate="process")
    assert isinstance(module, IsolatedModule)
    process = module.worker.pid
    assert _exists(process)
    module.close()
    module.close()
    assert not _exists(process)
    with pytest.raises(armexec.Error, match="the module is closed"):
        module.next()
    with pytest.raises(armexec.Error, match="the module is closed"):
        module.read(0, 4)
    with pytest.raises(armexec.Error, match="the module is closed"):
        _ = module.globals["counter"]
    with pytest.raises(armexec.Error, match="the module is closed"):
        _ = module.worker


def test_a_module_that_is_dropped_ends_it() -> None:
    module = armexec.compile(SOURCE, "c", isolate="process")
    assert isinstance(module, IsolatedModule)
    assert module.apply(lambda x: x, 1) == 1
    process = module.worker.pid
    del module
    gc.collect()
    assert _becomes(lambda: not _exists(process))


def test_destructors_run_at_close(capsys: pytest.CaptureFixture[str]) -> None:
    source = '#include <cstdio>\nstruct S { ~S() { printf("gone\\n"); } } s;\nint f() { return 1; }'
    with armexec.compile(source, isolate="process") as module:
        assert module.f() == 1
    assert capsys.readouterr().out == "gone\n"


def test_constructors_that_fail_are_told() -> None:
    with pytest.raises(armexec.MemoryFault):
        armexec.compile("int x = *(volatile int *)8;", isolate="process")


def test_threads_take_turns(module: IsolatedModule) -> None:
    def work(number: int) -> list[int]:
        return [module.same(number * 1000 + i) for i in range(100)]

    with ThreadPoolExecutor(8) as pool:
        for number, found in enumerate(pool.map(work, range(8))):
            assert found == [number * 1000 + i for i in range(100)]
        counts = list(pool.map(lambda _: module.next(), range(200)))
    assert sorted(counts) == list(range(1, 201))


def test_a_time_limit_counts_while_another_thread_has_the_worker(module: IsolatedModule) -> None:
    inside, go = threading.Event(), threading.Event()

    def wait(x: int) -> int:
        inside.set()
        go.wait(PATIENCE)
        return x

    thread = threading.Thread(target=module.apply, args=(wait, 1))
    thread.start()
    assert inside.wait(PATIENCE)
    try:
        with pytest.raises(armexec.TimeLimitExceeded, match="another thread"), armexec.limits(time_limit=0.05):
            module.same(1)
    finally:
        go.set()
        thread.join()
    assert module.same(1) == 1


def _interrupt_after(seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    return timer


def test_interrupts_leave_the_guest_and_keep_the_worker(module: IsolatedModule) -> None:
    assert module.next() == 1
    before = module.worker.pid
    for _ in range(5):
        timer = _interrupt_after(0.2)
        with pytest.raises(KeyboardInterrupt):
            module.spin()
        timer.join()
    assert module.next() == 2
    assert module.worker.pid == before


def _call_for_ever(module: IsolatedModule) -> None:
    for i in itertools.cycle(range(1000)):
        assert module.same(i) == i


@pytest.mark.slow
def test_interrupts_of_many_calls(module: IsolatedModule) -> None:
    """At whatever moment it comes, the module can be used after it, and no result is another call's."""
    for round in range(30):
        timer = _interrupt_after(0.005 + round * 0.001)
        with pytest.raises(KeyboardInterrupt):
            _call_for_ever(module)
        timer.join()
        assert module.same(round) == round


def test_other_signals_of_python_are_handled(module: IsolatedModule) -> None:
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(armexec.TimeLimitExceeded), armexec.limits(time_limit=0.5):
            module.spin()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert seen == [1]


def _run(script: str) -> subprocess.Popen[str]:
    source = f"import armexec, os, sys, time\nmodule = armexec.compile({SOURCE!r}, 'c', isolate='process')\n"
    return subprocess.Popen(
        [sys.executable, "-c", source + script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("how", [pytest.param("end", marks=pytest.mark.slow), "kill while it spins", "os._exit"])
def test_workers_end_with_the_process(how: str) -> None:
    script = "print(module.worker.pid, module.worker.server._process.pid, flush=True)\n"
    script += {
        "end": "module.next()",
        "kill while it spins": "module.spin()",
        "os._exit": "os._exit(0)",
    }[how]
    process = _run(script)
    assert process.stdout is not None
    pids = [int(word) for word in process.stdout.readline().split()]
    assert len(pids) == 2
    if "kill" in how:
        time.sleep(0.2)
        process.kill()
    process.communicate(timeout=PATIENCE)
    assert _becomes(lambda: not any(_runs(each) for each in pids))


def _runs(process: int) -> bool:
    """Whether there is such a process; not a zombie, which its new parent may not have waited for."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return sys.platform != "linux" and _exists(process)


@pytest.mark.slow
def test_a_child_of_this_process_has_a_worker_of_its_own() -> None:
    process = _run(
        "module.next()\nmine = module.worker.pid\nchild = os.fork()\n"
        "found = module.next()\n"
        "if child == 0:\n"
        "    assert module.worker.pid != mine\n"
        "    os._exit(0 if found == 1 else 9)\n"
        "print(found, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), module.worker.pid == mine)\n"
    )
    output, errors = process.communicate(timeout=2 * PATIENCE)
    assert output == "2 0 True\n", errors


@pytest.mark.slow
def test_a_server_that_has_ended_is_replaced(module: IsolatedModule) -> None:
    module.worker.server._process.kill()
    with pytest.raises(armexec.WorkerCrashed):
        call_until_it_has_ended(module)
    assert module.next() == 1


def test_threads_that_start_and_end_workers_have_one_server() -> None:
    servers = set()

    def work(number: int) -> int:
        with armexec.compile("int f(int x) { return x; }", isolate="process") as module:
            servers.add(fork_server())
            return int(module.f(number))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(32))) == list(range(32))
    assert len(servers) == 1
