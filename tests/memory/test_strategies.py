"""Every strategy against the models of the kernels: what it does, in which order, what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armexec.errors import HostError
from armexec.memory import Protection, Region
from armexec.memory.mapped_ranges import MappedRanges
from armexec.memory.strategies import (
    AnonymousPages,
    DarwinJitPages,
    DarwinPlainPages,
    DarwinToggledPages,
    MemfdPages,
    Strategy,
    choose,
)

from .kernels import DarwinModel, LinuxModel, ModelKernel, Violation

NONE, READ, WRITE, EXECUTE = Protection.NONE, Protection.READ, Protection.WRITE, Protection.EXECUTE
CODE = bytes.fromhex("ff4300d1e00f00b9e00f40b9ff430091c0035fd6")

Make = Callable[[], ModelKernel]

ALL: list[tuple[type[Strategy], Make]] = [
    (AnonymousPages, LinuxModel),
    (MemfdPages, LinuxModel),
    (MemfdPages, lambda: LinuxModel(mdwe=True)),
    (MemfdPages, lambda: LinuxModel(execmem_denied=True)),
    (DarwinJitPages, DarwinModel),
    (DarwinPlainPages, DarwinModel),
    (DarwinToggledPages, DarwinModel),
    (DarwinToggledPages, lambda: DarwinModel(granted=frozenset({"allow-jit"}))),
]
IDS = ["anonymous", "memfd", "memfd-mdwe", "memfd-selinux", "map_jit", "plain", "toggle", "toggle-hardened"]
every_strategy = pytest.mark.parametrize(("strategy", "make"), ALL, ids=IDS)


class Unreachable(MappedRanges):
    """A model's addresses aren't the process's: nothing may be looked up through them."""

    def add(self, start: int, size: int, protection: Protection, *, toggled: bool = False) -> None:
        pass


def region(kernel: ModelKernel, strategy: type[Strategy], pages: int = 1) -> Region:
    return Region(kernel, strategy, pages * kernel.page_size, executable=True, mapped=Unreachable())


@every_strategy
def test_code_runs_in_every_thread_and_data_stays_writable(strategy: type[Strategy], make: Make) -> None:
    kernel = make()
    page = kernel.page_size
    with region(kernel, strategy, 4) as memory:
        memory.write(0, CODE)
        memory.write(page, b"constant")
        memory.write(2 * page, b"variable")
        assert memory.read(0, len(CODE)) == CODE
        memory.seal(
            [
                (0, page, READ | EXECUTE),
                (page, page, READ),
                (2 * page, page, READ | WRITE),
            ]  # the last page: none
        )
        for thread in ("main", "another"):
            if isinstance(kernel, DarwinModel):
                kernel.thread = thread
            assert kernel.fetch(memory.address, len(CODE)) == CODE
            with pytest.raises(Violation):
                kernel.copy_in(memory.address, CODE)
        assert kernel.copy_out(memory.address + page, 8) == b"constant"
        with pytest.raises(Violation):
            kernel.copy_in(memory.address + page, b"x")
        memory.write(2 * page + 1, b"ALU")
        assert memory.read(2 * page, 8) == b"vALUable"
        with pytest.raises(Violation):
            kernel.fetch(memory.address + 2 * page, 4)
        for refused in (0, page, 3 * page):
            with pytest.raises(HostError):
                memory.write(refused, b"x")
        with pytest.raises(HostError):
            memory.read(3 * page, 1)
    assert kernel.clean
    assert memory.closed


@every_strategy
def test_a_refused_call_leaves_nothing_mapped(strategy: type[Strategy], make: Make) -> None:
    def run(kernel: ModelKernel) -> None:
        page = kernel.page_size
        with region(kernel, strategy, 3) as memory:
            memory.write(0, CODE)
            memory.seal([(0, page, READ | EXECUTE), (page, page, READ), (2 * page, page, READ | WRITE)])

    whole = make()
    run(whole)
    assert whole.calls >= 2 if strategy is not DarwinToggledPages else whole.calls >= 1
    for number in range(1, whole.calls + 1):
        kernel = make()
        kernel.fail_at = number
        with pytest.raises(HostError, match=r"failed: Cannot allocate memory \(errno 12\)"):
            run(kernel)
        assert kernel.clean


def steps(strategy: type[Strategy], kernel: ModelKernel) -> list[tuple[str, str]]:
    memory = region(kernel, strategy)
    memory.write(0, CODE)
    memory.seal([(0, kernel.page_size, READ | EXECUTE)])
    done = [(step.call, f"{step.protection or ''} {step.detail}".strip()) for step in memory.steps]
    memory.close()
    assert memory.steps[-1].call == "munmap"
    return done


def test_the_sequence_on_linux() -> None:
    assert steps(AnonymousPages, LinuxModel()) == [
        ("mmap", "rw- MAP_PRIVATE|MAP_ANONYMOUS"),
        ("memcpy", ""),
        ("clear_cache", "model"),
        ("mprotect", "r-x"),
    ]


def test_the_sequence_with_a_memfd() -> None:
    assert steps(MemfdPages, LinuxModel(mdwe=True)) == [
        ("memfd_create", "fd 4"),
        ("mmap", "MAP_PRIVATE|MAP_ANONYMOUS"),
        ("mmap", "rw- MAP_SHARED fd 4"),
        ("memcpy", ""),
        ("munmap", ""),
        ("mmap", "r-- MAP_PRIVATE|MAP_FIXED fd 4"),
        ("clear_cache", "model"),
        ("mmap", "r-x MAP_PRIVATE|MAP_FIXED fd 4"),
        ("close", "fd 4"),
    ]


