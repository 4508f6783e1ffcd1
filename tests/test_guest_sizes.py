"""Limits of the guest's memory, and the size of its stack."""

from __future__ import annotations

import pytest

import armexec
from engines import AVAILABLE

ENGINES = ["translated", "reference"]
CALLED = [*ENGINES, *({"native"} & set(AVAILABLE))]
MIB = 1 << 20
DEEP = """
int deep(int n) { volatile char here[1000]; here[n % 1000] = n; return n ? deep(n - 1) + here[n % 1000] * 0 + 1 : 0; }
int apply(int (*f)(int), int n) { return f(n); }
"""
HEAP = """
#include <stdlib.h>
long most(void) { long n = 0; while (malloc(1 << 20)) n++; return n; }
"""


@pytest.fixture(scope="module", params=CALLED)
def deep(request: pytest.FixtureRequest) -> armexec.Module:
    return armexec.compile(DEEP, "c", "-O1", engine=request.param)


def test_a_small_stack(deep: armexec.Module) -> None:
    def through_python(n: int) -> int:
        return int(deep.deep(n))

    with armexec.limits(stack_size=16 << 10):
        assert deep.deep(5) == 5
        for _ in range(3):
            with pytest.raises(armexec.StackOverflow, match=r"stack of 16K has run out.*stack_size=65536") as caught:
                deep.deep(30)
            assert caught.value.size == 16 << 10
            assert caught.value.symbol.startswith("deep")
            assert isinstance(caught.value, armexec.MemoryFault)
        with pytest.raises(armexec.StackOverflow):
            deep.apply(through_python, 30)
    assert deep.deep(30) == deep.apply(through_python, 30) == 30


def test_the_smaller_of_nested_sizes_counts(deep: armexec.Module) -> None:
    with armexec.limits(stack_size=16 << 10), armexec.limits(stack_size=MIB), pytest.raises(armexec.StackOverflow):
        deep.deep(30)
    with armexec.limits(stack_size=MIB), armexec.limits(stack_size=16 << 10), pytest.raises(armexec.StackOverflow):
        deep.deep(30)


def test_a_large_stack() -> None:
    source = "int large(void) { volatile char here[12 << 20]; here[0] = 1; here[(12 << 20) - 1] = 2; return here[0]; }"
    for engine in CALLED:
        with pytest.raises(armexec.StackOverflow):
            armexec.compile(source, "c", engine=engine).large()
        assert armexec.compile(source, "c", engine=engine, stack_size=16 * MIB).large() == 1


def test_more_than_the_host_has(deep: armexec.Module) -> None:
    with armexec.limits(stack_size=1 << 60), pytest.raises(armexec.HostError):
        deep.deep(1)
    assert deep.deep(1) == 1


def test_with_a_limit_of_instructions(deep: armexec.Module) -> None:
    with armexec.limits(stack_size=16 << 10, instruction_limit=100_000) as limits:
        assert deep.deep(5) == 5
        assert limits.instructions > 0
        with pytest.raises(armexec.StackOverflow):
            deep.deep(30)
    with armexec.limits(stack_size=MIB, instruction_limit=100), pytest.raises(armexec.InstructionLimitExceeded):
        deep.deep(30)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_modules_heap(engine: str) -> None:
    module = armexec.compile(HEAP, "c", engine=engine, memory_limit=16 * MIB)
    assert module.most() == 16
    assert module.most() == 0
    assert armexec.compile(HEAP, "c", engine=engine, memory_limit=0).most() == 0


PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    void *blocks[200];
    int n = 0, again = 0;
    while (n < 200 && (blocks[n] = malloc(1 << 20))) n++;
    for (int i = 0; i < n; i++) free(blocks[i]);
    while (again < 200 && malloc(1 << 20)) again++;
    printf("%d %d", n, again == n);
}
"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.slow
def test_a_programs_memory(engine: str) -> None:
    assert armexec.run(PROGRAM, language="c", engine=engine).text == "200 1"
    limited = armexec.run(PROGRAM, language="c", engine=engine, memory_limit=16 * MIB).text
    assert limited in ("15 1", "14 1")
    with armexec.limits(memory_limit=16 * MIB):
        assert armexec.run(PROGRAM, language="c", engine=engine).text == limited
        # Another one has what is left, and no more.
        assert armexec.run(PROGRAM, language="c", engine=engine, memory_limit=64 * MIB).text in ("15 1", "14 1", "0 1")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_programs_stack(engine: str) -> None:
    source = DEEP + "int main(int argc, char **argv) { return deep(argc == 1 ? 40 : 400) & 127; }"
    assert armexec.run(source, language="c", engine=engine, stack_size=128 << 10).status == 40
    with pytest.raises(armexec.StackOverflow, match="stack of 128K"):
        armexec.run(source, ["more"], language="c", engine=engine, stack_size=128 << 10)


def test_unmapping_what_is_not_mapped_gives_nothing() -> None:
    source = """
    #include <stdio.h>
    #include <sys/mman.h>
    int main(void) {
        for (long at = 0x10000; at < 0x1000000; at += 0x100000) munmap((void *)at, 0x100000);
        void *got = mmap(0, 8 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        void *more = mmap(0, 8 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munmap(got, 8 << 20);
        void *again = mmap(0, 8 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        printf("%d %d %d", got != MAP_FAILED, more != MAP_FAILED, again != MAP_FAILED);
    }
    """
    assert armexec.run(source, language="c", memory_limit=10 * MIB).text == "1 0 1"
