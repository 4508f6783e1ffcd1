"""The calls that are going on, in sessions and in traces, which agree: also where several end at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import armexec
from armexec.debugger.open import target_of
from armexec.debugger.past.timeline import Pace
from armexec.debugger.session import Session
from armexec.engines.observed import Policy
from armexec.tracing.open import trace_of
from program.guest import needs_c, needs_cxx

PACES = (Pace(first=1 << 60), Pace(first=0, least=1, near=0))
FLAGS = "-fno-optimize-sibling-calls"
SOON = Policy(hot=1, very_hot=5)

LONGJMP = """
#include <setjmp.h>
static jmp_buf out;
volatile int seen;
__attribute__((noinline)) void mark(int n) { seen = n; }
__attribute__((noinline)) static void deep(int n) { if (!n) { mark(1); longjmp(out, 1); } deep(n - 1); mark(9); }
__attribute__((noinline)) static void caught(int n) {
    if (!setjmp(out)) { deep(n); } else { mark(2); }
    mark(3);
}
__attribute__((noinline)) static void same(void) {
    volatile int again = 0;
    if (!setjmp(out)) mark(4); else again++;
    if (again < 3) longjmp(out, 1);
    mark(5);
}
int main(void) { for (int i = 0; i < 3; i++) caught(i); same(); mark(6); return 0; }
"""
"""Nothing is said of frames within the library."""
OF_LONGJMP = [
    *(
        frames
        for n in range(3)
        for frames in (
            ["mark", *["deep"] * (n + 1), "caught", "main"],
            ["mark", "caught", "main"],
            ["mark", "caught", "main"],
        )
    ),
    ["mark", "same", "main"],
    ["mark", "same", "main"],
    ["mark", "main"],
]

THROWN = """
volatile int seen;
extern "C" __attribute__((noinline)) void mark(int n) { seen = n; }
struct Guard { ~Guard() { mark(7); } };
extern "C" __attribute__((noinline)) void deep(int n) { if (!n) throw 5; Guard g; deep(n - 1); mark(8); }
extern "C" __attribute__((noinline)) void outer(int n) {
    if (n) { outer(n - 1); mark(9); return; }
    try { deep(2); } catch (int e) { mark(e); }
    mark(1);
}
int main() { outer(2); try { outer(0); throw 1; } catch (...) { mark(2); } mark(3); return 0; }
"""
OF_THROWN = [
    ["mark", "deep", "deep", "outer", "outer", "outer", "main"],
    ["mark", "deep", "outer", "outer", "outer", "main"],
    ["mark", "outer", "outer", "outer", "main"],
    ["mark", "outer", "outer", "outer", "main"],
    ["mark", "outer", "outer", "main"],
    ["mark", "outer", "main"],
    ["mark", "deep", "deep", "outer", "main"],
    ["mark", "deep", "outer", "main"],
    ["mark", "outer", "main"],
    ["mark", "outer", "main"],
    ["mark", "main"],
    ["mark", "main"],
]

ASSEMBLY = """
.globl main, mark, leaf, tail, across, popping, jumping, recursive
.type main, %function
.type mark, %function
.type leaf, %function
.type tail, %function
.type across, %function
.type popping, %function
.type jumping, %function
.type recursive, %function
mark:
    ret
leaf:
    br x30
tail:
    b mark
across:
    adr x9, mark
    br x9
popping:
    add sp, sp, #16
    ret
jumping:
    adr x9, 1f
    mov x10, x30
    mov x30, x9
    ret
    nop
