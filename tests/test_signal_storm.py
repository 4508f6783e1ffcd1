"""Signals at random moments: each Ctrl-C is a KeyboardInterrupt, and a handler that returns changes no result.

A process of its own gets the signals, so that none is pytest's. `pytest -m long tests/test_signal_storm.py` sends a
thousand in each case.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from engines import needs_processes
from samples import one_of

pytestmark = [needs_processes, pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files of processes")]

CODE = r"""
import gc, os, random, signal, sys, threading, time
import numpy
import armexec

SOURCE = '''
long spin(long n) { unsigned long x = n; for (long i = 0; i < n; i++) x = (x ^ x >> 7) * 31; return x ? n : -1; }
long deep(long n) { return n ? (deep(n - 1) ^ n) * 31 : 7; }
long deeply(long n) { long s = 0; for (long i = 0; i < n; i++) s |= deep(1000 + (i & 7)); return s ? n : -1; }
long callback(long n, long (*f)(long)) { long s = 0; while (n--) s += f(n); return s; }
void *memset(void *, int, unsigned long);
long fill(char *p, unsigned long size, long n) { while (n--) memset(p, n, size); return p[0]; }
'''
kind, count, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
module = armexec.compile(SOURCE, "c", "-O1", engine="translated")
big = numpy.zeros(1 << 22, numpy.uint8)
number = 0


def translation():
    # Code that is new each time: most of the time is LLVM's.
    global number
    number += 1
    text = "".join(f"add x{i % 8}, x{(i + 1) % 8}, #{(i * 7 + number) % 4096}\n" for i in range(600))
    armexec.function(text + "ret", "long(long)", engine="translated:O2")(1)
    return 0


CASES = {
    "loop": (lambda n: module.spin(n), 30_000_000),
    "recursion": (lambda n: module.deeply(n), 30_000),
    "callback": (lambda n: module.callback(n, lambda x: 1), 100_000),
    "memset": (lambda n: module.fill(big, big.size, n) * 0 + n, 400),
    "translation": (lambda n: translation() or n, 1),
}
call, size = CASES[kind]
call(max(size // 1000, 1))
chance = random.Random(kind)
main = os.getpid()
handled = 0


armed = False
go = threading.Event()
delay = 0.0


def handler(*_):
    # Only where it is waited for: what Python does between calls isn't what is tested.
    global handled
    handled += 1
    if armed and how == "raises":
        raise KeyboardInterrupt


def sender():
    while True:
        go.wait()
        go.clear()
        time.sleep(delay)
        os.kill(main, signal.SIGINT)
        # Python drops what is raised in a finalizer, or in a callback of a weak reference: then there is another one.
        while armed and not go.wait(2):
            os.kill(main, signal.SIGINT)


def use():
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


start = time.perf_counter()
call(size)
whole = time.perf_counter() - start
memory = None
signal.signal(signal.SIGINT, handler)
threading.Thread(target=sender, daemon=True).start()
for index in range(count):
    delay = chance.random() * whole
    if how == "returns":
        go.set()
        assert call(size) == size
        while handled <= index:
            time.sleep(0.001)
    else:
        armed = True
        go.set()
        try:
            while True:
                assert call(size) == size
        except KeyboardInterrupt:
            armed = False
    if index == count // 3:
        memory = use()
assert call(size) == size
grown = use() - memory
assert grown < 16_000_000, grown
print("done")
"""
KINDS = ("loop", "recursion", "callback", "memset", "translation")


def storm(kind: str, count: int, how: str) -> None:
    command = [sys.executable, "-c", CODE, kind, str(count), how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == "done\n"


@pytest.mark.parametrize("how", ["raises", "returns"])
@pytest.mark.parametrize("kind", one_of(2, KINDS))
def test_some_signals(kind: str, how: str) -> None:
    storm(kind, 3, how)


@pytest.mark.long
@pytest.mark.parametrize("how", ["raises", "returns"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_signals(kind: str, how: str) -> None:
    storm(kind, 1000, how)
