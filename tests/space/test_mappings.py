"""Mappings: where they can be, what they hold, and what can't be asked."""

from __future__ import annotations

import gc
import random
import weakref

import pytest

import armexec
from armexec.memory import Protection
from armexec.memory.guest.page_table import READ, WRITE
from armexec.space import AddressSpace
from engines import AVAILABLE

from .guest import ENGINES


@pytest.fixture
def space() -> AddressSpace:
    return AddressSpace("reference")


@pytest.mark.parametrize("address", [0x1000, 0x10000, 0x400000, 0x4000_0000, 0x7FFF_FFFF_0000, (1 << 48) - 0x1000])
def test_any_address_can_be_mapped(space: AddressSpace, address: int) -> None:
    assert space.map(address, 0x1000, "rw", data=b"abc") == address
    assert space.read(address, 5) == b"abc\0\0"
    space.write(address + 1, b"XYZ")
    assert space.read(address, 5) == b"aXYZ\0"


def test_where_the_host_has_its_own_memory(space: AddressSpace) -> None:
    import ctypes

    theirs = ctypes.create_string_buffer(b"the host's", 0x3000)
    page = -(-ctypes.addressof(theirs) // 0x1000) * 0x1000
    before = ctypes.string_at(page, 0x1000)
    space.map(page, 0x1000, "rw")
    space.write(page, b"the guest's")
    assert ctypes.string_at(page, 0x1000) == before


def test_chosen_addresses(space: AddressSpace) -> None:
    first, second = space.map(None, 0x5000), space.map(0, 1)
    assert second >= first + 0x6000 or first >= second + 0x2000
    assert first % 0x1000 == second % 0x1000 == 0
    space.unmap(first, 0x5000)
    assert space.map(None, 0x5000) == first


def test_sizes_are_rounded_up(space: AddressSpace) -> None:
    space.map(0x10000, 0x1001, "rw")
    assert space.read(0x11FFF, 1) == b"\0"
    with pytest.raises(armexec.Error, match="nothing is mapped at 0x12000"):
        space.read(0x11FFF, 2)


def test_reads_and_writes_over_several_mappings(space: AddressSpace) -> None:
    space.map(0x10000, 0x1000, "rw")
    space.map(0x11000, 0x1000, "r")
    space.map(0x12000, 0x1000, "")

    space.write(0x10FFE, b"12")
    space.write(0x11000, b"34")
    assert space.read(0x10FFE, 4) == b"1234"
    assert space.read(0x11FFF, 2) == b"\0\0"


def test_a_write_into_a_hole_changes_nothing(space: AddressSpace) -> None:
    space.map(0x10000, 0x1000, "rw")
    with pytest.raises(armexec.Error, match="nothing is mapped at 0x11000"):
        space.write(0x10FFE, b"abcd")
    assert space.read(0x10FFE, 2) == b"\0\0"


def test_protections_of_parts(space: AddressSpace) -> None:
    space.map(0x10000, 0x4000, "rw", data=bytes(range(256)) * 64)
    space.protect(0x11000, 0x1000, "rx")
    space.protect(0x12000, 0x2000, "r")
    assert [(m.begin, m.end, str(m.protection)) for m in space.mappings] == [
        (0x10000, 0x11000, "rw-"),
        (0x11000, 0x12000, "r-x"),
        (0x12000, 0x14000, "r--"),
    ]
    assert space.read(0x10000, 0x4000) == bytes(range(256)) * 64
    space.unmap(0x11000, 0x2000)
    assert [(m.begin, m.end) for m in space.mappings] == [(0x10000, 0x11000), (0x13000, 0x14000)]
    assert space.read(0x13000, 3) == b"\0\1\2"
    assert "0x000000013000-0x000000014000 r--" in repr(space)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0x1001, 0x1000, "rw"), "multiple"),
        ((0x1000, 0, "rw"), "0 bytes"),
        ((0x1000, -5, "rw"), "bytes"),
        ((0x1000, 0x1000, "rwx"), "writable and executable"),
        ((0x1000, 0x1000, "wx"), "writable and executable"),
        ((0x1000, 0x1000, "x"), "choose one"),
        ((0x1000, 0x1000, None), "choose one"),
        ((1 << 48, 0x1000, "rw"), "2\\*\\*48"),
        (((1 << 48) - 0x1000, 0x2000, "rw"), "2\\*\\*48"),
        ((-0x1000, 0x1000, "rw"), "2\\*\\*48"),
        ((0x20000, 0x1000, "rw"), "mapped already"),
        ((0x1F000, 0x2000, "rw"), "mapped already"),
    ],
)
def test_what_cannot_be_mapped(space: AddressSpace, arguments: tuple[int, int, str], message: str) -> None:
    space.map(0x20000, 0x2000)
    with pytest.raises(armexec.HostError, match=message):
        space.map(*arguments)
    assert len(list(space.mappings)) == 1


