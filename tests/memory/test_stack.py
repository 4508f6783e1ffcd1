"""The guest's stack: as large as Linux gives, and running out of it is an error of its own, whatever the frame."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path

import pytest

import armexec
from armexec.memory import guest_stack, page_size, stack_size
from engines import needs_processes

ENGINES = ("translated", "reference")
SOURCE = """
int deep(int n) { volatile char b[64]; b[0] = n; return n <= 0 ? 1 : deep(n - 1) + b[0]; }
int tiny(int n) { return n <= 0 ? 0 : tiny(n - 1) + 1; }
int four(int n) { volatile char a[4 << 20]; a[0] = n; a[sizeof a - 1] = n; return a[0] + a[sizeof a - 1]; }
int nine(int n) { volatile char a[9 << 20]; a[0] = n; return a[0]; }
int sixteen(int n) { volatile char a[16 << 20]; a[n] = n; return a[n]; }
int wide(int n) { volatile char a[200 << 20]; return a[n]; }
int fill(int n) { char *p = __builtin_alloca(n); for (int i = n - 1; i >= 0; i--) p[i] = i; return p[n / 2]; }
int outer(int n) { volatile char a[1 << 20]; a[0] = n; return n <= 0 ? 1 : outer(n - 1) + a[0]; }
"""


@cache
def _module(engine: str, opt: str = "-O0") -> armexec.Module:
    return armexec.compile(SOURCE, language="c", opt=opt, engine=engine, filename="stack.c")


@pytest.mark.parametrize("engine", ENGINES)
def test_there_are_eight_megabytes(engine: str) -> None:
    assert stack_size() == 8 << 20
    assert _module(engine).four(3) == 6
    if engine == "translated":
        assert _module(engine).fill((8 << 20) - 4096) == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("name", "argument", "access"),
    [("nine", 1, "write"), ("sixteen", 0, "write"), ("wide", 5, "read"), ("outer", 9, "write")],
)
def test_a_large_frame_is_an_overflow(engine: str, name: str, argument: int, access: str) -> None:
    with pytest.raises(armexec.StackOverflow, match="too large") as caught:
        _module(engine)[name](argument)
    error = caught.value
    assert isinstance(error, armexec.MemoryFault)
    assert error.size == 8 << 20
    assert error.access == access
    assert error.symbol.partition("+")[0] == name
    assert error.source.startswith("stack.c:")
    assert "ARMEXEC_STACK" in str(error)


# With -O1 `tiny` is a loop.
@pytest.mark.parametrize(("name", "opt"), [("deep", "-O0"), ("deep", "-O1"), ("tiny", "-O0")])
def test_endless_recursion_is_an_overflow(name: str, opt: str) -> None:
    function = _module("translated", opt)[name]
    for _ in range(2):
        with pytest.raises(armexec.StackOverflow, match="recursion too deep") as caught:
            function(1 << 30)
        assert caught.value.symbol.partition("+")[0] == name
    assert function(3) > 0


def test_filling_more_than_there_is() -> None:
    with pytest.raises(armexec.StackOverflow, match="has run out"):
        _module("translated").fill(8 << 20)


@pytest.mark.parametrize("engine", ENGINES)
def test_above_the_first_stack_pointer_is_a_callers_frame(engine: str) -> None:
    function = armexec.function("ldr x9, [sp]\nldr x10, [sp, #64]\norr x0, x9, x10\nret", "long()", engine=engine)
    assert function() == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_accesses_far_below_the_stack_are_faults(engine: str) -> None:
    function = armexec.function("sub x9, sp, x0\nldr x0, [x9]\nret", "long(long)", engine=engine)
    for distance in (9 << 20, 16 << 20, 64 << 20, 255 << 20):
        with pytest.raises(armexec.StackOverflow):
            function(distance)


def test_the_stack_of_a_small_thread_runs_out_first() -> None:
    """Translated functions also use the stack of the thread that calls them."""
    function = _module("translated").tiny
    function(1)
    found: list[object] = []

    def call() -> None:
        try:
            found.append(function(1 << 30))
        except armexec.Error as error:
            found.append(error)

    size = threading.stack_size(512 << 10)
    try:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
    (error,) = found
    assert isinstance(error, armexec.StackOverflow)
    assert "this thread" in str(error)
    assert error.symbol.partition("+")[0] == "tiny"


FIND = """
import sys, threading
import armexec
source = '''
static int found(int x) { return x + 1; }
int (*volatile pointer)(int) = found;
int down(int n) { volatile char b[16]; b[0] = 1; return n <= 0 ? pointer(n) : down(n - 1) + b[0]; }
'''
module = armexec.compile(source, language="c", opt="-O1", engine="translated:O2")

