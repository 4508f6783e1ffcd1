"""Pages at named addresses, on any host."""

from __future__ import annotations

import ctypes

import pytest

import armexec
from armexec.memory import Protection, process_map
from armexec.memory.fixed_pages import FixedPages

READ, WRITE, EXECUTE = Protection.READ, Protection.WRITE, Protection.EXECUTE
START = 0x5_0000_0000


def protections(begin: int, end: int) -> list[Protection | None]:
    """Of each page of the host; None where nothing is mapped."""
    entries = list(process_map())
    page = FixedPages().page
    found = [[e.protection for e in entries if e.start <= at < e.end] for at in range(begin, end, page)]
    return [one[0] if one else None for one in found]


@pytest.fixture
def pages() -> FixedPages:
    return FixedPages()


def test_pages_are_where_they_are_asked_for(pages: FixedPages) -> None:
    size = 4 * pages.page
    at = pages.room(size, START)
    pages.map(at, size)
    assert ctypes.string_at(at, size) == bytes(size)
    ctypes.memset(at, 7, size)
    pages.protect(at + pages.page, at + 2 * pages.page, READ)
    pages.protect(at + 2 * pages.page, at + 3 * pages.page, Protection.NONE)
    assert protections(at, at + size) == [READ | WRITE, READ, Protection.NONE, READ | WRITE]
    pages.unmap(at + pages.page, at + 2 * pages.page)
    assert protections(at, at + size) == [READ | WRITE, None, Protection.NONE, READ | WRITE]
    # Where there was something, there can be something again.
    pages.map(at + pages.page, pages.page)
    assert ctypes.string_at(at + pages.page, 1) == b"\0"


def test_nothing_is_mapped_over(pages: FixedPages) -> None:
    at = pages.room(2 * pages.page, START)
    pages.map(at, pages.page)
    ctypes.memset(at, 9, 1)
    for begin, size in ((at, pages.page), (at, 2 * pages.page)):
        with pytest.raises(armexec.HostError, match="this process"):
            FixedPages().map(begin, size)
    assert ctypes.string_at(at, 1) == b"\x09"
    assert protections(at, at + 2 * pages.page)[1] is None
    with pytest.raises(armexec.HostError, match="pages of this host"):
        pages.map(at + 1, pages.page)


def test_no_page_is_writable_and_executable(pages: FixedPages) -> None:
    at = pages.room(pages.page, START)
    pages.map(at, pages.page)
    with pytest.raises(armexec.HostError, match="writable and executable"):
        pages.protect(at, at + pages.page, READ | WRITE | EXECUTE)
    pages.protect(at, at + pages.page, READ | EXECUTE)
    assert protections(at, at + pages.page) == [READ | EXECUTE]


def test_pages_are_freed_with_the_object() -> None:
    pages = FixedPages()
    page = pages.page
    at = pages.room(3 * page, START)
    pages.map(at, 3 * page)
    pages.unmap(at + page, at + 2 * page)
    del pages
    assert protections(at, at + 3 * page) == [None] * 3
