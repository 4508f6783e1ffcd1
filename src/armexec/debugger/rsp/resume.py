"""Packets that let the guest go on: vCont, c, s, bc, bs, and those that end the connection: D, k, vKill."""

from __future__ import annotations

import asyncio

from armexec.cpu.stop import Stop, StopReason
from armexec.debugger.past.backwards import search_back
from armexec.debugger.rsp.commands import command
from armexec.debugger.rsp.registers import expedited
from armexec.debugger.rsp.state import State
from armexec.debugger.rsp.thread_ids import identifier, meant, numbers, running
from armexec.debugger.session_guest import WatchHit

__all__ = ["stopped"]

_TRAP, _INTERRUPT, _ILLEGAL, _ABORT, _SEGMENT, _TIME = 5, 2, 4, 6, 11, 24
_SIGNALS = {
    StopReason.FAULT: _SEGMENT,
    StopReason.UNDEFINED: _ILLEGAL,
    StopReason.INTERRUPTED: _INTERRUPT,
    StopReason.TIME_LIMIT: _TIME,
    StopReason.INSTRUCTION_LIMIT: _TIME,
}
_WATCHES = {"w": b"watch", "r": b"rwatch", "rw": b"awatch"}
_BETWEEN = 1024
"""Instructions between two looks for Ctrl-C."""


def stopped(state: State, signal: int = _TRAP, why: bytes = b"") -> bytes:
    """The packet of a stop, which is kept for `?`."""
    state.thread = 0
    state.stop = b"T%02xthread:%s;" % (signal, identifier(running(state))) + why + expedited(state)
    return state.stop


def _ended(state: State) -> bytes:
    """The packet of the end."""
    status = getattr(state.session.result, "status", 0)
    signal = getattr(state.session.result, "signal", 0)
    state.stop = b"X%02x" % signal if signal else b"W%02x" % (status & 0xFF)
    return state.stop


@command("?")
def why(state: State, rest: bytes) -> bytes:
    return state.stop or stopped(state)


@command("vCont?")
def actions(state: State, rest: bytes) -> bytes:
    return b"vCont;c;C;s;S;r"


@command("vCont")
async def resume(state: State, rest: bytes) -> bytes:
    action, _, name = rest.lstrip(b";").partition(b";")[0].partition(b":")
    thread = meant(state, name)
    if thread is None:
        return b"E01"
    if action[:1] in (b"s", b"S"):
        return await _forwards(state, 1, None, thread)
    if action[:1] == b"r":
        begin, _, end = action[1:].partition(b",")
        try:
            return await _forwards(state, None, (int(begin, 16), int(end, 16)), thread)
        except ValueError:
            return b"E01"
    return await _forwards(state) if action[:1] in (b"c", b"C") else b""


@command("c", "C")
async def go_on(state: State, rest: bytes) -> bytes:
    return await _forwards(state)


@command("s", "S")
async def step(state: State, rest: bytes) -> bytes:
    return await _forwards(state, 1, None, running(state))


async def _forwards(
    state: State, count: int | None = None, within: tuple[int, int] | None = None, thread: int | None = None
) -> bytes:
    """Go on until something stops it; with a thread, by `count` instructions of it, or as long as its pc is `within` a
    range.

    Where others have their turn meanwhile, they go on as they do without a debugger.
    """
    session = state.session
    timeline = session.timeline
    timeline.begin(session.target.leave)
    executed = looks = 0
    try:
        while True:
            pc = session.cpu.pc
            if looks and pc in state.breakpoints:
                return stopped(state, why=b"swbreak:;")
            over = timeline.over()
            if over is not None and over.reason is StopReason.UNTIL:
                session.target.finish()
                return _ended(state)
            if over is not None:
                return stopped(state, _SIGNALS.get(over.reason, _TRAP))
            is_its_turn = thread is None or running(state) == thread
            if thread is not None and thread not in numbers(state):
                # It has ended.
                return stopped(state)
            has_left = within is not None and not within[0] <= pc < within[1]
            if executed and is_its_turn and (executed == count or has_left):
                return stopped(state)
            goes_far = thread is None or not is_its_turn
            skipped = timeline.skip(session.ends | state.breakpoints) if goes_far else 0
            if not skipped:
                try:
                    stop = session.forward()
                except WatchHit as hit:
                    return stopped(state, why=_access(hit))
                if stop is not None:
                    return _fault(state, stop)
            looks += skipped or 1
            executed += (skipped or 1) if is_its_turn else 0
            if skipped or looks % _BETWEEN == 0:
                await asyncio.sleep(0)
                if state.interrupted.is_set():
                    state.interrupted.clear()
                    return stopped(state, _INTERRUPT)
    except Exception as error:
        # A function of Python has raised it; it is raised once more when the call goes on without a debugger.
        state.tell(f"{type(error).__name__}: {error}\n")
        return stopped(state, _ABORT)
    finally:
        timeline.settle()


def _fault(state: State, stop: Stop) -> bytes:
    if state.session.error is not None:
        state.tell(f"{state.session.error}\n")
    return stopped(state, _SIGNALS.get(stop.reason, _TRAP))


def _access(hit: WatchHit) -> bytes:
    return b"%s:%x;" % (_WATCHES[hit.watched.kinds], hit.address)


@command("bs")
def step_back(state: State, rest: bytes) -> bytes:
    if state.session.time == 0:
        return stopped(state, why=b"replaylog:begin;")
    state.session.back()
    return stopped(state)


@command("bc")
async def go_back(state: State, rest: bytes) -> bytes:
    session = state.session

    def stop() -> bytes | None:
        return b"swbreak:;" if session.cpu.pc in state.breakpoints else None

    for found in search_back(session.timeline, session.goto, state.breakpoints, stop, _access):
        if found is not None:
            return stopped(state, why=found)
        await asyncio.sleep(0)
        if state.interrupted.is_set():
            state.interrupted.clear()
            return stopped(state, _INTERRUPT)
    return stopped(state, why=b"replaylog:begin;")


@command("D")
def detach(state: State, rest: bytes) -> bytes:
    state.is_over = state.detached = True
    return b"OK"


@command("k")
def kill(state: State, rest: bytes) -> None:
    state.is_over = state.killed = True


@command("vKill")
def kill_process(state: State, rest: bytes) -> bytes:
    state.is_over = state.killed = True
    return b"OK"