def call(n):
    try:
        print(module.down(n) == n + 1, flush=True)
    except armexec.StackOverflow as error:
        print("this thread" in str(error), flush=True)

threading.stack_size(1 << 20)
thread = threading.Thread(target=call, args=(int(sys.argv[1]),))
thread.start()
thread.join()
"""


@needs_processes
@pytest.mark.parametrize("depth", [31_500])
def test_code_is_not_looked_for_without_stack_for_it(depth: int) -> None:
    """Python and LLVM would end the process where the stack runs out: here, just before the guest's own frames fill it.

    How much of it a level takes is LLVM's choice, so a depth may miss the narrow range; the result is the same.
    """
    done = subprocess.run(
        [sys.executable, "-c", FIND, str(depth)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "ARMEXEC_CACHE": "off"},
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_the_environment_gives_more(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_STACK", "32M")
    module = armexec.compile(SOURCE, language="c", opt="-O0", engine=engine, filename="stack.c")
    assert module.sixteen(5) == 5
    assert module.nine(7) == 7
    monkeypatch.setenv("ARMEXEC_STACK", str(1 << 20))
    module = armexec.compile(SOURCE, language="c", opt="-O0", engine="translated", filename="stack.c")
    with pytest.raises(armexec.StackOverflow) as caught:
        module.four(1)
    assert caught.value.size == 1 << 20
    monkeypatch.delenv("ARMEXEC_STACK")
    armexec.function("ret", "long(long)", engine=engine)
    assert _module(engine).four(3) == 6


@pytest.mark.parametrize("text", ["0", "-1", "8 M", "many", "1.5M", "0x1000", "8MB"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_size_that_is_none_is_refused(engine: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_STACK", text)
    with pytest.raises(armexec.HostError, match="ARMEXEC_STACK is"):
        armexec.function("ret", "long(long)", engine=engine)(1)


def test_pages_are_given_when_they_are_used() -> None:
    with guest_stack() as stack:
        assert stack.guard_size >= 256 << 20
        assert _resident(stack.address, stack.size) == 0
        ctypes.memset(stack.top - 16, 1, 16)
        assert 0 < _resident(stack.address, stack.size) <= 2 * page_size()


def _resident(address: int, size: int) -> int:
    """How many bytes of a range the system holds in memory: bit 63 of an entry of /proc/PID/pagemap."""
    if sys.platform != "linux":
        pytest.skip("only Linux tells")
    page = page_size()
    with Path("/proc/self/pagemap").open("rb") as file:
        file.seek(address // page * 8)
        entries = memoryview(file.read(size // page * 8)).cast("Q")
    return sum(entry >> 63 for entry in entries) * page


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("engine", ENGINES)
def test_threads_in_turn_need_no_more_memory(engine: str) -> None:
    function = armexec.function("str x0, [sp, #-16]!\nldr x0, [sp], #16\nret", "long(long)", engine=engine)

    def run(count: int) -> int:
        for number in range(count):
            thread = threading.Thread(target=function, args=(number,))
            thread.start()
            thread.join()
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[0]) * page_size()

    before = run(10)
    # One stack reserves more than that; the C library reserves 64 MiB for the heap of a new thread.
    assert run(60) - before < 200 << 20
