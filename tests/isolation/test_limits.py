"""Limits of this process's threads hold in workers: the same numbers as for code in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import armexec
from armexec.isolation.budget import Account, left
from armexec.resource_limits.guest_sizes import set_sizes, sizes
from armexec.resource_limits.instruction_budget import begin, end, instructions_left
from engines import needs_processes

pytestmark = needs_processes

NO_LIMIT = 1 << 60
SOURCE = """
int begun;
static int start(int n) { int s = 0; while (n--) s += n; return s; }
__attribute__((constructor)) static void begin(void) { begun = start((int)(long)&begun & 7 | 9); }
int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
int apply(int (*f)(int), int n) { int s = 0; for (int i = 0; i < n; i++) s += f(i); return s; }
int fill(int *to, int n) { for (int i = 0; i < n; i++) to[i] = i; return n; }
int deep(int n) { volatile char room[1000]; room[n % 1000] = n; return n ? deep(n - 1) + room[n % 1000] * 0 + 1 : 0; }
"""
KINDS = {
    "here": {},
    "worker": {"isolate": "process"},
    "sandboxed worker": {"isolate": "process", "sandbox": True},
}
Call = Callable[[armexec.Module], object]


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, armexec.Module]]:
    made = {name: armexec.compile(SOURCE, "c", "-O1", **kind) for name, kind in KINDS.items()}  # type: ignore[arg-type]
    yield made
    for module in made.values():
        module.close()


def counted(call: Callable[[], object], limit: int = NO_LIMIT) -> tuple[object, int]:
    with armexec.limits(instruction_limit=limit) as limits:
        try:
            result = call()
        except armexec.InstructionLimitExceeded as error:
            result = error.symbol, error.instruction, str(error).partition(" at ")[0]
    return result, limits.instructions


def within(module: armexec.Module, count: int) -> object:
    """A function of Python that the guest calls calls the guest, within a nearer limit."""
    seen = []

    def called(n: int) -> int:
        with armexec.limits(instruction_limit=count) as limits:
            try:
                return int(module.fib(n))
            except armexec.InstructionLimitExceeded:
                return 100
            finally:
                seen.append(limits.instructions)

    return module.apply(called, 7), seen


def failing(module: armexec.Module) -> str:
    with pytest.raises(ZeroDivisionError) as caught:
        module.apply(lambda n: 1 // (2 - n), 5)
    return str(caught.value)


CALLS: dict[str, Call] = {
    "recursion": lambda m: m.fib(8),
    "memory": lambda m: m.fill([0] * 9, 9),
    "a function of Python": lambda m: m.apply(lambda n: n + 1, 4),
    "the guest within Python": lambda m: m.apply(lambda n: m.fib(n + 2), 5),
    "a nearer limit within Python": lambda m: within(m, 60),
    "an exception of Python": failing,
}


@pytest.mark.parametrize("name", CALLS)
def test_workers_count_the_same(name: str, modules: dict[str, armexec.Module]) -> None:
    call = CALLS[name]
    here = counted(lambda: call(modules["here"]))
    assert here[1] > 0
    for module in modules.values():
        assert counted(lambda module=module: call(module)) == here  # type: ignore[misc]


@pytest.mark.parametrize("limit", [0, 1, 20, 55, 140])
@pytest.mark.parametrize("name", [name for name in CALLS if "exception" not in name])
def test_workers_stop_at_the_same_place(name: str, limit: int, modules: dict[str, armexec.Module]) -> None:
    call = CALLS[name]
    found = [counted(lambda module=module: call(module), limit) for module in modules.values()]  # type: ignore[misc]
    assert len(set(map(str, found))) == 1, found


def test_calls_of_a_block_share_its_limit(modules: dict[str, armexec.Module]) -> None:
    _, count = counted(lambda: modules["here"].fib(6))
    with armexec.limits(instruction_limit=3 * count) as limits:
        # Some of it is used in a worker, and some here.
        assert modules["worker"].fib(6) == modules["here"].fib(6) == modules["sandboxed worker"].fib(6) == 8
        assert limits.instructions == 3 * count
        with pytest.raises(armexec.InstructionLimitExceeded, match=f"limit of {3 * count} instructions"):
            modules["worker"].fib(6)
    assert modules["worker"].fib(6) == 8


def test_limits_of_modules() -> None:
    for kind in KINDS.values():
        with armexec.compile(SOURCE, "c", "-O1", instruction_limit=300, **kind) as module:  # type: ignore[arg-type]
            for _ in range(2):
                with pytest.raises(armexec.InstructionLimitExceeded, match=r"limit of 300 instructions .*fib"):
                    module.fib(20)
                # Each call has all of it, and what Python calls meanwhile shares it.
                assert module.fib(5) == 5
                with pytest.raises(armexec.InstructionLimitExceeded):
                    module.apply(lambda n: module.fib(5), 5)
            with armexec.limits(instruction_limit=100), pytest.raises(armexec.InstructionLimitExceeded, match="of 100"):
                module.fib(20)


def test_initializers_count() -> None:
    found = [counted(lambda kind=kind: armexec.compile(SOURCE, "c", "-O1", **kind).close()) for kind in KINDS.values()]  # type: ignore[misc]
    assert found[0][1] > 0
    assert len({count for _, count in found}) == 1
    with armexec.limits(instruction_limit=5), pytest.raises(armexec.InstructionLimitExceeded):
        armexec.compile(SOURCE, "c", "-O1", isolate="process")


def test_a_worker_that_is_started_again_counts_only_the_call(modules: dict[str, armexec.Module]) -> None:
    _, count = counted(lambda: modules["here"].fib(6))
    with armexec.compile(SOURCE, "c", "-O1", isolate="process") as module:
        module.worker.kill()  # type: ignore[attr-defined]
        with pytest.raises(armexec.WorkerCrashed):
            module.fib(6)
        assert counted(lambda: module.fib(6)) == (8, count)


def test_sizes_of_stacks(modules: dict[str, armexec.Module]) -> None:
    for module in modules.values():
        assert module.deep(1000) == 1000
        with armexec.limits(stack_size=64 << 10):
            assert module.deep(20) == 20
            with pytest.raises(armexec.StackOverflow) as caught:
                module.deep(1000)
        assert caught.value.size == 64 << 10
        assert module.deep(1000) == 1000


def test_a_worker_cant_give_itself_more() -> None:
    account = Account()
    outer, before = begin(100), sizes()
    set_sizes(before.within(1000, None))
    try:
        allowance = sizes().memory
        assert allowance is not None
        account.take((60).to_bytes(8, "little") + (800).to_bytes(8, "little"))
        cell = instructions_left()
        assert cell is not None
        assert (cell.value, allowance.left) == (60, 800)
        # What it frees is what it had.
        account.take((1 << 63).to_bytes(8, "little") + (1 << 63).to_bytes(8, "little"))
        assert (cell.value, allowance.left) == (60, 1000)
        assert left() == (60).to_bytes(8, "little") + (1000).to_bytes(8, "little")
    finally:
        set_sizes(before)
        end(outer)
