"""Images and host functions in an address space."""

from __future__ import annotations

import pytest

import armexec
from armexec.cpu import Cpu, StopReason

from .guest import make_space, on_each_engine

pytestmark = on_each_engine

STACK, END = 0x7000_0000, 0xF000
ROUNDS = 20
"""Code is translated when it has been executed a few times."""


@pytest.fixture(scope="module")
def sums() -> armexec.Module:
    text = """
    extern long weigh(long);
    long total = 5;
    static const long table[3] = {10, 20, 30};
    long sum(long n) { long r = total; for (long i = 0; i < n; i++) r += weigh(table[i % 3]); total = r; return r; }
    """
    return armexec.compile(text, "c", "-O1", engine="reference")


@pytest.fixture(scope="module")
def weigh() -> armexec.Module:
    return armexec.compile("long weigh(long x) { return 2 * x + 1; }", "c", "-O1", engine="reference")


def call(space: armexec.AddressSpace, address: int, *arguments: int) -> Cpu:
    cpu = Cpu(space)
    for n, value in enumerate(arguments):
        cpu.x[n] = value
    cpu.pc, cpu.sp, cpu.x[30] = address, STACK + 0x1000, END
    stop = cpu.run(until=END)
    assert stop.reason is StopReason.UNTIL, stop
    return cpu


def start(engine: str) -> armexec.AddressSpace:
    space = make_space(engine)
    space.map(STACK, 0x1000, "rw")
    return space


def test_images_that_call_each_other(engine: str, sums: armexec.Module, weigh: armexec.Module) -> None:
    space = start(engine)
    callee = space.load(weigh.image)
    caller = space.load(sums.image, 0x4000_0000, imports={"weigh": callee["weigh"]})
    assert caller.base == 0x4000_0000
    assert caller["sum"] == 0x4000_0000 + sums["sum"].offset
    total = 5
    for n in range(ROUNDS):
        total += sum(2 * (10, 20, 30)[i % 3] + 1 for i in range(n))
        assert call(space, caller["sum"], n).x[0] == total
    assert int.from_bytes(space.read(caller["total"], 8), "little") == total
    assert caller.symbol_at(caller["sum"] + 8) == "sum+0x8"
    assert {"sum", "total"} <= set(caller)
    # The pages have the segments' protections.
    with pytest.raises(armexec.HostError, match="is mapped already"):
        space.load(sums.image, 0x4000_0000)


def test_the_same_image_twice(engine: str, sums: armexec.Module, weigh: armexec.Module) -> None:
    space = start(engine)
    callee = space.load(weigh.image)["weigh"]
    first, second = (space.load(sums.image, imports={"weigh": callee}) for _ in range(2))
    call(space, first["sum"], 1)
    assert int.from_bytes(space.read(first["total"], 8), "little") == 26
    assert int.from_bytes(space.read(second["total"], 8), "little") == 5


def test_a_function_of_python(engine: str, sums: armexec.Module) -> None:
    space = start(engine)
    calls: list[int] = []

    def weigh(cpu: Cpu) -> None:
        calls.append(cpu.x[0])
        cpu.x[0] = 1

    image = space.load(sums.image, imports={"weigh": weigh})
    for n in range(1, ROUNDS):
        assert call(space, image["sum"], 3).x[0] == 5 + 3 * n
    assert calls == [10, 20, 30] * (ROUNDS - 1)


def test_a_function_of_python_raises(engine: str, sums: armexec.Module) -> None:
    space = start(engine)

    def weigh(cpu: Cpu) -> None:
        raise KeyError("weigh")

    address = space.host_function(weigh)
    image = space.load(sums.image, imports={"weigh": address})
    cpu = Cpu(space)
    cpu.pc, cpu.sp, cpu.x[0], cpu.x[30] = image["sum"], STACK + 0x1000, 1, END
    with pytest.raises(KeyError, match="weigh"):
        cpu.run(until=END)
    # At the call, which can be made again.
    assert cpu.pc == address
    assert image.symbol_at(cpu.x[30]).startswith("sum+")


def test_a_stop_at_a_host_function(engine: str, sums: armexec.Module) -> None:
    space = start(engine)
    address = space.host_function()
    image = space.load(sums.image, imports={"weigh": address})
    cpu = Cpu(space)
    cpu.pc, cpu.sp, cpu.x[0], cpu.x[30] = image["sum"], STACK + 0x1000, 2, END
    for value in (10, 20):
        stop = cpu.run(until=END)
        assert (stop.reason, stop.pc) == (StopReason.HOST_CALL, address)
        assert str(stop) == f"call of a host function at 0x{address:x}"
        assert cpu.x[0] == value
        cpu.x[0], cpu.pc = 100, cpu.x[30]
    assert cpu.run(until=END).reason is StopReason.UNTIL
    assert cpu.x[0] == 205


def test_errors(engine: str, sums: armexec.Module) -> None:
    space = start(engine)
    image = space.load(sums.image)
    with pytest.raises(armexec.LoadError, match="did you mean sum"):
        image["summ"]
    assert "nothing" not in image
    with pytest.raises(armexec.LoadError):
        space.load(b"no object")
    with pytest.raises(armexec.Error, match="multiple"):
        space.load(sums.image, 0x40_0010)
    # What nothing defines is a stop where it is called.
    cpu = Cpu(space)
    cpu.pc, cpu.sp, cpu.x[0], cpu.x[30] = image["sum"], STACK + 0x1000, 2, END
    assert cpu.run(until=END).reason is StopReason.UNDEFINED
