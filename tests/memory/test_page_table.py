"""The table of pages: entries, the border between tables, and what is gone."""

from __future__ import annotations

import ctypes

from armexec.memory.guest.page_table import LEVEL_2_BITS, LIMIT, PAGE, PAGE_BITS, READ, ROOTS, WRITE, PageTable

SPAN = 1 << PAGE_BITS + LEVEL_2_BITS


def _looked_up(table: PageTable, address: int) -> int:
    """The entry as translated code finds it."""
    root = min(address >> PAGE_BITS + LEVEL_2_BITS, ROOTS)
    second = ctypes.c_uint64.from_address(table.address + 8 * root).value
    page = address >> PAGE_BITS & (1 << LEVEL_2_BITS) - 1
    return ctypes.c_uint64.from_address(second + 8 * page).value


def test_entries() -> None:
    table = PageTable()
    distance = -0x1234_5000
    table.set(0x10000, 0x13000, distance, READ | WRITE)
    table.set(0x12000, 0x13000, distance, READ)
    assert _looked_up(table, 0xFFFF) == table.entry(0xFFFF) == 0
    assert _looked_up(table, 0x10000) == table.entry(0x11FFF) == distance % (1 << 64) | READ | WRITE
    assert _looked_up(table, 0x12FFF) == distance % (1 << 64) | READ
    assert _looked_up(table, 0x13000) == 0
    table.set(0x11000, 0x12000, distance, 0)
    assert table.entry(0x11000) == 0


def test_the_border_between_two_tables() -> None:
    table = PageTable()
    table.set(SPAN - PAGE, SPAN + PAGE, 0x7000, READ)
    assert [_looked_up(table, SPAN + at) for at in (-PAGE - 1, -PAGE, -1, 0, PAGE - 1, PAGE)] == [
        0,
        *[0x7000 | READ] * 4,
        0,
    ]


def test_nothing_is_at_other_addresses() -> None:
    table = PageTable()
    table.set(LIMIT - PAGE, LIMIT, 0x7000, READ)
    table.set(0, PAGE, 0x7000, READ)
    assert _looked_up(table, LIMIT - 1) == 0x7000 | READ
    for address in (LIMIT, LIMIT + 1, 1 << 55, (1 << 56) - 1):
        assert _looked_up(table, address) == 0


def test_whole_tables_are_given_back() -> None:
    table = PageTable()
    table.set(SPAN, 3 * SPAN, 0x7000, READ)
    assert table.entry(2 * SPAN) == 0x7000 | READ
    table.set(0, LIMIT, 0, 0)
    assert table.entry(SPAN) == table.entry(3 * SPAN - 1) == _looked_up(table, 2 * SPAN) == 0
    assert not table._tables
