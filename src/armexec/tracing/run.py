"""The run of a target to its end, recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from armexec.cpu.cpu import Cpu, Limits
from armexec.cpu.stop import Stop, StopReason
from armexec.debugger.fast.blocks import Blocks
from armexec.debugger.guest_threads import TURN
from armexec.debugger.recorded_guest import DebuggedGuest
from armexec.debugger.target import Target
from armexec.engines.observed import Policy, unavailable
from armexec.engines.recorded.records import RecordedGuest, Recorder
from armexec.engines.recorded.traced import Interpreted
from armexec.engines.stepping import Run

__all__ = ["End", "run_recorded"]


_TURN = 4
"""Runs of blocks after which another thread of the guest goes on."""


@dataclass
class End:
    """How a recorded run ended. `stop`: None where a function of Python has raised `error`."""

    stop: Stop | None
    error: BaseException | None = None
    result: Any = None


class _Guest:
    """A guest that a target asks what time it is."""

    def __init__(self, target: Target, turn: int) -> None:
        self._target = target
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
        return self._redirected(cpu) or (threads is not None and threads.preempt(guest.time - 1, self._turn))


def run_recorded(
    target: Target, recorder: Recorder, limit: int | None, *, fast: bool | None = None, policy: Policy | None = None
) -> End:
    """Run a target to its end, to what it can't do, or until `limit` instructions were executed.

    Args:
        fast: by blocks that record what they do, instead of by the interpreter; None: where the engine isn't
            "reference", and the host can translate.
        policy: when blocks are made.

    Raises what ends the run from outside, such as KeyboardInterrupt.
    """
    cpu = target.cpu
    limits = Limits(until=target.leave, instructions=limit)
    try:
        with _runner(target, recorder, fast, policy) as run:
            stop = run(limits)
    except Exception as error:
        return End(None, error)
    finally:
        recorder.flush()
    if stop.reason is StopReason.UNTIL:
        target.finish()
        returned = Stop(StopReason.RETURNED, stop.pc, stop.address, instructions=stop.instructions)
        return End(returned, None, target.result(cpu))
    return End(stop, target.error(stop))


@contextmanager
def _runner(
    target: Target, recorder: Recorder, fast: bool | None, policy: Policy | None
) -> Iterator[Callable[[Limits], Stop]]:
    """What runs it."""
    cpu = target.cpu
    if not (target.engine != "reference" if fast is None else fast) or (fast is None and unavailable()):
        one_by_one = RecordedGuest(_Guest(target, TURN))
        yield lambda limits: Interpreted(recorder).run(one_by_one, cpu, limits)
        return
    blocks = Blocks(target, recorder, policy)
    guest = RecordedGuest(_Guest(target, _TURN), blocks.accessed)
    try:
        yield lambda limits: blocks.traced.trace(guest, Run(cpu, limits))
    finally:
        blocks.close()
