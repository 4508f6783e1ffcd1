"""Handlers of signals that others install: the guest's faults are ours, everything else is theirs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import armexec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="of macOS only what is the same was run")

START = """
import ctypes, faulthandler, mmap, os, signal, sys, tempfile, threading, time
import armexec

number = 0

def load():
    global number
    number += 1
    # mov x1, #number; ldr x0, [x0]; add x0, x0, x1; ret
    words = [0xD2800001 | number << 5, 0xF9400000, 0x8B010000, 0xD65F03C0]
    return armexec.function(words, "long(void *)", engine="translated:O0")

def spinning():
    # 1: subs x0, x0, #1; b.ne 1b; ret
    return armexec.function([0xF1000400, 0x54FFFFE1, 0xD65F03C0], "long(long)", engine="translated:O0")

def fault(*functions):
    for function in functions:
        try:
            function(0x2470)
        except armexec.MemoryFault as error:
            print(hex(error.address), error.access, flush=True)

first = load()
fault(first)
"""


def _run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command, environment = [sys.executable, "-c", START + code], os.environ | variables
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


FAULT = "0x2470 read"


def test_handlers_of_others_get_what_is_not_the_guests() -> None:
    done = _run(
        """
kill = lambda: (os.kill(os.getpid(), signal.SIGSEGV), time.sleep(0.01))
faulthandler.enable()
fault(first, load())
faulthandler.disable()
fault(first)
faulthandler.enable()
fault(load(), first)
faulthandler.disable()
signal.signal(signal.SIGSEGV, lambda *_: print("Python's handler", flush=True))
fault(load())
kill()
# While the guest runs on the thread, too.
spin = spinning()
timer = threading.Timer(0.1, kill)
timer.start()
spin(300_000_000)
timer.join()
fault(first)
signal.signal(signal.SIGSEGV, signal.SIG_IGN)
fault(load())
kill()
print("ignored", flush=True)
signal.signal(signal.SIGSEGV, signal.SIG_DFL)
fault(load(), first)
kill()
print("not reached")
"""
    )
    wanted = [FAULT, FAULT, "Python's handler", "Python's handler", FAULT, FAULT, "ignored", FAULT, FAULT]
    assert done.stdout.splitlines() == [FAULT] * 5 + wanted, done.stderr
    assert done.returncode == -signal.SIGSEGV
    # The last is faulthandler's own.
    assert done.stderr.count("Fatal Python error") <= 1


def test_a_handler_put_before_ours_that_sends_the_signal_on() -> None:
    # Nothing is loaded in between: faulthandler prints what it does, and the guest's fault comes to us then. It reads
    # what all threads do without a lock, and may crash; so none runs in the background.
    done = _run("faulthandler.enable()\nfault(first, first)\n", ARMEXEC_DISABLE="tiers,vectorcall")
    assert done.stdout.splitlines() == [FAULT] * 3, done.stderr
    assert done.returncode == 0
    assert done.stderr.count("Fatal Python error") == 1


def test_a_fault_of_a_handler_is_not_the_guests() -> None:
    # faulthandler reads the name of a file through a pointer that isn't one.
    done = _run(
        """
name = "a file's name that nothing else has"
ready, never = threading.Event(), threading.Event()
code = compile("ready.set(); never.wait()", name, "exec")
threading.Thread(target=exec, args=(code, globals()), daemon=True).start()
ready.wait()
time.sleep(0.1)
words = (ctypes.c_size_t * (sys.getsizeof(code) // 8)).from_address(id(code))
words[words[:].index(id(code.co_filename))] = 0x20
faulthandler.enable()
fault(first)
print("not reached", flush=True)
""",
        ARMEXEC_DISABLE="tiers,vectorcall",
    )
    assert done.stdout.splitlines() == [FAULT], done.stderr
    assert done.returncode == -signal.SIGSEGV
    assert done.stderr.startswith("Fatal Python error: Segmentation fault")


@pytest.mark.parametrize("times", [0, 2])
def test_a_fault_of_the_process_ends_it_after_each_has_had_it_once(times: int) -> None:
    done = _run(
        f"""
for _ in range({times}):
    faulthandler.enable()
    load()
    faulthandler.disable()
faulthandler.enable()
fault(load())
ctypes.string_at(8)
"""
    )
    assert done.stdout.splitlines() == [FAULT] * 2
    assert done.returncode == -signal.SIGSEGV
    assert done.stderr.count("Fatal Python error: Segmentation fault") == 1


@pytest.mark.parametrize("handler", ["SIG_DFL", "SIG_IGN"])
def test_a_fault_of_the_process_is_not_ignored(handler: str) -> None:
    done = _run(f"signal.signal(signal.SIGSEGV, signal.{handler})\nload()\nctypes.string_at(8)\n")
    assert done.returncode == -signal.SIGSEGV


def test_memory_that_its_file_no_longer_has() -> None:
    """SIGBUS, for which the same holds."""
    done = _run(
        """
with tempfile.TemporaryFile() as file:
    file.truncate(8192)
    view = mmap.mmap(file.fileno(), 8192)
    file.truncate(0)
    address = ctypes.addressof(ctypes.c_char.from_buffer(view))
    for change in (lambda: None, lambda: signal.signal(signal.SIGBUS, signal.SIG_DFL), faulthandler.enable):
        change()
        load()
        try:
            first(address + 8)
        except armexec.MemoryFault as error:
            print(error.address - address, error.access, flush=True)
os.kill(os.getpid(), signal.SIGBUS)
"""
    )
    assert done.stdout.splitlines() == [FAULT, *["8 read"] * 3], done.stderr
    assert done.returncode == -signal.SIGBUS


def test_killing_while_the_guest_runs() -> None:
    done = _run(
        """
spin = spinning()
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGSEGV)).start()
spin(1 << 60)
"""
    )
    assert done.returncode == -signal.SIGSEGV


def test_threads_give_their_stacks_for_handlers_back() -> None:
    function = armexec.function("ldr x0, [x0]\nadd x0, x0, #1\nret", "long(void *)", engine="translated")

    def fault() -> None:
        with pytest.raises(armexec.MemoryFault):
            function(16)

    def run(count: int) -> int:
        for _ in range(count):
            thread = threading.Thread(target=fault)
            thread.start()
            thread.join()
        return len(Path("/proc/self/maps").read_text().splitlines())

    before = run(5)
    assert run(100) < before + 20
