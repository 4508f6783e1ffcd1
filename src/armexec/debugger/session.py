"""Sessions: a call, a program or a Cpu, instruction by instruction, forwards and back."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self, SupportsIndex

from armexec.cpu.cpu import Cpu
from armexec.cpu.stop import Stop, StopReason
from armexec.debugger.breakpoints import Breakpoints, Watchpoint, evaluated
from armexec.debugger.call_stack import CallStack
from armexec.debugger.changes import MemoryChange, Step, near_stack, register_changes
from armexec.debugger.fast.load import stretches_of
from armexec.debugger.frames import SessionFrame, SessionThread
from armexec.debugger.past.backwards import search_back
from armexec.debugger.past.last_writes import last_register_write, register_named
from armexec.debugger.past.timeline import Pace, Timeline
from armexec.debugger.places import Place, Places
from armexec.debugger.session_guest import WatchHit
from armexec.debugger.target import Target
from armexec.disasm import Instruction
from armexec.engines.observed import Policy
from armexec.errors import Error, ExecutionError, SignatureError
from armexec.isa import decode
from armexec.isa.transfers import Transfer, transfer
from armexec.program.system_calls import PROCESS

__all__ = ["Session", "SessionMemory"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

_ACCESSES = {"r": "read", "w": "write"}


class SessionMemory:
    """The guest's memory at the time of a session."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def read(self, address: SupportsIndex, size: SupportsIndex) -> bytes:
        """Some bytes. Raises Error where nothing can be read."""
        return self._timeline.guest.guest.peek(operator.index(address), operator.index(size))

    def write(self, address: SupportsIndex, data: bytes) -> None:
        """Change some bytes now: what comes later is executed anew. Raises Error where nothing can be written."""
        self._timeline.write(operator.index(address), bytes(data))


class _Goal(NamedTuple):
    """Where a run is to stop, besides breakpoints: before some addresses; where fewer than `depth` calls of a thread
    are going on; instead of both, where `holds` is true, which is asked before each instruction."""

    addresses: frozenset[int] = frozenset()
    depth: int = 0
    thread: int = PROCESS
    holds: Callable[[], bool] | None = None


