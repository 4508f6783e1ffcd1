"""Access by address: the right bytes, or an exception with the right address; never a crash."""

from __future__ import annotations

import ctypes
import mmap
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armexec.errors import Error
from armexec.memory import AccessError, GuestStack, HostMemory, allocate, guest_stack, page_size

from .hosts import EXECUTE, READ, WRITE, child


def without_memfd() -> HostMemory:
    """As on a system without memfd_create, where a temporary file takes its place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(os, "memfd_create", raising=False)
        memory = HostMemory()
        memory.read(ctypes.addressof(ctypes.c_int()), 4)  # opens the file of this thread
    return memory


MEMORIES = [HostMemory(), without_memfd()]
every_memory = pytest.mark.parametrize("memory", MEMORIES, ids=["default", "temporary-file"])

PAGE = page_size()


class Foreign:
    """Three pages that armexec doesn't know about: readable and writable, read-only, not accessible."""

    def __init__(self) -> None:
        self.map = mmap.mmap(-1, 3 * PAGE)
        self.content = (ctypes.c_ubyte * (3 * PAGE)).from_buffer(self.map)
        self.address = ctypes.addressof(self.content)
        ctypes.memset(self.address, 0x5A, 3 * PAGE)
        mprotect = ctypes.CDLL(None).mprotect
        mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        assert mprotect(self.address + PAGE, PAGE, 1) == 0
        assert mprotect(self.address + 2 * PAGE, PAGE, 0) == 0


FOREIGN = Foreign()


@every_memory
@pytest.mark.parametrize("size", [1, 2, 4, 8, 16, 64, 65, 3 * PAGE + 5])
def test_what_is_written_is_read(memory: HostMemory, size: int) -> None:
    buffer = ctypes.create_string_buffer(size + 2)
    address = ctypes.addressof(buffer) + 1
    data = os.urandom(size)
    memory.write(address, data)
    assert buffer.raw == b"\0" + data + b"\0"
    assert memory.read(address, size) == data


@every_memory
def test_protections_are_respected(memory: HostMemory) -> None:
    read_only, none = FOREIGN.address + PAGE, FOREIGN.address + 2 * PAGE
    assert memory.read(read_only, 8) == b"\x5a" * 8
    with pytest.raises(AccessError, match="doesn't allow a write") as caught:
        memory.write(read_only, b"x")
    assert (caught.value.address, caught.value.access) == (read_only, "write")
    with pytest.raises(AccessError) as caught:
        memory.read(none, 1)
    assert (caught.value.address, caught.value.access) == (none, "read")
    assert isinstance(caught.value, Error)
    assert memory.read(read_only, 8) == b"\x5a" * 8


@every_memory
@pytest.mark.parametrize("before", [1, 7, 63, 100])
def test_an_access_across_pages_names_the_first_refused_address(memory: HostMemory, before: int) -> None:
    read_only, none = FOREIGN.address + PAGE, FOREIGN.address + 2 * PAGE
    with pytest.raises(AccessError) as caught:
        memory.write(read_only - before, b"y" * (before + 4))
    assert caught.value.address == read_only
    assert memory.read(read_only, 4) == b"\x5a" * 4
    with pytest.raises(AccessError) as caught:
        memory.read(none - before, before + 4)
    assert caught.value.address == none
    memory.write(FOREIGN.address, b"after a refusal, all is well")
    assert memory.read(FOREIGN.address, 28) == b"after a refusal, all is well"


@every_memory
@pytest.mark.parametrize("address", [0, 1, 8, -1, -(2**63), 2**63, 2**64 - 8, 2**64 - 1, 2**64, 2**70])
def test_addresses_that_are_never_mapped(memory: HostMemory, address: int) -> None:
    with pytest.raises(AccessError):
        memory.read(address, 8)
    with pytest.raises(AccessError):
        memory.write(address, b"12345678")


