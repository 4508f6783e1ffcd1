"""A recording, and what is asked of it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

import armexec
from armexec.explorer.runs.moves import go, last_write, look
from armexec.explorer.runs.recording import PART, SLOTS, registers_of
from armexec.explorer.runs.run import Run
from armexec.libraries.archives import library_files

from .recorded import begun, of_example


def state_at(run: Run, time: int) -> list[int]:
    """The registers as the page computes them."""
    part = run.recording.part(min(time // PART, len(run.recording.parts)))
    state = [int(value, 16) for value in part["registers"]]
    for changed, *_ in part["steps"][: time - part["begin"]]:
        for slot, value in zip(changed[::2], changed[1::2], strict=True):
            state[slot] = int(value, 16)
    return state


@pytest.mark.parametrize("title", ["Recursion and its stack", "Vector lanes in assembly", "Sorting an array"])
def test_registers_are_those_of_the_session_at_every_time(title: str) -> None:
    run = of_example(title)
    assert run.session.finished
    for time in reversed(range(run.recording.end + 1)):
        run.session.goto(time)
        assert state_at(run, time) == registers_of(run.session.cpu.save())


def test_slots_are_named() -> None:
    space = armexec.AddressSpace()
    cpu = armexec.Cpu(space)
    cpu.x[3], cpu.sp, cpu.pc, cpu.nzcv = 7, 0x1000, 0x2000, 0b1010
    cpu.v[5] = 9 << 64 | 4
    found = dict(zip(SLOTS, registers_of(cpu.save()), strict=True))
    expected = {"x3": 7, "sp": 0x1000, "pc": 0x2000, "nzcv": 0b1010, "v5": 9 << 64 | 4}
    assert {name: value for name, value in found.items() if value and name in expected} == expected


def test_parts_join_without_a_gap() -> None:
    run = begun("int f(int n) { int s = 0; while (n) s += n--; return s; }", arguments=["300"])
    end = run.recording.end
    assert end > 3 * PART
    parts = [run.recording.part(index) for index in range(end // PART + 1)]
    assert [part["begin"] for part in parts] == list(range(0, end + 1, PART))
    assert sum(len(part["pcs"]) for part in parts) == end
    assert [run.base + pc for part in parts for pc in part["pcs"]] == list(run.recording.pcs)
    for before, after in pairwise(parts):
        assert state_at(run, after["begin"]) == [int(value, 16) for value in after["registers"]]
        assert len(before["pcs"]) == PART
    assert run.recording.part(len(parts)) is None
    assert run.recording.part(-1) is None


def test_changes_of_memory_are_told() -> None:
    run = of_example("Sorting an array")
    written = [step[1] for part in [run.recording.part(0)] for step in part["steps"] if len(step) > 1]
    assert written
    array = int(run.recording.part(0)["registers"][0], 16)
    assert {int(address, 16) for memory in written for address in memory[::3]} <= set(range(array, array + 16, 4))
    assert run.summary()["result"]["written"] == {"values": "[1, 2, 5, 9]"}


def test_a_bug_is_found_backwards() -> None:
    run = of_example("A bug, found backwards")
    end = run.recording.end
    assert run.summary()["result"]["text"] == "10"
    time = last_write(run, {"time": end, "register": "x0"})["time"]
    sp = int(state_at(run, time)[SLOTS.index("sp")])
    time = last_write(run, {"time": time, "address": f"{sp + 28:x}", "size": 4})["time"]
    frames = look(run, {"time": time, "ranges": []})["frames"]
    assert [(frame["name"], frame["line"]) for frame in frames] == [("add", 11), ("kept", 22)]
    # The frames lie one above the other.
    assert frames[0]["high"] == frames[1]["low"]
    assert int(frames[0]["low"], 16) < int(frames[0]["high"], 16) < int(frames[1]["high"], 16)
    assert last_write(run, {"time": 0, "register": "x0"})["time"] is None


def test_memory_at_a_time_and_what_cant_be_read() -> None:
    run = begun("int f(int n) { volatile int a = n; a = 2 * n; return a; }", arguments=["21"])
    entry = state_at(run, 0)[SLOTS.index("sp")]
    slots = [
        look(run, {"time": t, "ranges": [[f"{entry - 16:x}", 16]]})["memory"][0][1] for t in (0, run.recording.end)
    ]
    assert (21).to_bytes(4, "little").hex() in slots[1]
    assert slots[0] != slots[1]
    assert look(run, {"time": 0, "ranges": [["0", 8]]})["memory"] == [["0", ".." * 8]]
    assert len(look(run, {"time": 0, "ranges": [["0", 1 << 40]]})["memory"][0][1]) < 10_000


def test_breakpoints_lines_and_calls() -> None:
    run = of_example("Recursion and its stack")
    end = run.recording.end
    pcs = [pc - run.base for pc in run.recording.pcs]
    times = [time for time, pc in enumerate(pcs) if pc == pcs[0]]
    assert len(times) == 5
    found, time = [], -1
    while (stop := go(run, {"how": "forwards", "time": time, "breaks": [pcs[0]]}))["hit"]:
        found.append(time := stop["time"])
    assert found == times
    assert go(run, {"how": "back", "time": end, "breaks": [pcs[0]]}) == {
        "time": times[-1],
        "hit": True,
        "why": "a breakpoint",
    }
    assert go(run, {"how": "back", "time": 0, "breaks": [pcs[0]]}) == {"time": 0, "hit": False}
    assert go(run, {"how": "forwards", "time": 0, "breaks": []}) == {"time": end, "hit": False}
    lines = [0]
    while lines[-1] < end:
        lines.append(go(run, {"how": "line", "time": lines[-1]})["time"])
    back = [end]
    while back[-1] > 0:
        back.append(go(run, {"how": "back line", "time": back[-1]})["time"])
    assert back[::-1] == lines
    call = times[1] - 1
    assert go(run, {"how": "next", "time": call})["time"] == go(run, {"how": "finish", "time": call + 1})["time"]


def test_a_loop_without_end_is_stopped_and_can_be_recorded_further() -> None:
    run = begun("unsigned f(unsigned n) { for (;;) n = n * 3 + 1; }", arguments=["1"])
    found = run.summary()
    assert found["limit"]
    assert not found["finished"]
    assert found["fast"]["error"]["kind"] in ("TimeLimitExceeded", "InstructionLimitExceeded")
    before = found["end"]
    assert run.more(1000)["end"] == before + 1000
    assert state_at(run, before + 7)
    assert go(run, {"how": "finish", "time": 3})["time"] == before + 1000


def test_a_long_call_has_its_result_at_full_speed() -> None:
    run = begun("long fib(long n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }", arguments=["22"])
    found = run.summary()
    assert found["limit"]
    assert found["fast"]["text"] == "17711"


def test_a_fault_is_told_with_its_place() -> None:
    run = begun("int f(int *p) { return *p; }", arguments=["16"])
    found = run.summary()
    assert found["error"]["kind"] == "MemoryFault"
    assert int(found["error"]["pc"], 16) - run.base in run.lines
    assert "result" not in found


def test_the_story_has_no_page_that_is_writable_and_executable() -> None:
    found = begun("int f(void) { return 1; }").summary()
    assert [step[0] for step in found["steps"]][:2] == ["mmap", "memcpy"]
    assert not any("w" in step[3] and "x" in step[3] for step in found["steps"])


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"arguments": ["1", "2"]}, "takes 1 argument"),
        ({"arguments": ["x"]}, "is no integer"),
        ({"arguments": 3}, "list of texts"),
        ({"arguments": ["1"], "signature": "int("}, r"int\("),
        ({"arguments": ["1"], "signature": 5}, "text"),
    ],
)
def test_arguments_that_dont_fit(request_: dict[str, Any], message: str) -> None:
    with pytest.raises(armexec.Error, match=message):
        begun("int f(int a) { return a; }", **request_)


@pytest.mark.skipif(library_files("c") is None, reason="the guest's C library can't be built here")
def test_output_has_its_times() -> None:
    source = (
        '#include <stdio.h>\nint main(int c, char **v) { puts("one"); fflush(stdout); int n; scanf("%d", &n);'
        ' printf("%d %s\\n", n + 1, v[1]); return c; }'
    )
    run = begun(source, arguments=["two"], input="41")
    while (found := run.summary())["limit"]:
        run.more(10_000)
    assert found["result"] == {"text": "exit status 2", "status": 2}
    assert found["output"] == "one\n42 two\n"
    (first, length), (second, whole) = found["outputs"]
    assert (length, whole) == (4, 11)
    assert 0 < first < second <= run.recording.end
