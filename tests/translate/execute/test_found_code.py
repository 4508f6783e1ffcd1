"""Calls of other images through pointers: code is found without Python, and never when it has gone."""

from __future__ import annotations

import ctypes
import gc

import pytest

import armexec
from armexec.engines.translated import process_runtime, settle
from armexec.translate.execute.found_code import FoundCode
from armexec.translate.support.runtime_ir import FOUND_SIZE

ENGINES = pytest.mark.parametrize("engine", ["reference", "translated", "translated:O2"])

CALLS = """
    // Calls each of X1 functions at X0 with the result of the one before.
    f:  stp x29, x30, [sp, #-32]!
        stp x19, x20, [sp, #16]
        mov x19, x0
        mov x20, x1
        mov x0, #0
    1:  ldr x9, [x19], #8
        blr x9
        subs x20, x20, #1
        b.ne 1b
        ldp x19, x20, [sp, #16]
        ldp x29, x30, [sp], #32
        ret
"""
SIGNATURE = "long(const unsigned long *, long)"


def _pointers(functions: list[armexec.Function]) -> ctypes.Array[ctypes.c_ulong]:
    return (ctypes.c_ulong * len(functions))(*(function.address for function in functions))


@ENGINES
@pytest.mark.slow
def test_many_images(engine: str) -> None:
    """More of them have a place in common than not."""
    calls = armexec.function(CALLS, SIGNATURE, engine=engine)
    count = 60 if engine == "reference" else 300
    texts = [f"eor x0, x0, #{1 << i % 20}\nadd x0, x0, #{i}\nret" for i in range(count)]
    functions = [armexec.function(text, "long(long)", engine=engine) for text in texts]
    expected = 0
    for i in range(count):
        expected = (expected ^ 1 << i % 20) + i
    for _ in range(3):
        assert calls(_pointers(functions), count) == expected


def test_python_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    original = FoundCode.add

    def add(self: FoundCode, pc: int, host: int) -> None:
        asked.append(pc)
        original(self, pc, host)

    monkeypatch.setattr(FoundCode, "add", add)
    calls = armexec.function(CALLS, SIGNATURE, engine="translated:O2")
    other = armexec.function("add x0, x0, #1\nret", "long(long)", engine="translated:O2")
    pointers = _pointers([other] * 100)
    assert calls(pointers, 100) == 100
    assert asked.count(other.address) <= 2
    settle(30)
    asked.clear()
    calls(pointers, 100)
    asked.clear()
    for _ in range(10):
        assert calls(pointers, 100) == 100
    assert not asked


@ENGINES
def test_code_that_has_gone_is_not_found(engine: str) -> None:
    calls = armexec.function(CALLS, SIGNATURE, engine=engine)
    for number in range(6):
        other = armexec.function(f"add x0, x0, #{number}\nret", "long(long)", engine=engine)
        pointers = _pointers([other] * 3)
        assert calls(pointers, 3) == 3 * number
        assert calls(pointers, 3) == 3 * number
        address = other.address
        del other
        gc.collect()
        with pytest.raises(armexec.MemoryFault) as caught:
            calls(pointers, 3)
        assert (caught.value.address, caught.value.access) == (address, "execute")


def test_records_do_not_change() -> None:
    records: list[int] = []
    found = FoundCode(lambda table, record: records.append(record))
    before: list[int] = []
    for round_ in range(3):
        for i in range(600):
            found.add(0x1000 + 4 * i, 0x70000 + i)
        assert len(set(records)) == 600
        if round_:
            assert records == before
        before = records.copy()
        records.clear()
    pairs = [tuple((ctypes.c_uint64 * 2).from_address(record)) for record in before]
    assert pairs == [(0x1000 + 4 * i, 0x70000 + i) for i in range(600)]


def _tables() -> list[list[int]]:
    runtime = process_runtime()
    found = (*runtime._found.values(), runtime._found_entry)
    return [list((ctypes.c_uint64 * FOUND_SIZE).from_address(table.address)) for table in found]


def test_all_is_forgotten() -> None:
    other = armexec.function("add x0, x0, #1\nret", "long(long)", engine="translated:O2")
    calls = armexec.function(CALLS, SIGNATURE, engine="translated:O2")
    for limit in (None, 1 << 40):
        with armexec.limits(instruction_limit=limit):
            assert calls(_pointers([other] * 3), 3) == 3
    assert any(map(any, _tables()))
    process_runtime().forget_found()
    assert not any(map(any, _tables()))
    assert calls(_pointers([other] * 3), 3) == 3


def test_no_exception_of_a_handler_keeps_code_that_has_gone() -> None:
    # Python drops what comes in a callback of a weak reference, also before the first line of it.
    made = armexec.function("add x0, x0, #1\nret", "long(long)", engine="translated:O2")
    assert made(1) == 2
    references = process_runtime()._owners._translators
    assert references
    for reference in references:
        assert not hasattr(reference.__callback__, "__code__")
        assert not hasattr(reference.__callback__, "__func__")
