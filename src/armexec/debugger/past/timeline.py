"""A run that can go back and forth: its time is the number of executed instructions.

The registers are kept every thousand instructions, and what stores overwrite is kept always. To go back, stores are
undone to the last time before with its registers, and the instructions from there are executed once more. What isn't
the same each time (functions of the host, system calls, clocks) is kept as it was the first time.

Long ways go by stretches of many instructions, which blocks execute and record (`fast/stretch.py`). Of a stretch, the
registers are kept at its end, and of what it overwrites what was there at its beginning.
"""

from __future__ import annotations

import ctypes
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from armexec.cpu.cpu import Cpu, Limits
from armexec.cpu.registers import REGISTERS, Kind
from armexec.cpu.state import CpuState
from armexec.cpu.stop import Stop
from armexec.debugger.call_stack import CallStack, OpenCall
from armexec.debugger.past.path import Path
from armexec.debugger.session_guest import SessionGuest, reads_clock
from armexec.engines.stepping import Run, Stepper
from armexec.errors import Error
from armexec.isa.transfers import Transfer, transfer
from armexec.memory import AccessError

if TYPE_CHECKING:
    from armexec.debugger.fast.stretch import Stretch, Stretches
    from armexec.debugger.guest_threads import SessionThreads

__all__ = ["INTERVAL", "Pace", "Timeline"]

INTERVAL = 1000
"""Instructions from one kept set of registers to the next."""
_NEVER = 1 << 62
_SIZE = ctypes.sizeof(CpuState)


@dataclass(frozen=True)
class Pace:
    """When a timeline goes by stretches."""

    first: int = 2_000
    """Instructions that are executed one by one before the first stretch, since code is translated for that."""
    least: int = 1_000
    """Where there are fewer, they are executed one by one."""
    most: int = 1 << 19
    """Maximum instructions of a stretch."""
    near: int = 500
    """The last instructions before the time of `goto` are executed one by one: registers are kept close to it then."""


@dataclass(frozen=True)
class _Event:
    """What is the same as before, and isn't computed: the registers then, and bytes by their addresses."""

    registers: bytes
    memory: tuple[tuple[int, bytes], ...]
    changed: frozenset[str] = frozenset()
    """The registers that the host has changed."""
    word: int = 0
    """The instruction that was executed; 0 if none was."""


@dataclass(frozen=True)
class _Calls:
    """The innermost call that was going on; and by their numbers those of threads that don't run."""

    innermost: OpenCall | None
    others: Mapping[int, OpenCall | None]


@dataclass(frozen=True)
class _Checkpoint:
    """The registers at a time, and the calls that were going on."""

    time: int
    registers: bytes
    calls: _Calls


