"""Ranges that the guest may execute, and what a program maps as executable."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from armexec.memory import EXECUTABLE_RANGES, Mappings, Protection, page_size, process_map
from armexec.memory.guest.executable_ranges import ExecutableRanges

_ranges = st.tuples(st.integers(0, 40), st.integers(1, 20))


@given(st.lists(st.tuples(st.booleans(), _ranges), max_size=12))
def test_ranges_are_what_was_allowed_and_not_forbidden(steps: list[tuple[bool, tuple[int, int]]]) -> None:
    code = ExecutableRanges()
    told: list[tuple[int, int, bool]] = []
    code.listeners.append(lambda begin, end, gone: told.append((begin, end, gone)))
    allowed: set[int] = set()
    for allows, (begin, size) in steps:
        touched = set(range(begin, begin + size))
        assert code.overlaps(begin, begin + size) == bool(touched & allowed)
        before = len(told)
        if allows:
            code.allow(begin, begin + size)
            allowed |= touched
        else:
            code.forbid(begin, begin + size)
            assert told[before:] == ([(begin, begin + size, False)] if touched & allowed else [])
            allowed -= touched
        for address in range(-1, 62):
            found = code.at(address)
            assert (found is not None) == (address in allowed)
            if found is not None:
                # All of a range is allowed, and nothing beside it.
                assert set(range(*found)) <= allowed
                assert not {found[0] - 1, found[1]} & allowed


def test_only_changes_of_code_are_told() -> None:
    code = ExecutableRanges()
    told: list[tuple[int, int, bool]] = []
    code.listeners.append(lambda begin, end, gone: told.append((begin, end, gone)))
    code.allow(8, 16)
    code.changed(0, 8)
    assert not told
    code.changed(0, 9)
    code.forbid(0, 100, gone=True)
    code.forbid(0, 100, gone=True)
    assert told == [(0, 9, False), (0, 100, True)]


def test_what_a_program_maps_as_executable_is_data_to_the_host() -> None:
    page = page_size()

    def code() -> list[bool]:
        return [EXECUTABLE_RANGES.at(at + n * page) is not None for n in range(3)]

    both = Protection.READ | Protection.WRITE | Protection.EXECUTE
    mappings = Mappings()
    at = mappings.map(None, 3 * page, both)
    assert code() == [True, True, True]
    assert not any(e.protection & Protection.EXECUTE for e in process_map() if e.start < at + page and at < e.end)
    mappings.protect(at + page, page, Protection.READ | Protection.WRITE)
    assert code() == [True, False, True]
    mappings.protect(at + page, page, Protection.EXECUTE)
    assert code() == [True, True, True]
    mappings.unmap(at, page)
    assert code() == [False, True, True]
    # In place of what is there.
    mappings.map(at + page, page, Protection.READ)
    assert code() == [False, False, True]
    mappings.close()
    assert code() == [False, False, False]


def test_mappings_that_are_dropped_are_code_no_more() -> None:
    mappings = Mappings()
    at = mappings.map(None, 100, Protection.READ | Protection.EXECUTE)
    assert EXECUTABLE_RANGES.at(at) is not None
    del mappings
    assert EXECUTABLE_RANGES.at(at) is None