1:  ret x10
recursive:
    stp x29, x30, [sp, #-16]!
    cbz x0, 2f
    sub x0, x0, #1
    bl recursive
2:  bl mark
    ldp x29, x30, [sp], #16
    br x30
main:
    stp x29, x30, [sp, #-16]!
    bl mark
    bl leaf
    bl mark
    bl tail
    bl across
    sub sp, sp, #16
    bl popping
    bl mark
    bl jumping
    bl mark
    bl 1f
1:  mov x0, #2
    bl recursive
    bl mark
    mov x0, #0
    ldp x29, x30, [sp], #16
    br x30
"""
OF_ASSEMBLY = [
    ["mark", "main"],
    ["mark", "main"],
    # What was jumped to is in the place of what has jumped.
    ["mark", "main"],
    ["mark", "main"],
    ["mark", "main"],
    ["mark", "main"],
    ["mark", *["recursive"] * 3, "main"],
    ["mark", *["recursive"] * 2, "main"],
    ["mark", "recursive", "main"],
    ["mark", "main"],
]


def _in_session(opened: Any, pace: Pace | None, policy: Policy | None = SOON) -> tuple[list[list[str]], list[int]]:
    """The functions that are running at each beginning of `mark`, up to main, and when that is."""
    found, times = [], []
    with Session(opened, pace=pace, policy=policy) as session:
        session.breakpoints.add("mark")
        while not session.finished:
            session.run()
            if not session.finished:
                names = [frame.place.function or frame.place.symbol.partition("+")[0] for frame in session.backtrace]
                found.append(_named(names))
                times.append(session.time)
        # Back and forth there are the same ones.
        for at in (len(times) // 2, 0, len(times) - 1):
            session.goto(times[at])
            names = [frame.place.function or frame.place.symbol.partition("+")[0] for frame in session.backtrace]
            assert _named(names) == found[at]
    return found, times


def _named(names: list[str]) -> list[str]:
    """Those of the program, and nothing of the library."""
    short = [name.partition("(")[0] for name in names]
    upto = short[: short.index("main") + 1]
    own = {"mark", "deep", "caught", "same", "outer", "main", "leaf", "tail", "across", "recursive"}
    return [name for name in upto if name in own]


def _in_trace(opened: Any, fast: bool, times: list[int], path: Path) -> list[list[str]]:
    trace = trace_of(opened, fast=fast)
    opened.close()
    trace.save(path)
    events = [event for event in json.loads(path.read_text())["traceEvents"] if event["ph"] in "BE"]
    stack: list[str] = []
    found = []
    at = 0
    for time in times:
        while at < len(events) and events[at]["ts"] <= time:
            if events[at]["ph"] == "B":
                stack.append(events[at]["name"])
            else:
                stack.pop()
            at += 1
        found.append(_named(stack[::-1]))
    return found


def _check(expected: list[list[str]], tmp_path: Path, source: str, language: str) -> None:
    def opened() -> Any:
        return target_of(source, language=language, opt="-O1", flags=FLAGS)

    for pace in PACES:
        frames, times = _in_session(opened(), pace)
        assert frames == expected
    for fast in (True, False):
        assert _in_trace(opened(), fast, times, tmp_path / "t.json") == expected


@needs_c
def test_longjmp(tmp_path: Path) -> None:
    _check(OF_LONGJMP, tmp_path, LONGJMP, "c")


@pytest.mark.slow
@needs_cxx
def test_exceptions(tmp_path: Path) -> None:
    def opened() -> Any:
        return target_of(THROWN, language="c++", opt="-O1", flags=FLAGS)

    frames, times = _in_session(opened(), None, None)
    assert frames == OF_THROWN
    assert _in_trace(opened(), True, times, tmp_path / "t.json") == OF_THROWN


@needs_cxx
@pytest.mark.long
def test_exceptions_one_by_one(tmp_path: Path) -> None:
    _check(OF_THROWN, tmp_path, THROWN, "c++")


@pytest.fixture
def assembly(tmp_path: Path) -> str:
    path = tmp_path / "calls.s"
    path.write_text(ASSEMBLY)
    return str(path)


def test_jumps_and_returns_of_assembly(assembly: str, tmp_path: Path) -> None:
    for pace in PACES:
        frames, times = _in_session(target_of(assembly), pace)
        assert frames == OF_ASSEMBLY
    for fast in (True, False):
        found = _in_trace(target_of(assembly), fast, times, tmp_path / "t.json")
        # A trace names what was called, and not what that has jumped to.
        assert [names[1:] for names in found] == [n[1:] for n in OF_ASSEMBLY]


@needs_c
@pytest.mark.parametrize("pace", PACES)
def test_finish_and_next_end_where_a_frame_is_left(pace: Pace) -> None:
    with Session(target_of(LONGJMP, language="c", opt="-O1", flags=FLAGS), pace=pace, policy=SOON) as session:
        session.run("mark")
        assert [frame.place.function for frame in session.backtrace][:2] == ["mark", "deep"]
        session.finish()
        assert session.place.function == "deep"
        # It is left by longjmp.
        session.finish()
        assert session.place.function == "caught"
        session.goto(0)
        session.run("deep")
        assert len(_named([frame.place.function for frame in session.backtrace])) == 3
        session.run("longjmp")
        session.finish()
        assert session.place.function == "caught"


def test_calls_are_counted_as_they_are_seen(assembly: str, tmp_path: Path) -> None:
    trace = armexec.trace(assembly)
    trace.save(tmp_path / "t.callgrind")
    # Eleven of main, and five of recursive.
    calls = [line for line in (tmp_path / "t.callgrind").read_text().splitlines() if line.startswith("calls=")]
    assert sum(int(line.split("=")[1].split()[0]) for line in calls) == 16
