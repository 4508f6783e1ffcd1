"""The run of a target to its end, recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from armexec.cpu.cpu import Cpu, Limits
from armexec.cpu.stop import Stop, StopReason
from armexec.debugger.fast.blocks import Blocks
from armexec.debugger.guest_threads import PROCESS, TURN
from armexec.debugger.session_guest import DebuggedGuest
from armexec.debugger.target import Target
from armexec.engines.observed import Policy, unavailable
from armexec.engines.recorded.records import RecordedGuest, Recorder
from armexec.engines.recorded.traced import Interpreted
from armexec.engines.stepping import Run
from armexec.tracing.turns import Turns

__all__ = ["End", "run_recorded"]


_TURN = 4
"""Runs of blocks after which another thread of the guest goes on."""


@dataclass
class End:
    """How a recorded run ended. `stop`: None where a function of Python has raised `error`. `pcs`: where each thread
    was."""

    stop: Stop | None
    error: BaseException | None = None
    result: Any = None
    pcs: dict[int, int] = field(default_factory=dict)


class _Guest:
    """A guest that a target asks what time it is, and that notes which of its threads runs."""

    def __init__(self, target: Target, run: Run, turns: Turns, turn: int) -> None:
        self._target = target
        self._run = run
        self._turns = turns
        self._turn = turn
        guest: DebuggedGuest = target.guest.guest
        self.fetch = guest.fetch
        self.read_as_guest = guest.read_as_guest
        self.overwritten = guest.overwritten
        self.write_as_guest = guest.write_as_guest
        self.invalidate = guest.invalidate
        self.hooked = guest.hooked
        self.call_hooks = guest.call_hooks
        self.is_host_function = guest.is_host_function
        self.call_host_function = guest.call_host_function
        self.call_access_hooks = guest.call_access_hooks
        self._redirected = guest.registers_redirected

    def registers_redirected(self, cpu: Cpu) -> bool:
        # It rises from one call to the next, which is all that matters.
        guest, threads = self._target.guest, self._target.threads
        guest.time += 1
        redirected = self._redirected(cpu)
        if threads is not None:
            redirected = redirected or threads.preempt(guest.time - 1, self._turn)
            self._turns.note(self._run.executed, threads.number(guest.time), cpu.sp)
        return redirected


def run_recorded(
    target: Target,
    recorder: Recorder,
    limit: int | None,
    turns: Turns,
    *,
    fast: bool | None = None,
    policy: Policy | None = None,
) -> End:
    """Run a target to its end, to what it can't do, or until `limit` instructions were executed.

    Args:
        turns: where the turns of its threads are noted.
        fast: by blocks that record what they do, instead of by the interpreter; None: where the engine isn't
            "reference", and the host can translate.
        policy: when blocks are made.

    Raises what ends the run from outside, such as KeyboardInterrupt.
    """
    cpu = target.cpu
    run = Run(cpu, Limits(until=target.leave, instructions=limit))
    try:
        with _runner(target, recorder, turns, fast, policy) as execute:
            stop = execute(run)
    except Exception as error:
        return End(None, error, None, _pcs(target))
    finally:
        recorder.flush()
    pcs = _pcs(target)
    if stop.reason is StopReason.UNTIL:
        target.finish()
        returned = Stop(StopReason.RETURNED, stop.pc, stop.address, instructions=stop.instructions)
        return End(returned, None, target.result(cpu), pcs)
    return End(stop, target.error(stop), None, pcs)


def _pcs(target: Target) -> dict[int, int]:
    """Where each thread is."""
    threads = target.threads
    if threads is None:
        return {PROCESS: target.cpu.pc}
    now = target.guest.time
    running = threads.number(now)
    standing = threads.standing(now).items()
    return {number: target.cpu.pc if number == running else int(each.state.pc) for number, each in standing}


@contextmanager
def _runner(
    target: Target, recorder: Recorder, turns: Turns, fast: bool | None, policy: Policy | None
) -> Iterator[Callable[[Run], Stop]]:
    """What runs it."""
    if not (target.engine != "reference" if fast is None else fast) or (fast is None and unavailable()):
        yield lambda run: Interpreted(recorder).trace(RecordedGuest(_Guest(target, run, turns, TURN)), run)
        return
    blocks = Blocks(target, recorder, policy)
    try:
        yield lambda run: blocks.traced.trace(RecordedGuest(_Guest(target, run, turns, _TURN), blocks.accessed), run)
    finally:
        blocks.close()
