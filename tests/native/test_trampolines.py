"""Trampolines as data, on any host, and code that the native engine refuses."""

from __future__ import annotations

import pytest

import armexec
from armexec.engines.native import NativeEngine
from armexec.engines.native_calls.trampolines import HALF, WORDS, Trampolines
from armexec.memory import HostMemory
from armexec.objects import load_image
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


def _load(text: str) -> None:
    code = armexec.assemble(text)
    NativeEngine().load(load_image(code.object(), "t.o"), lambda name: None).close()


@pytest.mark.parametrize("word", ["svc #0", "svc #0x80", "svc #65535"])
def test_system_calls_are_refused(word: str) -> None:
    with pytest.raises(armexec.HostError, match=r't\.o makes a system call in f .*offset 0x4\b.*engine="translated"'):
        _load(f"f: nop\n{word}\nret")


@pytest.mark.parametrize(
    "text",
    [
        "f: hvc #0\nsmc #0\nbrk #1\nhlt #0\nret",
        "f: ldr w0, 1f\nret\n1: .word 0xd4000001",
        # Words that hold the bytes of `svc #0`, but not at a multiple of 4.
        "f: .inst 0x00000100\n.inst 0x910000d4\nret",
    ],
)
def test_other_code_is_not(text: str) -> None:
    _load(text)