class Timeline:
    """The past of a Cpu's run, from time 0, when this is made.

    `time` is where it is, `end` the latest time that it has been at. `path` are the instructions that were executed
    before `time`. `passed` is the stop that the last instruction has made, though it was executed: that of a
    system call. `calls` are those that are going on.
    """

    def __init__(
        self,
        cpu: Cpu,
        guest: SessionGuest,
        stretches: Callable[[], Stretches | None],
        pace: Pace | None = None,
        threads: SessionThreads | None = None,
    ) -> None:
        """`stretches` gives what executes them, None where nothing does. It is called when they are first needed.
        `threads`: those that the guest may have."""
        self.cpu = cpu
        self.guest = guest
        self.time = 0
        self.end = 0
        self.path = Path()
        self.passed: Stop | None = None
        self.calls = CallStack(cpu.sp, self._follows_call)
        self._threads = threads
        self._calls_of_others: Mapping[int, OpenCall | None] = {}
        self._pace = pace or Pace()
        self._make_stretches = stretches
        self._stretches: Stretches | None = None
        self._wait = self._pace.first
        self._patience = 0
        self._stepper = Stepper(Run(cpu, Limits()), guest)
        self._checkpoints: list[_Checkpoint] = []
        self._events: dict[int, _Event] = {}
        self._event_times: list[int] = []
        self._edits: dict[int, _Event] = {}
        self._state = ctypes.addressof(cpu.state)
        self._before = ctypes.create_string_buffer(_SIZE)
        self._known = cpu.save()
        self._keep()

    # -- forwards -----------------------------------------------------------------------------------------------------
    def begin(self, until: int | None = None) -> None:
        """A run begins that ends at an address. It has the limits of this thread, but for what was executed before."""
        self._take_edit()
        self._stepper.run = Run(self.cpu, Limits(until=until))

    def over(self) -> Stop | None:
        """The stop that is due before the next instruction, such as the end of a limit."""
        run = self._stepper.run
        run.once_more = self.time < self.end
        return run.over()

    def skip(self, stops: frozenset[int] = frozenset(), most: int | None = None, depth: int = 0) -> int:
        """Execute a stretch, if that is worth it; how many instructions it was, 0 for none.

        It ends before the addresses in `stops`, and where the host does something or watched bytes are accessed; after
        `most` instructions; and where fewer than `depth` calls are going on. All is as before when this raises.
        """
        pace, time = self._pace, self.time
        room = pace.most if most is None else min(most, pace.most)
        is_again = time < self.end
        if self._threads is not None and not is_again:
            turn = self._threads.room(time)
            room = room if turn is None else min(room, turn)
        if is_again:
            event = bisect_left(self._event_times, time)
            nearest = (self.end, *self._event_times[event : event + 1], *(at for at in self._edits if at > time))
            room = min(room, min(nearest) - time)
        is_worth_it = self._wait <= 0 and room >= max(pace.least, 1)
        if not is_worth_it or self.guest.access is not None or self.cpu.pc in stops:
            return 0
        if self._stretches is None:
            self._stretches = self._make_stretches()
            if self._stretches is None:
                self._wait = _NEVER
                return 0
        self.guest.time = time
        executed = self._skip(self._stretches, room, stops, depth)
        self._stepper.run.executed += executed
        # A stretch costs as much as some hundred instructions.
        self._patience = 0 if executed >= pace.least else min(2 * self._patience + pace.least // 10, pace.first)
        self._wait = self._patience
        return executed

    def _skip(self, stretches: Stretches, room: int, stops: frozenset[int], depth: int) -> int:
        """Execute a stretch, and note it."""
        time, end, call, logged = self.time, self.end, self.calls.innermost, len(self.guest.log)
        try:
            stretch = stretches.run(time, room, stops, once_more=time < end)
            cut = self.calls.follow(stretch.leaves.each(), depth) if stretch is not None else None
            if stretch is not None and cut is not None and cut < stretch.end:
                # It was to end earlier.
                stretches.undo(stretch)
                self.calls.innermost = call
                stretch = stretches.run(time, cut - time, stops, once_more=time < end)
                if stretch is not None:
                    self.calls.follow(stretch.leaves.each())
            if stretch is None:
                return 0
            self._take(stretch)
            stretches.pending = None
            return stretch.end - time
        except BaseException:
            # Also Ctrl-C at any moment.
            if stretches.pending is not None:
                stretches.undo(stretches.pending)
            self.time, self.end, self.calls.innermost = time, end, call
            self.guest.log.cut(logged)
            self.path.cut(time)
            raise

    def _take(self, stretch: Stretch) -> None:
        """Note what was executed in a stretch."""
        self.passed = None
        self.guest.log.extend(stretch.stores)
        self.guest.use_pages(stretch.pages)
        self.path.extend(stretch.path)
        self.end = max(self.end, stretch.end)
        kept = self._checkpoints
        # A stretch is undone as a whole.
        del kept[bisect_right(kept, stretch.begin, key=_time_of) : bisect_left(kept, stretch.end, key=_time_of)]
        self._arrive(stretch.end)

    def skip_to(self, time: int, stops: frozenset[int] = frozenset()) -> int:
        """Execute a stretch on the way to a time that is far; how many instructions it was, 0 for none."""
        return self.skip(stops, time - self.time - self._pace.near)

    def forward(self) -> Stop | None:
        """Execute one instruction; the stop, if it can't be executed. Then the time and the registers are as before.

        Raises what a function of Python raises that the guest calls, and WatchHit before an access to watched bytes;
        all is as before then, too.
        """
        time, guest, state = self.time, self.guest, self.cpu.state
        pc = int(state.pc)
        self._wait -= 1
        self._stepper.run.once_more = time < self.end
        guest.time, guest.word = time, 0
        ctypes.memmove(self._before, self._state, _SIZE)
        logged, calls = len(guest.log), self._calls()
        self.passed = None
        try:
            event = self._events.get(time)
            if event is not None:
                if guest.mappings is not None:
                    guest.mappings.redo(time)
                self._apply(event)
                guest.word = event.word
            else:
                stop = self._execute(time, pc, logged)
                if stop is not None:
                    ctypes.memmove(self._state, self._before, _SIZE)
                    guest.undo(time)
                    return self._with_edit(stop)
            self._leave(time + 1, pc)
            self.path.append(pc)
            self._arrive(time + 1)
        except BaseException:
            # Also Ctrl-C at any moment.
            self.time = time
            self.path.cut(time)
            self._set_calls(calls)
            ctypes.memmove(self._state, self._before, _SIZE)
            guest.undo(time)
            self._redo_edit(time)
            raise
        return None

    def _leave(self, time: int, pc: int) -> None:
        """The instruction at an address was executed, and the pc may be elsewhere."""
        state, threads = self.cpu.state, self._threads
        if threads is not None and threads.number(time - 1) != threads.number(time):
            self._other_thread(threads, time, pc)
        elif state.pc != pc + 4:
            self.calls.leave(time, transfer(self.guest.word), pc, int(state.pc), int(state.sp))

    def _other_thread(self, threads: SessionThreads, time: int, pc: int) -> None:
        """Follow a change of threads. The instruction before it may have been a call or a return."""
        before, now = threads.number(time - 1), threads.number(time)
        calls = dict(self._calls_of_others)
        standing = threads.standing(time).get(before)
        if standing is not None:
            left = standing.state
            if left.pc != pc + 4:
                self.calls.leave(time, transfer(self.guest.word), pc, int(left.pc), int(left.sp))
            calls[before] = self.calls.innermost
        self.calls.innermost = calls.pop(now, None)
        self._calls_of_others = calls

    def _calls(self) -> _Calls:
        return _Calls(self.calls.innermost, self._calls_of_others)

    def _set_calls(self, calls: _Calls) -> None:
        self.calls.innermost, self._calls_of_others = calls.innermost, calls.others

    def calls_of(self, thread: int) -> CallStack:
        """The open calls of a thread that doesn't run."""
        calls = CallStack(self.cpu.sp, self._follows_call)
        calls.innermost = self._calls_of_others.get(thread)
        return calls

    def _follows_call(self, address: int) -> bool:
        word = self.guest.guest.fetch(address - 4)
        return word is not None and transfer(word) is Transfer.CALL

    def forward_once_more(self) -> None:
        """Execute an instruction that was executed before. Raises Error: it can't be now; and as `forward` does."""
        if self.forward() is not None:
            raise Error(f"time {self.time} can't be left once more: has another thread changed the memory?")

    def _with_edit(self, stop: Stop) -> Stop:
        self._redo_edit(self.time)
        return stop

    def _redo_edit(self, time: int) -> None:
        """What was changed by hand at this time was undone with the instruction."""
        if time in self._edits:
            self._apply(self._edits[time])

    def _execute(self, time: int, pc: int, logged: int) -> Stop | None:
        guest = self.guest
        guest.is_external = False
        stop = self._stepper.step()
        if stop is not None and int(self.cpu.state.pc) == pc:
            return stop
        self.passed = stop
        if guest.guest.registers_redirected(self.cpu):
            guest.is_external = True
        if self._threads is not None and time == self.end and self._threads.preempt(time):
            guest.is_external = True
        if guest.is_external and time < self.end:
            # A hook or a function of Python that wasn't there the first time.
            self._forget(time)
        if time == self.end:
            if guest.is_external or reads_clock(guest.word):
                self._events[time] = self._happened(logged)
                self._event_times.append(time)
            self.end = time + 1
        return None

    def _happened(self, logged: int) -> _Event:
        """The registers now, and what was written since the log had so many entries."""
        written = self.guest.log.written_since(logged)
        peek = self.guest.guest.peek
        after = self.cpu.save()
        memory = tuple((address, peek(address, len(data))) for address, data in written)
        return _Event(after, memory, _different(self._before.raw, after), self.guest.word)

    def last_external(self, register: str) -> int:
        """The time of the last instruction before now for which the host has changed a register; -1 without one."""
        times = (at for at, event in self._events.items() if at < self.time and register in event.changed)
        return max(times, default=-1)

    def _apply(self, event: _Event) -> None:
        for address, data in event.memory:
            self.guest.write(address, data)
        self.cpu.restore(event.registers)

    def _arrive(self, time: int) -> None:
        self.time = self.guest.time = time
        self._keep()
        edit = self._edits.get(time)
        if edit is not None:
            self._apply(edit)

    def _keep(self) -> None:
        """Keep the registers, if the last kept ones are far."""
        kept = self._checkpoints
        at = bisect_right(kept, self.time, key=_time_of)
        before = kept[at - 1].time if at else -1
        if not kept or self.time - before >= INTERVAL:
            kept.insert(at, _Checkpoint(self.time, self.cpu.save(), self._calls()))

    def close(self) -> None:
        """No stretches follow any more."""
        self._wait = _NEVER
        if self._stretches is not None:
            self._stretches.close()
            self._stretches = None

    # -- back ---------------------------------------------------------------------------------------------------------
    def back_to(self, time: int) -> None:
        """Go to an earlier time, 0 at the earliest. Raises Error: memory of then isn't mapped any more."""
        self.begin()
        time = max(time, 0)
        checkpoint = self._checkpoints[bisect_right(self._checkpoints, time, key=_time_of) - 1]
        guest = self.guest
        try:
            guest.undo(checkpoint.time)
        except AccessError as error:
            raise Error(
                f"can't go back to time {time}: what was in memory at 0x{error.address:x} can't be put back,"
                " since it is unmapped or read-only now"
            ) from None
        self.time = guest.time = checkpoint.time
        self.path.cut(checkpoint.time)
        self.cpu.restore(checkpoint.registers)
        self._set_calls(checkpoint.calls)
        edit = self._edits.get(self.time)
        if edit is not None:
            self._apply(edit)
        watched, guest.watched = guest.watched, ()
        try:
            while self.time < time:
                if not self.skip_to(time):
                    self.forward_once_more()
        finally:
            guest.watched = watched
        self.settle()

    # -- changes by hand ----------------------------------------------------------------------------------------------
    def settle(self) -> None:
        """The registers are those of the run: what they become until the next operation is a change by hand."""
        self._known = self.cpu.save()

    def _take_edit(self) -> None:
        if self.cpu.save() != self._known:
            self._edited(())
            self.settle()

    def write(self, address: int, data: bytes) -> None:
        """Change memory by hand. Raises AccessError."""
        self._take_edit()
        self.guest.time = self.time
        self.guest.write(address, data)
        self._edited(((address, data),))

    def _edited(self, memory: tuple[tuple[int, bytes], ...]) -> None:
        """Keep what was changed now, and forget what was known of later times."""
        time = self.time
        earlier = self._edits.get(time)
        self._edits[time] = _Event(self.cpu.save(), (*(earlier.memory if earlier else ()), *memory))
        self._forget(time)

    def _forget(self, time: int) -> None:
        """What was recorded from a time on isn't true any more."""
        self._events = {at: event for at, event in self._events.items() if at < time}
        self._event_times = list(self._events)
        self._edits = {at: edit for at, edit in self._edits.items() if at <= time}
        if self._threads is not None:
            self._threads.forget(time)
        if self.guest.mappings is not None:
            self.guest.mappings.forget()
        del self._checkpoints[bisect_right(self._checkpoints, time, key=_time_of) :]
        self.end = time


def _time_of(checkpoint: _Checkpoint) -> int:
    return checkpoint.time


def _different(before: bytes, after: bytes) -> frozenset[str]:
    """The names of the registers that differ in two states; flags are "nzcv"."""
    names = set()
    for register in REGISTERS.values():
        begin, end = register.offset, register.offset + register.size
        if register.kind is not Kind.COUNTER and before[begin:end] != after[begin:end]:
            names.add("nzcv" if register.kind is Kind.FLAG else register.name)
    return frozenset(names)