@every_memory
@pytest.mark.parametrize("size", [-1, 1 << 40, 1 << 62, 1 << 64])
def test_absurd_sizes_fail_before_they_are_allocated(memory: HostMemory, size: int) -> None:
    with pytest.raises(AccessError):
        memory.read(FOREIGN.address, size)


@every_memory
def test_nothing_can_be_read_or_written_anywhere(memory: HostMemory) -> None:
    assert memory.read(0, 0) == b""
    memory.write(0, b"")


@every_memory
def test_regions_are_accessed_as_they_are_protected(memory: HostMemory) -> None:
    region = allocate(3 * PAGE, executable=False)
    region.write(0, b"code")
    region.seal([(0, PAGE, READ | EXECUTE), (PAGE, PAGE, READ | WRITE)])
    assert memory.read(region.address, 4) == b"code"
    memory.write(region.address + PAGE, b"data")
    assert region.read(PAGE, 4) == b"data"
    # From one part into the next, which is another protection and another known range.
    assert memory.read(region.address + PAGE - 2, 4) == b"\0\0da"
    for address in (region.address, region.address + PAGE - 1, region.address + 2 * PAGE - 1):
        with pytest.raises(AccessError):
            memory.write(address, b"xy")
    assert memory.read(region.address, 4) == b"code"
    region.close()
    with pytest.raises(AccessError):
        memory.read(region.address, 4)
    with pytest.raises(AccessError):
        memory.write(region.address + PAGE, b"x")


STACK = guest_stack(2 * PAGE)


@given(data=st.data())
def test_any_access_near_a_stack_is_what_a_model_says(data: st.DataObject) -> None:
    memory = data.draw(st.sampled_from(MEMORIES))
    start = data.draw(st.integers(-PAGE, 3 * PAGE - 1))
    content = data.draw(st.binary(min_size=1, max_size=40))
    address = STACK.address + start
    inside = start >= 0 and start + len(content) <= STACK.size
    if inside:
        memory.write(address, content)
        assert memory.read(address, len(content)) == content
        assert ctypes.string_at(address, len(content)) == content
    else:
        refused = STACK.top if 0 <= start < STACK.size else address
        for access in (lambda: memory.read(address, len(content)), lambda: memory.write(address, content)):
            if start < 0 <= start + len(content) - 1:
                refused = address
            with pytest.raises(AccessError) as caught:
                access()
            assert caught.value.address == refused


def test_a_stack_has_guards_on_both_sides() -> None:
    memory = HostMemory()
    with guest_stack(1) as stack:
        assert isinstance(stack, GuestStack)
        assert stack.top % 16 == 0
        assert stack.size == PAGE
        assert stack.top - stack.address == stack.size
        memory.write(stack.top - 8, b"12345678")
        memory.write(stack.address, b"1")
        for address in (stack.top, stack.address - 1, stack.address - PAGE):
            with pytest.raises(AccessError):
                memory.write(address, b"1")
    stack.close()
    assert stack.closed
    with pytest.raises(AccessError):
        memory.read(stack.address, 1)


@every_memory
def test_threads_do_not_disturb_each_other(memory: HostMemory) -> None:
    failures: list[str] = []

    def work(number: int) -> None:
        buffer = ctypes.create_string_buffer(256)
        content = bytes([number]) * 200
        for _ in range(200):
            memory.write(ctypes.addressof(buffer), content)
            if memory.read(ctypes.addressof(buffer), 200) != content:
                failures.append(f"thread {number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@every_memory
def test_a_forked_child_reads_its_own_memory(memory: HostMemory) -> None:
    buffer = ctypes.create_string_buffer(b"parent", 6)
    address = ctypes.addressof(buffer)
    assert memory.read(address, 6) == b"parent"

    def work() -> int:
        buffer.raw = b"child!"
        return 0 if memory.read(address, 6) == b"child!" else 1

    assert child(work) == 0
    assert memory.read(address, 6) == b"parent"
