"""The native engine's routines on engines that run on every host, with functions of Python in the place of C's."""

from __future__ import annotations

import ctypes
import inspect
import textwrap
from collections.abc import Callable

import pytest

import armexec
from armexec.callbacks import HostFunction
from armexec.cpu.call_frame import CallFrame
from armexec.engines import get_engine
from armexec.engines.native_calls import HostCall, routines
from armexec.engines.native_calls.context import DONE, Entered
from armexec.engines.native_calls.trampolines import HALF
from armexec.memory import HostMemory
from armexec.objects import load_image
from engines import AVAILABLE

from .frames import CALL_X9, LINE, pairs

ENGINES = [name for name in AVAILABLE if name != "native"]
_OR_V0 = f"fmov x1, d0{LINE}orr x0, x0, x1"


def _around() -> str:
    """`start` enters `guest`, which calls `call_host`; `kept` gives 0 where that keeps what a call preserves."""
    general, vectors = range(19, 29), range(8, 16)
    return f"""
    start: adr x17, entered
    b enter
    guest: adr x9, host
    {CALL_X9}
    host: adr x17, hosted
    b call_host
    kept: stp x29, x30, [sp, #-160]!
    mov x29, sp
    {pairs("stp")}
    {LINE.join(f"mov x{n}, #{n}" for n in general)}
    {LINE.join(f"movi v{n}.16b, #{n}" for n in vectors)}
    bl start
    mov x0, sp
    sub x0, x0, x29
    {LINE.join(f"sub x1, x{n}, #{n}{LINE}orr x0, x0, x1" for n in general)}
    {LINE.join(f"movi v0.16b, #{n}{LINE}eor v0.8b, v0.8b, v{n}.8b{LINE}{_OR_V0}" for n in vectors)}
    {pairs("ldp")}
    ldp x29, x30, [sp], #160
    ret
    .balign 8
    entered: .quad 0, guest
    hosted: .quad 0, 0
    """


KEY, OBJECT, PREPARING, RAISING, LOOKING, THREAD, GIL = range(0x51, 0x58)
NUMBER = 0x100
"""What the address of a number is above it."""
IDLE = 1
"""A thread's word while it has no way out."""


class Python:
    """What the routines call, with a record of the calls. `answer` is what the object that is called does."""

    def __init__(self, engine: str, answer: Callable[[HostCall], bool]) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.answer = answer
        self.value = 0
        self.prepares = True
        self.prepare: Callable[[Entered], object] = lambda entered: None
        self.counts = routines.Counts()
        self.hosts: dict[str, HostFunction] = {}
        functions = get_engine(engine).host_functions()
        for name in (*routines.C_LIBRARY, *routines.PYTHON):
            self.hosts[name] = functions.add(self._called(name))
        text = textwrap.dedent((inspect.getdoc(routines) or "").partition("    enter:")[2])
        objects = zip(routines.OBJECTS, (OBJECT, PREPARING, RAISING, LOOKING), strict=True)
        data = {"key": KEY, "counts": ctypes.addressof(self.counts), **dict(objects)}
        for name, value in {**data, **{n: h.address for n, h in self.hosts.items()}}.items():
            text = text.replace(f"{name}: .quad 0", f"{name}: .quad {value}")
        code = armexec.assemble(f"{_around()}{LINE}enter:{text}")
        self.module = armexec.Module(load_image(code.object(), "t.o"), engine)

    def run(self, name: str, *arguments: int) -> int:
        result = self.module[name].with_signature("long(long, long)")(*arguments)
        assert isinstance(result, int)
        return result

    def _called(self, name: str) -> Callable[[CallFrame], None]:
        def called(frame: CallFrame) -> None:
            result = getattr(self, f"_{name}")(*frame.x[:2])
            frame.x[0] = 0xBAD if result is None else result
            # What C may change.
            frame.x[1] = 0xBAD
            frame.v[:64] = bytes(64)

        return called

    def _pthread_getspecific(self, key: int, _: int) -> int:
        assert key == KEY
        return self.value

    def _pthread_setspecific(self, key: int, value: int) -> None:
        assert key == KEY
        self.value = value

    def _PyEval_SaveThread(self, _a: int, _b: int) -> int:
        self.calls.append(("save",))
        return THREAD

    def _PyEval_RestoreThread(self, thread: int, _: int) -> None:
        self.calls.append(("restore", thread))

    def _PyGILState_Ensure(self, _a: int, _b: int) -> int:
        self.calls.append(("ensure",))
        return GIL

    def _PyGILState_Release(self, gil: int, _: int) -> None:
        self.calls.append(("release", gil & 0xFFFF_FFFF))

    def _PyLong_FromUnsignedLongLong(self, value: int, _: int) -> int:
        return value + NUMBER

    def _PyObject_CallOneArg(self, called: int, number: int) -> int:
        argument = number - NUMBER
        # Python runs without a way out.
        assert self.value <= IDLE
        if called == PREPARING:
            entered = Entered.from_address(argument)
            assert entered.word == self.value
            entered.word = IDLE
            self.calls.append(("prepare",))
            self.prepare(entered)
            return 0x78 if self.prepares else 0
        assert called == OBJECT
        self.calls.append(("call",))
        return 0x77 if self.answer(HostCall.from_address(argument)) else 0

    def _Py_DecRef(self, _a: int, _b: int) -> None:
        pass

    def _PyErr_WriteUnraisable(self, called: int, _: int) -> None:
        self.calls.append(("unraisable", called))