def test_the_sequence_on_macos() -> None:
    assert steps(DarwinJitPages, DarwinModel()) == [
        ("mmap", "rw- MAP_JIT|MAP_ANON|MAP_PRIVATE"),
        ("memcpy", ""),
        ("clear_cache", "model"),
        ("mprotect", "r-x"),
    ]
    assert steps(DarwinPlainPages, DarwinModel())[0] == ("mmap", "rw- MAP_ANON|MAP_PRIVATE")


def test_the_sequence_with_the_toggle_never_protects() -> None:
    assert steps(DarwinToggledPages, DarwinModel()) == [
        ("mmap", "rwx MAP_JIT|MAP_ANON|MAP_PRIVATE"),
        ("jit_write_protect", "rw- this thread"),
        ("memcpy", ""),
        ("jit_write_protect", "r-x this thread"),
        ("clear_cache", "model"),
    ]


CHOICES: list[tuple[ModelKernel, type[Strategy]]] = [
    (LinuxModel(), AnonymousPages),
    (LinuxModel(mdwe=True), MemfdPages),
    (LinuxModel(execmem_denied=True), MemfdPages),
    (DarwinModel(), DarwinJitPages),
    (DarwinModel(jit_allowed=False), DarwinPlainPages),
    (DarwinModel(granted=frozenset({"allow-jit"})), DarwinToggledPages),
    (DarwinModel(granted=frozenset({"allow-jit", "allow-unsigned-executable-memory"})), DarwinPlainPages),
    (DarwinModel(granted=frozenset({"disable-executable-page-protection"})), DarwinPlainPages),
]


@pytest.mark.parametrize(("kernel", "expected"), CHOICES)
def test_the_first_strategy_that_works_is_chosen(kernel: ModelKernel, expected: type[Strategy]) -> None:
    assert choose(kernel) is expected
    assert kernel.clean
    memory = region(kernel, expected)
    memory.write(0, CODE)
    memory.seal([(0, kernel.page_size, READ | EXECUTE)])
    assert kernel.fetch(memory.address, len(CODE)) == CODE


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [
        (LinuxModel(mdwe=True, has_memfd=False), "Function not implemented"),
        (LinuxModel(execmem_denied=True, has_memfd=False), "execmem"),
        (DarwinModel(granted=frozenset()), "allow-jit"),
        (DarwinModel(granted=frozenset({"allow-jit"}), toggle=False), "no write protection"),
    ],
)
def test_where_nothing_works_the_error_says_why(kernel: ModelKernel, reason: str) -> None:
    with pytest.raises(HostError, match=reason) as caught:
        choose(kernel)
    assert 'engine="translated"' in str(caught.value)
    assert kernel.clean


@st.composite
def layouts(draw: st.DrawFn) -> list[tuple[int, int, Protection]]:
    """Parts in pages, sorted, with gaps, never writable and executable."""
    allowed = st.sampled_from([NONE, READ, READ | WRITE, READ | EXECUTE])
    parts, page = [], 0
    for _ in range(draw(st.integers(0, 4))):
        page += draw(st.integers(0, 2))
        length = draw(st.integers(1, 2))
        parts.append((page, length, draw(allowed)))
        page += length
    return parts


@given(chosen=st.sampled_from(ALL), layout=layouts(), order=st.randoms(use_true_random=False))
def test_any_layout_gets_what_it_asks_for(
    chosen: tuple[type[Strategy], Make], layout: list[tuple[int, int, Protection]], order: object
) -> None:
    strategy, make = chosen
    kernel = make()
    kernel.page_size = 16  # the rules don't depend on it, and the models are quick
    memory = region(kernel, strategy, 17)
    content = bytes(range(17)) * 16
    memory.write(0, content)
    parts = [(offset * 16, size * 16, protection) for offset, size, protection in layout]
    shuffled = parts.copy()
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    memory.seal(shuffled)
    wanted = dict.fromkeys(range(17), NONE)
    for offset, size, protection in layout:
        wanted.update(dict.fromkeys(range(offset, offset + size), protection))
    for number, protection in wanted.items():
        page = kernel.pages[memory.address // 16 + number]
        assert kernel.effective(page) == protection
        assert not protection or page.storage.content == content[number * 16 : number * 16 + 16]
    memory.close()
    assert kernel.clean


@every_strategy
@pytest.mark.parametrize("align", [1, 1 << 14, 1 << 16, 1 << 21])
def test_a_region_is_aligned_as_asked_and_nothing_else_stays_mapped(
    strategy: type[Strategy], make: Make, align: int
) -> None:
    for start in (0x10_0000_0000, 0x10_0000_C000, 0x10_000F_C000):
        kernel = make()
        kernel.next_address = start
        page = kernel.page_size
        with Region(kernel, strategy, 2 * page, executable=True, mapped=Unreachable(), align=align) as memory:
            assert memory.address % align == 0
            memory.write(0, CODE)
            memory.seal([(0, page, READ | EXECUTE), (page, page, READ | WRITE)])
            assert len(kernel.pages) == 2
            assert kernel.fetch(memory.address, len(CODE)) == CODE
        assert kernel.clean


@every_strategy
def test_a_refused_call_of_an_aligned_region_leaves_nothing_mapped(strategy: type[Strategy], make: Make) -> None:
    def run(kernel: ModelKernel) -> None:
        Region(kernel, strategy, kernel.page_size, executable=True, mapped=Unreachable(), align=1 << 20).close()

    whole = make()
    run(whole)
    for number in range(1, whole.calls + 1):
        kernel = make()
        kernel.fail_at = number
        with pytest.raises(HostError, match=r"Cannot allocate memory"):
            run(kernel)
        assert kernel.clean
