"""What the tests on the real host share: its strategies, code that it can execute, children that may die."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import resource
import sys
from collections.abc import Callable

from armexec.memory import Protection, Region, page_size
from armexec.memory.kernel import machine, real_kernel
from armexec.memory.mapped_ranges import MAPPED_RANGES
from armexec.memory.strategies import Strategy, candidates, choose

# int fn(int num) { return num; } for the processor of the host.
FN = {
    "aarch64": bytes.fromhex("ff4300d1e00f00b9e00f40b9ff430091c0035fd6"),  # clang -O0
    "x86_64": bytes.fromhex("89f8c3"),  # mov eax, edi; ret
}.get(machine())

READ, WRITE, EXECUTE = Protection.READ, Protection.WRITE, Protection.EXECUTE

if sys.platform == "linux":
    STRATEGIES = candidates(real_kernel())
else:
    STRATEGIES = [choose(real_kernel())]


def region(strategy: type[Strategy], pages: int = 1) -> Region:
    return Region(real_kernel(), strategy, pages * page_size(), executable=True, mapped=MAPPED_RANGES)


def call(address: int, number: int) -> int:
    result: int = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(address)(number)
    return result


def child(work: Callable[[], int | None]) -> int:
    """Run `work` in a child; its result as the exit status, or minus the signal that killed it."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            faulthandler.disable()
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            # A fault of the child is expected: nothing about it belongs in the output of the tests.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            status = work() or 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