CALLED = [("save",), ("ensure",), ("call",)]
PREPARE = ("prepare",)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_result_comes_back(engine: str) -> None:
    def add(call: HostCall) -> bool:
        call.x[0] = call.x[0] * 100 + call.x[1]
        return True

    python = Python(engine, add)
    assert python.run("start", 3, 4) == 304
    assert python.calls == [PREPARE, *CALLED, ("release", GIL), ("restore", THREAD)]
    assert python.value == IDLE
    assert (python.counts.begun, python.counts.ended) == (1, 1)
    assert python.run("guest", 5, 6) == 506
    assert python.run("kept", 1, 2) == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_the_frame_tells_where_the_call_comes_from(engine: str) -> None:
    seen = []

    def look(call: HostCall) -> bool:
        seen.append((call.link, call.address, call.stack_size))
        return True

    python = Python(engine, look)
    python.run("start", 1, 2)
    base = python.module.loaded.base
    symbols = {symbol.name: base + (symbol.offset or 0) for symbol in python.module.image.symbols}
    [(link, address, stack_size)] = seen
    assert symbols["guest"] < link < symbols["host"]
    assert HostMemory().read(link - 4, 4) == armexec.assemble("blr x9").bytes
    assert (address, stack_size) == (symbols["hosted"] - HALF, 0)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_exception_leaves_the_guest(engine: str) -> None:
    python = Python(engine, lambda call: False)
    python.value = 0x1230
    python.run("start", 3, 4)
    # The GIL is released before the guest is left, and the outer call's way out is there again.
    assert python.calls == [*CALLED, ("release", GIL), ("restore", THREAD)]
    assert python.value == 0x1230
    assert python.run("kept", 1, 2) == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_an_exception_without_a_way_out_is_written(engine: str) -> None:
    python = Python(engine, lambda call: False)
    assert python.run("guest", 3, 4) == 0
    assert python.value == 0
    assert python.calls == [*CALLED[1:], ("unraisable", OBJECT), ("release", GIL)]


@pytest.mark.parametrize("engine", ENGINES)
def test_python_is_asked_before_a_threads_first_call_and_when_it_wants_to(engine: str) -> None:
    python = Python(engine, lambda call: True)
    for parked, prepared in ((0, True), (0, False), (1, True), (0, False)):
        python.calls.clear()
        python.counts.parked = parked
        python.run("start", 3, 4)
        assert python.calls[0] == (PREPARE if prepared else ("save",))
    assert (python.counts.begun, python.counts.ended) == (4, 4)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_exception_before_a_call_is_raised_by_it(engine: str) -> None:
    python = Python(engine, lambda call: True)
    python.prepares = False
    python.run("start", 3, 4)
    assert python.calls == [PREPARE]
    assert python.value == 0
    assert (python.counts.begun, python.counts.ended) == (0, 0)


@pytest.mark.parametrize("engine", ENGINES)
def test_python_may_make_the_call_itself(engine: str) -> None:
    python = Python(engine, lambda call: True)

    def make(entered: Entered) -> None:
        assert list(entered.x[:2]) == [3, 4]
        entered.x[0] = 99
        entered.word, entered.stack = 0, DONE

    python.prepare = make
    assert python.run("start", 3, 4) == 99
    assert python.calls == [PREPARE]
    assert python.value == 0
    assert (python.counts.begun, python.counts.ended) == (0, 0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("returns", [True, False])
def test_a_stack_of_the_guests_own(engine: str, returns: bool) -> None:
    room = ctypes.create_string_buffer(8192)
    begin = -(-ctypes.addressof(room) // 16) * 16
    seen = []

    def called(call: HostCall) -> bool:
        # The guest's is there; Python's isn't.
        seen.append((begin <= call.stack < begin + 8000, begin <= ctypes.addressof(call) < begin + 8000))
        assert python.value == 0
        call.x[0] = call.x[0] * 100 + call.x[1]
        return returns

    python = Python(engine, called)

    def limit(entered: Entered) -> None:
        entered.word, entered.stack = 0, begin + 8000

    python.prepare = limit
    for _ in range(2):
        result = python.run("start", 3, 4)
        assert result == 304 or not returns
        # Each call asks again.
        assert python.calls[0] == PREPARE
        assert python.value == 0
        python.calls.clear()
    assert seen == [(True, True)] * 2
    assert python.run("kept", 1, 2) == 0