def test_data_that_does_not_fit(space: AddressSpace) -> None:
    with pytest.raises(armexec.HostError, match="don't fit"):
        space.map(0x1000, 0x1000, data=bytes(0x1001))


def test_holes_cannot_be_protected_or_unmapped(space: AddressSpace) -> None:
    space.map(0x10000, 0x1000)
    space.map(0x12000, 0x1000)
    for call in (lambda: space.protect(0x10000, 0x3000, "r"), lambda: space.unmap(0x10000, 0x3000)):
        with pytest.raises(armexec.HostError, match="nothing is mapped at 0x11000"):
            call()
    with pytest.raises(armexec.HostError, match="nothing is mapped at 0x13000"):
        space.unmap(0x12000, 0x2000)
    assert len(list(space.mappings)) == 2


@pytest.mark.parametrize("engine", ["qemu", "translated:O2"])
def test_engines_without_address_spaces(engine: str) -> None:
    with pytest.raises(armexec.HostError, match="translated"):
        AddressSpace(engine)


@pytest.mark.skipif("native" in AVAILABLE, reason="this processor runs the guest's words")
def test_the_native_engine_needs_the_processor() -> None:
    with pytest.raises(armexec.HostError, match="AArch64"):
        AddressSpace("native")


def test_the_engine_is_chosen() -> None:
    assert AddressSpace().engine == "translated"


@pytest.mark.parametrize("engine", ENGINES[:2])
def test_memory_is_freed_with_the_space(engine: str) -> None:
    space = AddressSpace(engine)
    code = space.map(None, 0x1000, "rx", data=armexec.assemble("again: b again").bytes)
    cpu = armexec.Cpu(space)
    cpu.pc = code
    space.hook_svc(lambda cpu, immediate: None)
    cpu.run(instruction_limit=1000)
    region = weakref.ref(next(iter(space.mappings)).region)
    gc.disable()
    try:
        del space, cpu
        assert region() is None
    finally:
        gc.enable()


def test_the_page_table_says_what_the_mappings_say() -> None:
    """After random changes."""
    rng = random.Random(5)
    space = AddressSpace("reference")
    base, pages = 0x1_FFFF_8000, 16  # over the border of two tables
    hooks = []
    for _ in range(300):
        first = rng.randrange(pages)
        address, size = base + 0x1000 * first, 0x1000 * rng.randrange(1, pages - first + 1)
        try:
            change = rng.randrange(5)
            if change == 0:
                space.map(address, size, rng.choice(("rw", "rx", "r", "")))
            elif change == 1:
                space.unmap(address, size)
            elif change == 2:
                space.protect(address, size, rng.choice(("rw", "rx", "r", "")))
            elif change == 3:
                hook = space.hook_read if rng.randrange(2) else space.hook_write
                hooks.append(hook(print, address + 5, address + size - 7))
            elif hooks:
                hooks.pop(rng.randrange(len(hooks))).remove()
        except armexec.HostError:
            pass
        for page in range(base, base + 0x1000 * pages, 0x1000):
            mapping = space.mappings.find(page)
            flags = 0
            if mapping is not None:
                if Protection.READ in mapping.protection and not space.hooked("read", page, page + 0x1000):
                    flags |= READ
                if Protection.WRITE in mapping.protection and not space.hooked("write", page, page + 0x1000):
                    flags |= WRITE
            entry = space.page_table.entry(page)
            assert entry & 0xFFF == flags
            if flags:
                assert mapping is not None
                assert (page + entry - flags) % (1 << 64) == mapping.host + page - mapping.begin
