"""Calls from the guest to Python and back into the guest, each of which has variables on the stack."""

from __future__ import annotations

import pytest

import armexec
from engines import AVAILABLE

SOURCE = """
long each(long (*f)(long), long n) {
    volatile long kept[40];
    for (int i = 0; i < 40; i++) kept[i] = n + i;
    long result = f(n);
    for (int i = 0; i < 40; i++) if (kept[i] != n + i) return -1;
    return result + 1;
}
"""


@pytest.mark.parametrize("engine", AVAILABLE)
def test_inner_calls_leave_the_stack_of_outer_ones(engine: str) -> None:
    m = armexec.compile(SOURCE, "c", engine=engine)
    other = armexec.compile(SOURCE, "c", engine=engine)

    def again(n: int) -> int:
        return (other if n % 2 else m).each(again, n - 1) if n else 0

    assert m.each(again, 12) == 13
    assert m.each(lambda n: n, 3) == 4


@pytest.mark.parametrize("engine", AVAILABLE)
def test_an_exception_gives_the_stack_back(engine: str) -> None:
    m = armexec.compile(SOURCE, "c", engine=engine)

    def fails(n: int) -> int:
        raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            m.each(lambda n: m.each(fails, n), 5)
    assert m.each(lambda n: m.each(lambda k: k, n), 5) == 7
