"""What is recorded gives each time as the session has it."""

from __future__ import annotations

import random

import pytest

from armexec.explorer.runs.moment import Moment
from armexec.explorer.runs.moves import last_write, look
from armexec.explorer.runs.recording import registers_of

from .recorded import begun, of_example


def test_registers_memory_and_calls_of_any_time() -> None:
    run = of_example("A bug, found backwards")
    session, end = run.session, run.recording.end
    low = min(run.recording.sp)
    randomly = random.Random(5)
    moment = Moment(run.recording, 0)
    for _ in range(40):
        # The session may stand anywhere meanwhile.
        session.goto(randomly.randrange(end + 1))
        time = randomly.randrange(end + 1)
        moment.go(time)
        memory = moment.memory.read(low, 160)
        looked = look(run, {"time": time, "ranges": [[f"{low:x}", 160]]})
        session.goto(time)
        assert moment.cpu.values == registers_of(session.cpu.save())
        assert memory == session.memory.read(low, 160)
        assert looked["memory"] == [[f"{low:x}", memory.hex()]]
        assert [frame["begin"] for frame in looked["frames"]] == [frame.begin for frame in session.backtrace]


def test_a_long_run_is_looked_at_without_executing_it_again() -> None:
    run = begun("int f(int n) { int a[4] = {0}; while (n) a[n & 3] += n--; return a[0]; }", arguments=["1000"])
    while not run.session.finished:
        run.more(1000)
    assert run.recording.end > 4000
    stands = run.session.time
    for time in (0, run.recording.end, 2000):
        look(run, {"time": time, "ranges": [[f"{run.recording.sp[0] - 64:x}", 64]]})
    assert run.session.time == stands


CHANGED = "int f(int n) { volatile int a = n; a = a + 1; return a; }"


def test_a_change_by_hand_begins_another_future() -> None:
    first = begun(CHANGED, arguments=["20"])
    assert first.summary()["result"]["text"] == "21"
    assert first.summary()["changes"] == []
    loads = first.recording.accesses.times(first.recording.sp[1] - 16, 64, "r")
    time = loads[0]
    changes = [{"time": time, "what": "u32[sp + 12]", "value": "w0 + 80"}]
    run = begun(CHANGED, arguments=["20"], changes=changes)
    (made,) = run.summary()["changes"]
    assert made["memory"][1:] == ["14000000", "64000000"]
    assert run.summary()["result"]["text"] == "101"
    address = int(made["memory"][0], 16)
    read = [Moment(run.recording, at).memory.read(address, 1) for at in (time - 1, time, run.recording.end)]
    assert read == [b"\0", b"\x64", b"\x64"]
    # Who wrote it: a hand, and not an instruction.
    found = last_write(run, {"time": run.recording.end, "address": f"{address - 4:x}", "size": 4})
    assert found["time"] > time
    assert "hand" not in found
    assert last_write(run, {"time": time + 1, "address": f"{address:x}", "size": 4}) == {"time": time, "hand": True}


@pytest.mark.parametrize("time", [0, 3])
def test_registers_that_are_changed(time: int) -> None:
    run = begun(CHANGED, arguments=["20"], changes=[{"time": time, "what": "d0", "value": "1.5"}])
    assert Moment(run.recording, time).cpu.v[0].d == 1.5
    assert last_write(run, {"time": run.recording.end, "register": "v0"}) == {"time": time, "hand": True}
    assert run.summary()["result"]["text"] == "21"
