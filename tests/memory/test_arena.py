"""Memory for pieces of code that come and go, on models of kernels."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from armexec.errors import HostError
from armexec.memory import CodeArena, CodePages
from armexec.memory.strategies import AnonymousPages, MemfdPages, Strategy

from .kernels import DarwinModel, LinuxModel, Violation
from .test_strategies import Make, every_strategy

CHUNK = 1 << 15  # models look at each page


def code(number: int, size: int) -> bytes:
    return (number.to_bytes(4, "little") * -(-size // 4))[:size]


@every_strategy
def test_pieces_run_until_they_are_freed(strategy: type[Strategy], make: Make) -> None:
    kernel = make()
    arena = CodeArena(kernel, lambda _: strategy, chunk=CHUNK)
    chance = random.Random(1)
    held: list[tuple[CodePages, bytes]] = []
    for number in range(12):
        size = chance.choice([5, 4096, 9000, CHUNK + 1])
        content = code(number, 8)  # models copy byte by byte
        held.append((arena.place(size, lambda _, content=content: content), content))
        while len(held) > 4:
            held.pop(chance.randrange(len(held)))[0].free()
        for pages, expected in held if number % 4 == 3 else held[-1:]:
            assert kernel.fetch(pages.address, len(expected)) == expected
            with pytest.raises(Violation):
                kernel.copy_in(pages.address, expected)
    places = sorted((pages.address, pages.size) for pages, _ in held)
    assert all(at + size <= following for (at, size), (following, _) in pairwise(places))
    for pages, _ in held:
        pages.free()
    left = arena.place(5, lambda _: code(1, 5))
    assert kernel.fetch(left.address, 5) == code(1, 5)


def test_a_large_piece_goes_back_to_the_system() -> None:
    kernel = LinuxModel()
    arena = CodeArena(kernel, lambda _: AnonymousPages, chunk=CHUNK)
    arena.place(2 * CHUNK, lambda _: code(7, 100)).free()
    assert kernel.clean


def test_the_address_is_known_before_the_code_is_made() -> None:
    asked: list[int] = []

    def make(address: int) -> bytes:
        asked.append(address)
        return code(3, 8)

    arena = CodeArena(LinuxModel(), chunk=CHUNK)
    assert [arena.place(8, make).address] == asked


def test_code_that_cannot_be_made_takes_no_room() -> None:
    def fail(address: int) -> bytes:
        raise HostError(f"not at {address:#x}")

    arena = CodeArena(LinuxModel(), chunk=CHUNK)
    first = arena.place(8, lambda _: code(1, 8)).address
    with pytest.raises(HostError, match="not at"):
        arena.place(8, fail)
    assert arena.place(8, lambda _: code(2, 8)).address == first + 4096


def test_a_process_that_gives_up_a_right_has_its_code_elsewhere() -> None:
    kernel = LinuxModel()
    arena = CodeArena(kernel, chunk=CHUNK)
    first = arena.place(8, lambda _: code(1, 8))
    kernel.mdwe = True
    second = arena.place(8, lambda _: code(2, 8))
    third = arena.place(8, lambda _: code(3, 8))
    for number, pages in enumerate((first, second, third), 1):
        assert kernel.fetch(pages.address, 8) == code(number, 8)
    first.free()
    second.free()
    assert kernel.fetch(third.address, 8) == code(3, 8)
    kernel.has_memfd = False
    kernel.execmem_denied = True
    with pytest.raises(HostError, match="no executable memory"):
        arena.place(CHUNK, lambda _: code(4, 8))


@pytest.mark.parametrize("kernel", [LinuxModel(), DarwinModel()], ids=["linux", "darwin"])
def test_refused_memory_is_an_error(kernel: LinuxModel | DarwinModel) -> None:
    arena = CodeArena(kernel, chunk=CHUNK)
    arena.place(8, lambda _: code(1, 8))
    kernel.fail_at = kernel.calls + 1
    with pytest.raises(HostError, match=r"Cannot allocate memory"):
        arena.place(2 * CHUNK, lambda _: code(2, 8))
    assert kernel.fetch(arena.place(8, lambda _: code(3, 8)).address, 8) == code(3, 8)


def test_memfd_pieces_are_one_mapping_each_at_most() -> None:
    kernel = LinuxModel(mdwe=True)
    arena = CodeArena(kernel, lambda _: MemfdPages, chunk=1 << 17)
    pages = [arena.place(8, lambda _: code(1, 8)) for _ in range(20)]
    assert [p.address for p in pages] == [pages[0].address + 4096 * i for i in range(20)]
