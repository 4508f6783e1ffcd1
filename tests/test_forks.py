"""Forks of a process in which other threads make functions: no child waits for what nobody can give it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

PROGRAM = """
import os, signal, sys, threading, time
import armexec

mode, forks, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
stop = False

def make(number):
    # mov x0, #number; add x0, x0, #1; ret
    words = [0xD2800000 | (number & 0xFFFF) << 5, 0x91000400, 0xD65F03C0]
    function = armexec.function(words, "long()", engine="translated" if number % 2 else "translated:O1")
    assert function() == (number & 0xFFFF) + 1
    if number % 3 == 0:
        assert len(function.module.functions) == 1 and "add" in function.disassembly
    if number % 10 == 0:
        # Threads of the parent only: this imports much.
        assert armexec.assemble(f"mov x0, #{number & 0xFFF}").words

def work(start):
    number = start
    while not stop:
        make(number)
        number += 1

if mode == "used":
    make(1)
threads = [threading.Thread(target=work, args=(start,), daemon=True) for start in (0, 20000)]
for thread in threads:
    thread.start()
children = []
for index in range(forks):
    time.sleep(pause)
    child = os.fork()
    if not child:
        signal.alarm(100)
        stop = True
        try:
            make(40000 + 30 * index + 1)
            thread = threading.Thread(target=make, args=(30002,))
            thread.start()
            make(30003)
            thread.join()
            os._exit(0)
        except BaseException as error:
            os.write(2, repr(error).encode())
            os._exit(3)
    children.append(child)
statuses = [os.waitpid(child, 0)[1] for child in children]
stop = True
for thread in threads:
    thread.join(30)
    assert not thread.is_alive()
make(7)
print(statuses.count(0), [status for status in statuses if status])
"""


def _run(mode: str, forks: int, pause: float) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, mode, str(forks), str(pause)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "ARMEXEC_CACHE": "off"},
    )
    assert (done.stdout, done.stderr) == (f"{forks} []\n", "")


def test_children_make_functions_while_threads_of_the_parent_do() -> None:
    """A new process imports most modules while it forks; in a used one the locks are ours."""
    _run("new", 4, 0.03)


def test_a_module_that_is_being_imported_all_the_time_delays_nothing(tmp_path: Path) -> None:
    """A program may run while one of its modules is being imported."""
    (tmp_path / "program.py").write_text(
        """
import os, threading, time
import armexec
done = []
def fork():
    start = time.monotonic()
    child = os.fork()
    if not child:
        os._exit(armexec.function([0xD2800060, 0xD65F03C0], "int()", engine="reference")() - 3)
    done.append((os.waitpid(child, 0)[1], time.monotonic() - start < 20))
thread = threading.Thread(target=fork)
thread.start()
thread.join()
print(done)
"""
    )
    done = subprocess.run(
        [sys.executable, "-c", "import program"], capture_output=True, text=True, timeout=100, check=False, cwd=tmp_path
    )
    assert done.stdout == "[(0, True)]\n", done.stderr


def test_a_fork_waits_for_who_is_in_llvm() -> None:
    """LLVM has locks of its own. Whoever leaves it may free objects, and wait for any lock."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            """
import os, threading, time
import armexec
from armexec.forks import hold, no_fork
lock = hold(threading.Lock())
inside = threading.Event()
left = 0
def work():
    global left
    for _ in range(3):
        with no_fork():
            inside.set()
            time.sleep(0.05)
            with lock:
                left += 1
thread = threading.Thread(target=work)
thread.start()
inside.wait()
start = time.monotonic()
child = os.fork()
if not child:
    with lock, no_fork():
        os._exit(left)
thread.join()
print(0 < os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) <= left, left, time.monotonic() - start < 20)
""",
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout == "True 3 True\n", done.stderr


@pytest.mark.long
@pytest.mark.parametrize("pause", [0.001, 0.01, 0.05, 0.1])
@pytest.mark.parametrize("mode", ["new", "used"])
def test_many_children(mode: str, pause: float) -> None:
    _run(mode, 40, pause)
