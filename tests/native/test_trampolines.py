"""Trampolines as data, on any host."""

from __future__ import annotations

import pytest

from armexec.engines.native_calls.trampolines import HALF, WORDS, Trampolines
from armexec.memory import HostMemory
from rules import broken


def test_each_has_data_of_its_own() -> None:
    trampolines = Trampolines()
    count = HALF // 16 + 3
    taken = [trampolines.take(0x1000 + n, n) for n in range(count)]
    assert len(set(taken)) == count
    memory = HostMemory()
    for n in (0, 1, HALF // 16 - 1, HALF // 16, count - 1):
        # ADR gives the address of the data; the words are the same everywhere.
        assert memory.read(taken[n], 16) == bytes.fromhex(WORDS)
        data = memory.read(taken[n] + HALF, 16)
        assert (int.from_bytes(data[:8], "little"), int.from_bytes(data[8:], "little")) == (0x1000 + n, n)
        assert trampolines.routine(taken[n]) == 0x1000 + n


@pytest.mark.usefixtures("others_pages")
def test_no_page_is_writable_and_executable() -> None:
    trampolines = Trampolines()
    trampolines.take(1, 2)
    assert broken() == []


def test_one_that_was_given_back_is_taken_again() -> None:
    trampolines = Trampolines()
    first = trampolines.take(1, 0)
    trampolines.give_back(first)
    taken = {trampolines.take(2, n) for n in range(HALF // 16)}
    assert first in taken
    assert trampolines.routine(first) == 2


def test_other_addresses_have_no_routine() -> None:
    trampolines = Trampolines()
    taken = trampolines.take(1, 0)
    for address in (taken + 4, taken + 16, taken + HALF, taken + 2 * HALF, 0, 2**64 - 16):
        assert trampolines.routine(address) == 0
