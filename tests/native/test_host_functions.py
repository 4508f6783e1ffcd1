"""Functions of Python that guest code calls by an address, and what they raise, on each engine."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
import traceback
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace

import pytest

import armexec
from armexec.callbacks import HostFunction
from armexec.cpu.call_frame import CallFrame
from armexec.engines import get_engine
from armexec.engines.native_calls import native_host_functions
from engines import AVAILABLE, needs_processes

from .frames import CALL_X9, Call


def calling(host: HostFunction, signature: str, engine: str, first: str = "") -> armexec.Function:
    """A guest function that calls a host function by `CALL_X9`."""
    parts = [f"movz x9, #{host.address & 0xFFFF}"]
    parts += [f"movk x9, #{host.address >> shift & 0xFFFF}, lsl #{shift}" for shift in (16, 32, 48)]
    return armexec.function("\n".join([first, *parts, CALL_X9]), signature, engine=engine)


@cache
def guest(engine: str) -> armexec.Module:
    """`call(f, x)` is `f(x) + 1`; `twice` calls it two times, and `numbers` with floating-point numbers."""
    return armexec.compile(
        """
        long call(long (*f)(long), long x) { return f(x) + 1; }
        double numbers(double (*f)(int, double, float, long), double x) { return f(-3, x, 0.5f, 1L << 40) * 2; }
        long many(long (*f)(long, long, long, long, long, long, long, long, long, long)) {
            return f(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        }
        long jump(long (*f)(long), long x) { return f(x); }
        static long (*kept)(long);
        void keep(long (*f)(long)) { kept = f; }
        long fire(void) { return kept(5); }
        int plain(int x) { return x + 1; }
        """,
        language="c",
        engine=engine,
    )


def add(engine: str, function: Callable[[CallFrame], None]) -> HostFunction:
    return get_engine(engine).host_functions().add(function)


def of_long(engine: str, function: Callable[[int], int]) -> HostFunction:
    """A host function `long(long)`."""

    def called(frame: CallFrame) -> None:
        frame.x[0] = function(frame.x[0] - (frame.x[0] >> 63 << 64)) % 2**64

    return add(engine, called)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_guest_code_calls_python(engine: str) -> None:
    double = of_long(engine, lambda x: 2 * x)
    assert [guest(engine).call(double.address, x) for x in (0, 4, -7, 2**61)] == [1, 9, -13, 2**62 + 1]
    assert guest(engine).jump(double.address, 21) == 42


@pytest.mark.parametrize("engine", AVAILABLE)
def test_numbers_and_the_stack(engine: str) -> None:
    def numbers(frame: CallFrame) -> None:
        values = SimpleNamespace(
            n=ctypes.c_int32(frame.x[0]).value,
            x=ctypes.c_double.from_buffer(frame.v, 0).value,
            y=ctypes.c_float.from_buffer(frame.v, 16).value,
            big=frame.x[1],
        )
        assert (values.n, values.y, values.big) == (-3, 0.5, 1 << 40)
        ctypes.c_double.from_buffer(frame.v).value = values.x + values.n

    def many(frame: CallFrame) -> None:
        on_stack = (ctypes.c_long * 2).from_address(frame.stack)
        assert [*frame.x[:8], *on_stack] == list(range(1, 11))
        frame.x[0] = sum(on_stack)

    assert guest(engine).numbers(add(engine, numbers).address, 10.25) == 14.5
    assert guest(engine).many(add(engine, many).address) == 19


@pytest.mark.parametrize("engine", AVAILABLE)
def test_all_registers_arrive_and_all_results_come_back(engine: str) -> None:
    seen = {}

    def called(frame: CallFrame) -> None:
        seen["x"], seen["v"] = list(frame.x), bytes(frame.v)
        frame.x[:2] = 11, 12
        frame.v[:64] = bytes(range(64))

    host = add(engine, called)
    outer = calling(host, "void(void)", engine)
    made = Call(5, 0)
    made.frame.x[8] = 77
    outer.module.loaded.bind_frame(outer.offset)(ctypes.addressof(made.frame))
    assert seen == {"x": [*made.x, 77], "v": made.v}
    assert list(made.frame.x[:2]) == [11, 12]
    assert bytes(made.frame.v[:64]) == bytes(range(64))


class Refusal(Exception):
    pass


@pytest.mark.parametrize("engine", AVAILABLE)
def test_an_exception_leaves_the_guest_unchanged(engine: str) -> None:
    error = Refusal("no")

    def refuse(x: int) -> int:
        if x == 3:
            raise error
        return x

    host = of_long(engine, refuse)
    call = guest(engine).call
    for _ in range(3):
        with pytest.raises(Refusal) as caught:
            call(host.address, 3)
        assert caught.value is error
        assert error.__context__ is None
        assert [frame.name for frame in traceback.extract_tb(error.__traceback__)][-1] == "refuse"
        error.__traceback__ = None
        # The same function works on.
        assert call(host.address, 4) == 5


@pytest.mark.parametrize("engine", AVAILABLE)
def test_an_exception_leaves_calls_of_every_kind(engine: str) -> None:
    host = of_long(engine, lambda x: 1 // (x - 5))
    guest(engine).keep(host.address)
    fire = guest(engine).fire
    with pytest.raises(ZeroDivisionError):
        fire()
    frame = CallFrame()
    with pytest.raises(ZeroDivisionError):
        fire.module.loaded.bind_frame(fire.offset)(ctypes.addressof(frame))
    guest(engine).keep(of_long(engine, lambda x: x).address)
    assert guest(engine).plain(1) == 2


@pytest.mark.parametrize("engine", AVAILABLE)
def test_what_an_exception_skips_is_put_back(engine: str) -> None:
    """The callee-saved registers: Python has its own values in them while it calls."""

    def refuse(frame: CallFrame) -> None:
        raise Refusal

    host = add(engine, refuse)
    outer = calling(host, "double(double, int)", engine)
    total = 0.0
    for i in range(20):
        try:
            total += outer(0.5, i)
        except Refusal:
            total += i
    assert total == sum(range(20))


@pytest.mark.parametrize("engine", AVAILABLE)
def test_the_rounding_mode_of_a_guest_that_was_left_is_gone(engine: str) -> None:
    def refuse(frame: CallFrame) -> None:
        raise Refusal

    host = add(engine, refuse)
    read = armexec.function("mrs x0, fpcr\nret", "long(void)", engine=engine)
    before = read()
    towards_zero = f"mov x10, #{3 << 22}\nmsr fpcr, x10\n"
    with pytest.raises(Refusal):
        calling(host, "void(void)", engine, first=towards_zero)()
    assert read() == before


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("catching", [False, True])
def test_guest_and_python_call_each_other_50_deep(engine: str, catching: bool) -> None:
    call = guest(engine).call
    depth = 10 if engine == "reference" else 50
    levels = []

    def down(n: int) -> int:
        if not n:
            raise Refusal("at the bottom")
        try:
            return call(host.address, n - 1)
        except Refusal as error:
            levels.append(n)
            if catching:
                raise Refusal(f"at {n}") from error
            raise

    host = of_long(engine, down)
    with pytest.raises(Refusal) as caught:
        call(host.address, depth)
    assert levels == list(range(1, depth + 1))
    assert str(caught.value) == (f"at {depth}" if catching else "at the bottom")
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names.count("down") == (1 if catching else depth + 1)
    chain = 0
    error: BaseException | None = caught.value
    while error is not None:
        chain, error = chain + 1, error.__cause__
    assert chain == (depth + 1 if catching else 1)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_values_come_up_from_50_deep(engine: str) -> None:
    call = guest(engine).call
    depth = 10 if engine == "reference" else 50
    host = of_long(engine, lambda n: call(host.address, n - 1) if n else 1000)
    assert call(host.address, depth) == 1000 + depth + 1


@pytest.mark.parametrize("engine", AVAILABLE)
def test_an_exception_that_python_catches_within_stays_there(engine: str) -> None:
    call = guest(engine).call

    def refuse(x: int) -> int:
        raise Refusal(x)

    inner = of_long(engine, refuse)

    def catch(x: int) -> int:
        try:
            call(inner.address, x)
        except Refusal as error:
            return int(error.args[0]) * 10
        return 0

    outer = of_long(engine, catch)
    assert call(outer.address, 4) == 41
    assert sys.exc_info() == (None, None, None)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_threads_have_exceptions_of_their_own(engine: str) -> None:
    call = guest(engine).call
    count = 20 if engine == "reference" else 200
    meeting = threading.Barrier(4)

    def odd(x: int) -> int:
        if x % 2:
            raise Refusal(x)
        return x

    host = of_long(engine, odd)
    wrong: list[object] = []

    def work(first: int) -> None:
        meeting.wait()
        for x in range(first, first + count):
            try:
                result: object = call(host.address, x)
            except Refusal as error:
                result = error.args[0]
            if result != (x if x % 2 else x + 1):
                wrong.append((x, result))

    threads = [threading.Thread(target=work, args=(n * 1000,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("engine", AVAILABLE)
def test_a_function_that_is_gone_is_an_error(engine: str) -> None:
    host = of_long(engine, lambda x: x)
    address = host.address
    functions = get_engine(engine).host_functions()
    assert functions.find(address) is not None
    assert not functions.is_gone(address)
    del host
    gc.collect()
    assert functions.find(address) is None
    assert functions.is_gone(address)
    assert not functions.is_gone(address + 4)
    others = [of_long(engine, lambda x: x) for _ in range(5000)]
    assert address not in {other.address for other in others}
    with pytest.raises(armexec.MemoryFault, match=f"function of Python .*0x{address:x} is gone"):
        guest(engine).call(address, 1)
    # Those in another chunk of addresses work too.
    assert guest(engine).call(others[-1].address, 1) == 2


@pytest.mark.parametrize("engine", AVAILABLE)
def test_closing_twice_does_no_harm(engine: str) -> None:
    host = of_long(engine, lambda x: x)
    host.close()
    host.close()
    with pytest.raises(armexec.MemoryFault, match="is gone"):
        guest(engine).call(host.address, 1)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_the_gil_is_free_while_the_guest_runs(engine: str) -> None:
    """A guest that waits for another thread's store, which needs the GIL."""
    wait = armexec.function("1: ldar w1, [x0]\ncbz w1, 1b\nmov w0, w1\nret", "int(int*)", engine=engine)
    flag = ctypes.c_int(0)
    thread = threading.Timer(0.05, lambda: setattr(flag, "value", 7))
    thread.start()
    assert wait(ctypes.addressof(flag)) == 7
    thread.join()


# In a child of a process with threads, qemu may end at the start of the next one: the native engine is to begin none.
@pytest.mark.parametrize(
    "engine", [name if name == "native" else pytest.param(name, marks=needs_processes) for name in AVAILABLE]
)
def test_the_child_of_a_fork_has_a_way_out(engine: str) -> None:
    call = guest(engine).call
    host = of_long(engine, lambda x: 1 // x)
    assert call(host.address, 1) == 2
    child = os.fork()
    if not child:
        if engine == "native":
            # That it isn't watched, for Ctrl-C, changes nothing here.
            native_host_functions().watch.wake = lambda: None  # type: ignore[method-assign]
        try:
            call(host.address, 0)
        except ZeroDivisionError:
            os._exit(call(host.address, 1) + 5)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


@pytest.mark.usefixtures("others_pages")
@pytest.mark.parametrize("engine", AVAILABLE)
def test_no_page_is_writable_and_executable(engine: str) -> None:
    from rules import broken

    host = of_long(engine, lambda x: x)
    assert guest(engine).call(host.address, 1) == 2
    assert broken() == []