class Session:
    """A run that stands still between two instructions, and can go to any other time of it.

    `time` is how many instructions were executed: 0 at first. What was executed once is the same each time: functions
    of Python aren't called again, nor is output written again. Registers and memory may be changed: `cpu.x[0] = 5` and
    `memory.write`. That begins another future.

    Instructions are executed one by one in Python, on every engine: some ten thousand a second. Longer ways, without
    anything to look at in between, are millions a second on other engines than "reference". The memory is that of the
    module, so what other calls do to it meanwhile is seen, and isn't undone.

    `breakpoints` are where `run`, `next` and `finish` stop. It is a context manager; `close` frees what is its own.
    """

    def __init__(self, target: Target, *, pace: Pace | None = None, policy: Policy | None = None) -> None:
        """`pace` and `policy` say when code is translated, and instructions are executed many at once."""
        self.target = target
        self.cpu: Cpu = target.cpu
        self.timeline = Timeline(target.cpu, target.guest, partial(stretches_of, target, policy), pace, target.threads)
        self.memory = SessionMemory(self.timeline)
        self.places: Places = target.places
        self.breakpoints = Breakpoints(self.places)
        self.error: BaseException | None = None
        """What the guest has done that it can't do, at the instruction that the session stands before; else None."""
        self._closed = False

    # -- where it is --------------------------------------------------------------------------------------------------
    @property
    def time(self) -> int:
        """How many instructions have been executed."""
        return self.timeline.time

    @property
    def finished(self) -> bool:
        """Whether the call has returned, or the program has ended."""
        return self.target.leave is not None and self.cpu.pc == self.target.leave

    @property
    def result(self) -> Any:
        """What the call returns, or how the program ended, at the end; None before."""
        return self.target.result(self.cpu) if self.finished else None

    @property
    def place(self) -> Place:
        """The function, symbol and source line of the next instruction."""
        return self.places.place(self.cpu.pc)

    @property
    def source(self) -> str:
        """The source line of the next instruction, such as "fn.c:3"; empty where it isn't known."""
        line = self.place.line
        return f"{line.file}:{line.line}" if line is not None and line.line else ""

    @property
    def instruction(self) -> Instruction | None:
        """The next instruction; None where there is no code."""
        return None if self.finished else self.places.instruction(self.cpu.pc)

    def instruction_at(self, address: SupportsIndex) -> Instruction | None:
        """The instruction at an address, as it is in memory now; None where there is no code."""
        return self.places.instruction(operator.index(address))

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of Python, in which registers have their names: "x0 + 8 * w1".

        Raises what the expression raises: NameError for a register that there isn't.
        """
        return evaluated(expression, self)

    @property
    def backtrace(self) -> list[SessionFrame]:
        """The functions that are running, the innermost first."""
        if self.finished:
            return []
        return self._frames(self.cpu.pc, self.timeline.calls)

    def _frames(self, pc: int, calls: CallStack) -> list[SessionFrame]:
        open_calls = list(calls)
        pcs = [pc, *(call.pc for call in open_calls)]
        begins = [*(call.time for call in open_calls), None]
        return [SessionFrame(pc, self.places.place(pc), begin) for pc, begin in zip(pcs, begins, strict=True)]

    @property
    def thread(self) -> int:
        """The number of the thread that runs now, whose registers `cpu` has."""
        threads = self.target.threads
        return PROCESS if threads is None else threads.number(self.time)

    @property
    def threads(self) -> list[SessionThread]:
        """The threads of a program, in the order in which they were started. One of them runs at a time; others go on
        when it waits or ends, or has executed some thousand instructions."""
        threads, running = self.target.threads, self.thread
        found = []
        for number, standing in {PROCESS: None}.items() if threads is None else threads.standing(self.time).items():
            runs = number == running
            pc = self.cpu.pc if runs or standing is None else int(standing.state.pc)
            calls = self.timeline.calls if runs else self.timeline.calls_of(number)
            waits = standing is not None and standing.waits
            frames = [] if self.finished else self._frames(pc, calls)
            found.append(SessionThread(number, pc, self.places.place(pc), runs, waits, frames))
        return found

    # -- forwards -----------------------------------------------------------------------------------------------------
    def step(self, n: SupportsIndex = 1) -> Step:
        """Execute `n` instructions, or fewer where it can't go on; what has changed.

        Breakpoints don't stop it. What the guest does wrong is no exception but `error`, and the time stays. A function
        of Python is one instruction; what it raises is raised here, and the time stays.
        """
        count = _count(n)
        self._check_open()
        before, begin, place, instruction = self.cpu.save(), self.time, self.place, self.instruction
        logged = len(self.timeline.guest.log)
        stop = self._go_on(begin + count)
        return self._changed(before, begin, place, instruction, logged, stop)

    def _go_on(self, time: int) -> Stop | None:
        """Go on to a later time, without regard to what is watched; the stop where that isn't possible."""
        timeline = self.timeline
        timeline.begin(self.target.leave)
        ends = self.ends
        watched, timeline.guest.watched = timeline.guest.watched, ()
        try:
            while self.time < time:
                if timeline.skip_to(time, ends):
                    continue
                stop = self._stepped()
                if stop is not None:
                    return stop
        finally:
            timeline.guest.watched = watched
            timeline.settle()
        return None

    @property
    def ends(self) -> frozenset[int]:
        """Where the call has returned, or the program ends."""
        return frozenset(() if self.target.leave is None else (self.target.leave,))

    def _stepped(self) -> Stop | None:
        """Execute one instruction; the stop where that isn't possible, or after a system call that nobody does."""
        over = self.timeline.over()
        if over is not None:
            return self._ended(over)
        watched, self.timeline.guest.watched = self.timeline.guest.watched, ()
        try:
            return self.forward()
        finally:
            self.timeline.guest.watched = watched

    def forward(self) -> Stop | None:
        """Execute one instruction of a run that has begun, for debug servers; the stop where that isn't possible.

        Raises WatchHit before an access to watched bytes.
        """
        self.error = None
        try:
            stop = self.timeline.forward()
        except ExecutionError as error:
            self.error = error
            return Stop(StopReason.FAULT, self.cpu.pc, self.cpu.pc, detail=str(error))
        if stop is not None:
            self.error = self.target.error(stop)
            return stop
        return self.timeline.passed

    def _ended(self, stop: Stop) -> Stop:
        if stop.reason is StopReason.UNTIL:
            self.target.finish()
            return Stop(StopReason.RETURNED, stop.pc, stop.address, instructions=self.time)
        return stop

    def _changed(
        self,
        before: bytes,
        begin: int,
        place: Place,
        instruction: Instruction | None,
        logged: int,
        stop: Stop | None,
    ) -> Step:
        if self.finished and stop is None:
            self.target.finish()
        decoded = decode(instruction.word) if instruction is not None and self.time == begin + 1 else None
        written = list(decoded.effects.writes.items()) if decoded is not None else []
        memory = []
        sp = self.cpu.sp
        first: dict[tuple[int, int], bytes] = {}
        for address, old in self.timeline.guest.log.written_since(logged):
            first.setdefault((address, len(old)), old)
        for (address, size), old in first.items():
            try:
                new = self.memory.read(address, size)
            except Error:
                continue
            memory.append(MemoryChange(address, old, new, near_stack(address, sp) or self._data_name(address)))
        registers = register_changes(before, self.cpu.save(), written)
        return Step(begin, self.time, place, instruction, registers, tuple(memory), stop)

    def _data_name(self, address: int) -> str:
        return self.places.place(address).symbol

    def run(self, until: SupportsIndex | str | Callable[[Session], Any] | None = None) -> Stop:
        """Go on to the next breakpoint, watched access, fault or end; why it stopped.

        Args:
            until: stop here, too: an address, a symbol, "file:line", or a function of the session that is asked before
                each instruction.

        Raises what a function of Python raises that the guest calls, and Ctrl-C; the time is then that of the
        instruction that hasn't been executed.
        """
        self._check_open()
        return self._run(self._meant(until))

    def _meant(self, until: SupportsIndex | str | Callable[[Session], Any] | None) -> _Goal:
        """Where it is to stop. Raises SignatureError and LoadError for what is no place."""
        if until is None:
            return _Goal()
        if callable(until) and not isinstance(until, str):
            return _Goal(holds=lambda: bool(until(self)))
        return _Goal(frozenset(self.places.addresses(until)))

    def _reached(self, goal: _Goal) -> bool:
        """Whether it stands where it is to stop."""
        if goal.holds is not None:
            return goal.holds()
        return self.cpu.pc in goal.addresses or self.timeline.calls.depth < self._depth(goal)

    def _depth(self, goal: _Goal) -> int:
        """The depth of a goal for the thread that runs now: 0 for any."""
        return goal.depth if goal.depth and self.thread == goal.thread else 0

    def _run(self, goal: _Goal) -> Stop:
        """Go on until something stops it, or it has reached the goal before an instruction other than the first."""
        timeline = self.timeline
        timeline.begin(self.target.leave)
        try:
            while True:
                stop = timeline.over()
                if stop is not None:
                    return self._ended(stop)
                if goal.holds is None and timeline.skip(self._stops(goal), depth=self._depth(goal)):
                    self.error = None
                else:
                    try:
                        stop = self.forward()
                    except WatchHit as hit:
                        return self._pass(hit)
                    if stop is not None:
                        return stop
                pc = int(self.cpu.state.pc)
                if self._breaks(pc):
                    return Stop(StopReason.BREAKPOINT, pc, pc, instructions=self.time)
                if pc != self.target.leave and self._reached(goal):
                    return Stop(StopReason.UNTIL, pc, pc, instructions=self.time)
        finally:
            timeline.settle()

    def _stops(self, goal: _Goal) -> frozenset[int]:
        """The addresses that it may stop at on the way to a goal."""
        return goal.addresses | self.breakpoints.by_address.keys() | self.ends

    def _breaks(self, pc: int) -> bool:
        """Whether a breakpoint at an address holds."""
        there = self.breakpoints.by_address.get(pc)
        return there is not None and any(b.holds(self) for b in list(there))

    def _pass(self, hit: WatchHit) -> Stop:
        """Execute the instruction that accesses watched bytes; the stop behind it, which tells of the access."""
        pc = self.cpu.pc
        old = self.memory.read(hit.address, hit.size)
        stop = self._stepped()
        if stop is not None:
            return stop
        access = _ACCESSES[hit.kind]
        detail = f"0x{int.from_bytes(old, 'little'):x}"
        if hit.kind == "w":
            detail += f" → 0x{int.from_bytes(self.memory.read(hit.address, hit.size), 'little'):x}"
        return Stop(StopReason.WATCHPOINT, pc, hit.address, access, instructions=self.time, detail=detail)

    def next(self) -> Step:
        """Execute one instruction, and all of a call if it is one; what has changed."""
        self._check_open()
        instruction = self.instruction
        if instruction is None or transfer(instruction.word) is not Transfer.CALL:
            return self.step()
        timeline = self.timeline
        before, begin, place, logged = self.cpu.save(), self.time, self.place, len(timeline.guest.log)
        stop: Stop | None = self._run(_Goal(depth=timeline.calls.depth + 1, thread=self.thread))
        if stop is not None and stop.reason is StopReason.UNTIL:
            stop = None
        return self._changed(before, begin, place, instruction, logged, stop)

    def finish(self) -> Stop:
        """Go on until the function that is running is over: it has returned, or was left by `longjmp` or an exception.
        At the first one, go on to the end."""
        self._check_open()
        return self._run(_Goal(depth=self.timeline.calls.depth, thread=self.thread))

    # -- to other times -----------------------------------------------------------------------------------------------
    def goto(self, time: SupportsIndex) -> None:
        """Go to a time: back, or forwards without regard to breakpoints.

        Raises:
            Error: the run doesn't last so long, or memory of then isn't mapped any more.
        """
        wanted = _count(time)
        self._check_open()
        if wanted < self.time:
            self.error = None
            self.timeline.back_to(wanted)
            return
        stop = self._go_on(wanted)
        if self.finished:
            self.target.finish()
        if self.time < wanted:
            raise Error(f"the run has no time {wanted}: it is at {self.time}: {stop}")

    def back(self, n: SupportsIndex = 1) -> None:
        """Go back by `n` instructions, to the beginning at most."""
        self.goto(max(self.time - _count(n), 0))

    def run_back(self, until: SupportsIndex | str | Callable[[Session], Any] | None = None) -> Stop:
        """Go back to the last breakpoint before now, watched access or place that is meant; else to the beginning."""
        self._check_open()
        goal = self._meant(until)

        def stop() -> Stop | None:
            pc = self.cpu.pc
            if self._breaks(pc):
                return Stop(StopReason.BREAKPOINT, pc, pc, instructions=self.time)
            return Stop(StopReason.UNTIL, pc, pc, instructions=self.time) if self._reached(goal) else None

        def accessed(hit: WatchHit) -> Stop:
            access = _ACCESSES[hit.kind]
            return Stop(StopReason.WATCHPOINT, self.cpu.pc, hit.address, access, instructions=self.time)

        stops = None if goal.holds is not None else goal.addresses | self.breakpoints.by_address.keys()
        for found in search_back(self.timeline, self.goto, stops, stop, accessed):
            if found is not None:
                return found
        return Stop(StopReason.BEGIN, self.cpu.pc, self.cpu.pc, instructions=0)

    # -- watching -----------------------------------------------------------------------------------------------------
    def watch(self, address: SupportsIndex | str, size: SupportsIndex = 8, mode: str = "w") -> Watchpoint:
        """Stop after each instruction that accesses some bytes.

        Args:
            address: an address, or the symbol of a variable.
            size: how many bytes.
            mode: "w" for writes, "r" for reads, "rw" for both.

        Raises:
            SignatureError: it is no address, size or mode.
            LoadError: there is no such symbol.
        """
        if mode not in ("r", "w", "rw"):
            raise SignatureError(f'a watchpoint is for "r", "w" or "rw", not {mode!r:.60}')
        length = _count(size)
        if not length:
            raise SignatureError("no bytes can't be watched")
        return Watchpoint(self.timeline.guest, self.places.addresses(address)[0], length, mode)

    def last_write(self, what: SupportsIndex | str, size: SupportsIndex = 1) -> int | None:
        """The time of the last instruction before now that wrote a register or memory; None if none has.

        `goto` of that time stands before the instruction, so that a `step` shows what it does.

        Args:
            what: a register such as "x0", "w0", "v3", "sp" or "nzcv"; an address, or the symbol of a variable.
            size: for memory, how many bytes.

        Raises:
            LoadError: there is no such register or symbol.
        """
        register = register_named(what) if isinstance(what, str) else None
        if register is not None:
            return last_register_write(self.timeline, register)
        address = self.places.addresses(what)[0]
        return self.timeline.guest.log.last_time(address, _count(size))

    # -- the end ------------------------------------------------------------------------------------------------------
    def serve(self, port: int = 0, ready: Callable[[int], object] | None = None) -> None:
        """Wait for gdb or lldb on a port of this machine, and let it debug the call: `target remote :PORT`.

        When it detaches, the call goes on to its end, and `result` is there; when it kills the program or goes away,
        the session stays where it is.

        Args:
            port: 0: one that is free; `ready` is called with the port, when the debugger can connect.

        Raises:
            HostError: the port can't be had.
            What a function of Python raises in the rest of the call.
        """
        from armexec.debugger.rsp import serve

        self._check_open()
        serve(self, port, ready=ready)

    def widget(self, limit: int = 20_000) -> Any:
        """A widget for notebooks (`armexec.notebooks.step`). The session goes where its slider is.

        Args:
            limit: how many instructions it has, from the beginning on.

        Raises:
            HostError: the package `anywidget` isn't there.
            Error: the session is closed.
        """
        from importlib import import_module

        return import_module("armexec.notebooks.stepping").widget_of(self, limit)  # sessions know nothing of notebooks

    def close(self) -> None:
        """Free what the session has: its stack, or its program. Twice does no harm."""
        if not self._closed:
            self._closed = True
            self.timeline.close()
            self.target.close()

    def _check_open(self) -> None:
        if self._closed:
            raise Error("the session is closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> Any:
        raise SignatureError("a session can't be copied or pickled: begin another one with the function")

    def __repr__(self) -> str:
        if self._closed:
            return f"<Session {self.target.name}, closed>"
        if self.finished:
            return f"<Session {self.target.name}, time {self.time}: returned {self.result!r:.80}>"
        instruction = self.instruction
        text = instruction.text if instruction is not None else "no code"
        return f"<Session {self.target.name}, time {self.time}: {text} at {self.place}>"


def _count(value: SupportsIndex) -> int:
    """A number that isn't negative. Raises SignatureError."""
    try:
        number = operator.index(value)
    except TypeError:
        raise SignatureError(f"a number is needed, not {value!r:.60}") from None
    if number < 0:
        raise SignatureError(f"{number} is negative")
    return number
