"""Faults by the hundred thousand, in one process: alone, from 16 threads at once, beside others that handle signals.

A process of its own has them. `pytest -m long tests/test_many_faults.py` makes a million in each case, in a minute.
`ARMEXEC_TEST_NUMBA` names a Python that has numba, if this one hasn't.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engines import needs_processes

pytestmark = [needs_processes, pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files of processes")]

SOME, MANY = 4_000, 1_000_000
PATIENCE = 60.0
"""Seconds of processor time that a million may take: a busy machine is no reason to fail."""
OTHER = """
#include <setjmp.h>
#include <signal.h>
static sigjmp_buf back;
static volatile int expected;
static struct sigaction before;
int reached;
static void handler(int number, siginfo_t *info, void *context) {
    reached++;
    if (expected) siglongjmp(back, 1);
    sigaction(number, &before, 0);
}
int begin(void) {
    struct sigaction mine = {0};
    mine.sa_sigaction = handler;
    mine.sa_flags = SA_SIGINFO | SA_NODEFER;
    return sigaction(SIGSEGV, &mine, &before);
}
int touch(volatile char *p) {
    if (sigsetjmp(back, 1)) { expected = 0; return -1; }
    expected = 1;
    char found = *p;
    expected = 0;
    return found;
}
"""
CODE = r"""
import ctypes, faulthandler, gc, os, sys, threading, time
kind, count, library = sys.argv[1], int(sys.argv[2]), sys.argv[3]
touch = None
if kind == "faulthandler before":
    faulthandler.enable()
if kind == "numba":
    import numba

    @numba.njit
    def double(x):
        return 2 * x

    assert double(4) == 8
if kind == "another library":
    other = ctypes.CDLL(library)
    assert other.begin() == 0
    other.touch.argtypes = [ctypes.c_void_p]
    touch = other.touch
    assert touch(8) == -1
import armexec
from armexec.translate.tiers import wait

SOURCE = '''
long load(long *p) { return *p + 1; }
void store(long *p) { *p = 1; }
long deep(long *p, long n) { return n ? deep(p, n - 1) + 1 : *p; }
'''
module = armexec.compile(SOURCE, "c", "-O1", engine="translated")
calls = [module.load, module.store, lambda at: module.deep(at, 20)]


def faults(number, seed):
    for index in range(number):
        at = 8 + 8 * ((index * 7 + seed) % 400)
        try:
            calls[index % 3](at)
        except armexec.MemoryFault as error:
            assert error.address == at
        else:
            raise AssertionError("no fault")
        if touch is not None and index % 100 == 0:
            assert touch(8) == -1


def use():
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def mappings():
    with open("/proc/self/maps") as maps:
        return sum(1 for _ in maps)


faults(min(count, 2000), 1)
if kind == "faulthandler after":
    faulthandler.enable()
    # Whoever came last is asked first: armexec's handlers come back with what is loaded next.
    module = armexec.compile(SOURCE, "c", "-O1", engine="translated")
    calls[:2] = module.load, module.store
    faults(min(count, 2000), 1)
# What LLVM takes to improve the code in the background doesn't belong to the faults.
assert wait(60)
memory, mapped, began = use(), mappings(), time.process_time()
if kind == "threads":
    failed = []

    def work(seed):
        try:
            faults(count // 16, seed)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
else:
    faults(count, 0)
seconds = time.process_time() - began
if kind == "numba":
    assert double(4) == 8
grown, more = use() - memory, mappings() - mapped
assert grown < 16_000_000, grown
assert more < 100, more
if kind == "another library":
    assert ctypes.c_int.in_dll(other, "reached").value == 1 + count // 100 + min(count, 2000) // 100
assert module.load([5]) == 6
print(f"done: {count} faults in {seconds:.2f} s of processor time, {grown} bytes more", flush=True)
"""
KINDS = ("alone", "threads", "faulthandler before", "faulthandler after", "another library", "numba")


def _python(kind: str) -> str:
    """The Python that runs a case. Skips the test where there is none."""
    if kind != "numba" or importlib.util.find_spec("numba") is not None:
        return sys.executable
    named = os.environ.get("ARMEXEC_TEST_NUMBA", "")
    if not named:
        pytest.skip("numba isn't installed, and ARMEXEC_TEST_NUMBA names no Python that has it")
    return named


def _library(kind: str, folder: Path) -> str:
    """A library of the host with a handler of its own for SIGSEGV."""
    if kind != "another library":
        return ""
    source, made = folder / "other.c", folder / "libother.so"
    source.write_text(OTHER)
    own = shutil.which("cc")
    compiler = [own] if own is not None else [sys.executable, "-m", "ziglang", "cc"]
    command = [*compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return str(made)


def make_faults(kind: str, count: int, folder: Path) -> float:
    """Have a process make faults; the seconds of processor time that they took."""
    command = [_python(kind), "-c", CODE, kind, str(count), _library(kind, folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr[-3000:])
    assert done.stdout.startswith("done")
    print(done.stdout)
    return float(done.stdout.split(" in ")[1].split()[0])


@pytest.mark.parametrize("kind", ["threads", "faulthandler after", "another library"])
def test_some_faults(kind: str, tmp_path: Path) -> None:
    make_faults(kind, SOME, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_million_faults(kind: str, tmp_path: Path) -> None:
    assert make_faults(kind, MANY, tmp_path) < PATIENCE
