"""Regions on the real host: they run, they keep the rule, they go away."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading

import pytest

from armexec.errors import Error, HostError
from armexec.memory import (
    MapEntry,
    Protection,
    Region,
    allocate,
    page_size,
    process_map,
    strategy_name,
)
from armexec.memory.kernel import real_kernel
from armexec.memory.strategies import MemfdPages, Strategy, choose
from rules import broken

from .hosts import EXECUTE, FN, READ, STRATEGIES, WRITE, call, child, region

pytestmark = pytest.mark.usefixtures("others_pages")
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.name)
executes = pytest.mark.skipif(FN is None, reason="no code for this processor in the test")


def entry_at(address: int) -> MapEntry | None:
    return next((entry for entry in process_map() if entry.start <= address < entry.end), None)


@executes
@every_strategy
def test_fn_3_is_3_and_no_page_is_ever_writable_and_executable(strategy: type[Strategy]) -> None:
    assert FN is not None
    page = page_size()
    memory = region(strategy, 3)
    assert broken() == []
    memory.write(0, FN)
    memory.write(2 * page, b"data")
    assert broken() == []
    memory.seal([(0, page, READ | EXECUTE), (2 * page, page, READ | WRITE)])
    assert broken() == []
    assert call(memory.address, 3) == 3
    assert call(memory.address, -(2**31)) == -(2**31)
    memory.write(2 * page, b"DATA")
    assert memory.read(2 * page, 4) == b"DATA"
    protections = [entry_at(memory.address + number * page) for number in range(3)]
    assert [str(entry.protection) for entry in protections if entry] == ["r-x", "---", "rw-"]
    assert broken() == []
    memory.close()
    assert entry_at(memory.address) is None
    assert broken() == []


@executes
@every_strategy
def test_the_same_address_can_hold_other_code_later(strategy: type[Strategy]) -> None:
    """Stale instructions would show here: the kernel gives freed addresses out again."""
    assert FN is not None
    other = {20: bytes.fromhex("c0018052c0035fd6"), 3: bytes.fromhex("b80e000000c3")}[len(FN)]  # return 14
    for _ in range(20):
        for code, expected in ((FN, 3), (other, 14)):
            with region(strategy) as memory:
                memory.write(0, code)
                memory.seal([(0, memory.size, READ | EXECUTE)])
                assert call(memory.address, 3) == expected


@executes
@every_strategy
def test_code_can_not_be_written_and_data_can_not_be_executed(strategy: type[Strategy]) -> None:
    assert FN is not None
    page = page_size()
    with region(strategy, 2) as memory:
        memory.write(0, FN)
        memory.write(page, FN)
        memory.seal([(0, page, READ | EXECUTE), (page, page, READ | WRITE)])
        assert child(lambda: 0 if call(memory.address, 3) == 3 else 1) == 0
        faults = {-signal.SIGSEGV, -signal.SIGBUS}
        assert child(lambda: ctypes.memmove(memory.address, b"x", 1)) in faults
        assert child(lambda: call(memory.address + page, 3)) in faults


@every_strategy
def test_data_is_not_shared_with_the_child_of_a_fork(strategy: type[Strategy]) -> None:
    with region(strategy) as memory:
        memory.write(0, b"parent")
        memory.seal([(0, memory.size, READ | WRITE)])
        assert child(lambda: memory.write(0, b"child!")) == 0
        assert memory.read(0, 6) == b"parent"


def test_where_the_host_translates_guest_code_is_only_readable() -> None:
    page = page_size()
    with allocate(page + 1, executable=False) as memory:
        assert memory.size == 2 * page
        memory.write(0, b"words")
        memory.seal([(0, page, READ | EXECUTE), (page, page, READ | WRITE)])
        entry = entry_at(memory.address)
        assert entry is not None
        assert entry.protection == READ
        assert memory.parts[0] == (0, page, READ | EXECUTE)
        assert memory.read(0, 5) == b"words"
        assert not any(step.protection and EXECUTE in step.protection for step in memory.steps)


def test_allocate_uses_the_strategy_that_was_probed() -> None:
    with allocate(1, executable=True) as memory:
        assert memory.strategy == strategy_name() == choose(real_kernel()).name
        assert memory.size == page_size()
        assert memory.address % page_size() == 0
        assert memory.strategy in repr(memory)


def mdwe() -> int:
    """PR_SET_MDWE with PR_MDWE_REFUSE_EXEC_GAIN (linux/prctl.h); 0 if the kernel has it."""
    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)
    result: int = prctl(65, 1, 0, 0, 0)
    return result


@pytest.mark.skipif(sys.platform != "linux", reason="a Linux prctl")
@executes
def test_where_memory_may_not_become_executable_a_memfd_is_used() -> None:
    unsupported = 77

    def work() -> int:
        assert FN is not None
        # The cache maintenance function is found before: it may need a page of its own.
        kernel = real_kernel()
        if mdwe() != 0:
            return unsupported
        if choose(kernel) is not MemfdPages:
            return 1
        with region(MemfdPages) as memory:
            memory.write(0, FN)
            memory.seal([(0, memory.size, READ | EXECUTE)])
            right = memory.steps[-1].call == "close" and broken() == []
            # The address is called without ctypes.CFUNCTYPE, whose closures may need executable memory
            # themselves.
            return 0 if right and call(memory.address, 3) == 3 else 2

    status = child(work)
    if status == unsupported:
        pytest.skip("this kernel has no PR_SET_MDWE")
    assert status == 0


@pytest.mark.parametrize("size", [0, -1, 1 << 60, 1 << 64, (1 << 52) + 1])
@pytest.mark.parametrize("executable", [True, False])
def test_impossible_sizes_are_refused(size: int, executable: bool) -> None:
    with pytest.raises(HostError):
        allocate(size, executable=executable)


def test_more_than_the_address_space_says_what_to_do() -> None:
    with pytest.raises(HostError, match=r"errno 12.*ulimit"):
        allocate(1 << 50, executable=False)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([(0, 1, READ)], "whole pages"),
        ([(1, -1, READ)], "-[0-9]+ bytes"),
        ([(-1, 1, READ)], "offset"),
        ([(0, 3, READ)], "it has"),
        ([(0, 2, READ), (1, 1, READ)], "overlaps"),
        ([(0, 1, READ | WRITE | EXECUTE)], "writable and executable"),
        ([(0, 0, READ)], "whole pages"),
    ],
)
def test_bad_parts_are_refused_and_change_nothing(parts: list[tuple[int, int, Protection]], message: str) -> None:
    page = page_size()
    with allocate(2 * page, executable=True) as memory:
        memory.write(0, b"kept")
        in_bytes = [(offset * page, size * page, protection) for offset, size, protection in parts]
        if parts == [(0, 1, READ)]:
            in_bytes = [(0, page - 1, READ)]
        with pytest.raises(HostError, match=message):
            memory.seal(in_bytes)
        assert not memory.sealed
        assert memory.read(0, 4) == b"kept"
        assert broken() == []


@pytest.mark.parametrize(("offset", "size"), [(-1, 1), (0, 1 << 40), (1 << 40, 1), (0, -1)])
def test_reads_outside_are_refused(offset: int, size: int) -> None:
    with allocate(1, executable=True) as memory, pytest.raises(HostError):
        memory.read(offset, size)


@pytest.mark.parametrize("offset", [-1, 1 << 40, "last byte"])
def test_writes_outside_are_refused(offset: int | str) -> None:
    with allocate(1, executable=True) as memory:
        start = offset if isinstance(offset, int) else memory.size - 1
        with pytest.raises(HostError, match="can't write 2 bytes"):
            memory.write(start, b"xx")


def test_a_sealed_region_stays_as_it_is() -> None:
    with allocate(1, executable=True) as memory:
        memory.seal([(0, memory.size, READ | EXECUTE)])
        with pytest.raises(HostError, match="already sealed"):
            memory.seal([(0, memory.size, READ | WRITE)])
        with pytest.raises(HostError, match="allocate a new region"):
            memory.write(0, b"x")


def test_a_closed_region_is_an_error_not_a_crash() -> None:
    memory = allocate(1, executable=True)
    memory.close()
    memory.close()
    assert memory.closed
    for use in (lambda: memory.read(0, 1), lambda: memory.write(0, b"x"), lambda: memory.seal([])):
        with pytest.raises(Error, match="closed"):
            use()


def resources() -> tuple[int, int]:
    return len(process_map()), len(os.listdir("/dev/fd"))


@every_strategy
def test_nothing_leaks(strategy: type[Strategy]) -> None:
    def use(number: int) -> None:
        memory = region(strategy, 3)
        memory.write(0, b"\0\0\0\0")
        if number % 3:
            memory.seal([(0, page_size(), READ | EXECUTE)])
        if number % 2:
            memory.close()  # the others are freed when nothing refers to them

    use(1)
    gc.collect()
    before = resources()
    for number in range(200):
        use(number)
    gc.collect()
    after = resources()
    # The interpreter may map some more of its own; two hundred regions would be hundreds of entries.
    assert after[0] - before[0] < 10
    assert after[1] == before[1]


def test_threads_can_map_at_the_same_time() -> None:
    assert FN is not None
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                with allocate(1, executable=True) as memory:
                    memory.write(0, FN or b"")
                    memory.seal([(0, memory.size, READ | EXECUTE)])
                    assert call(memory.address, 5) == 5
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert broken() == []


def test_a_region_is_what_allocate_returns() -> None:
    with allocate(10, executable=False) as memory:
        assert isinstance(memory, Region)
        assert [step.call for step in memory.steps] == ["mmap"]
        assert str(memory.steps[0]).startswith(f"mmap 0x{memory.address:x} {page_size()} rw- ")
