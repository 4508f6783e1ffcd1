"""Breakpoints with conditions, watched memory, and the expressions that they are written in."""

from __future__ import annotations

from typing import Any

import pytest

import armexec
from armexec.explorer.runs.expressions import Expression
from armexec.explorer.runs.moves import check, go
from armexec.explorer.runs.run import Run

from .recorded import begun

ADD = "int add(volatile int *total, int n) { while (n) *total += n--; return *total; }"


def values(run: Run, text: str) -> list[Any]:
    return [check(run, {"text": text, "time": time})["value"] for time in range(run.recording.end + 1)]


def test_a_condition_stops_only_where_it_holds() -> None:
    run = begun(ADD, opt="-O1", arguments=["[100]", "5"])
    writes = run.recording.accesses.times(run.recording.sp[0] - (1 << 40), 1 << 63, "w")
    assert len(writes) == 5
    offset = run.recording.pcs[writes[0]] - run.base
    expected = {time for time in writes if values(run, "i32(w1)")[time] == "3"}
    assert len(expected) == 1
    request = {"breaks": [[offset, "w1 == 3"]]}
    (time,) = expected
    assert go(run, {"how": "forwards", "time": 0, **request}) == {
        "time": time,
        "hit": True,
        "why": "a breakpoint, w1 == 3",
    }
    assert go(run, {"how": "forwards", "time": time, **request}) == {"time": run.recording.end, "hit": False}
    assert go(run, {"how": "back", "time": run.recording.end, **request})["time"] == time
    assert go(run, {"how": "back", "time": time, **request}) == {"time": 0, "hit": False}
    # Plain ones and other conditions stop before it.
    both = {"breaks": [[offset, "w1 == 3"], [offset, "u32[x0] > 100"]]}
    assert go(run, {"how": "forwards", "time": 0, **both})["time"] == writes[1]
    assert go(run, {"how": "forwards", "time": 0, "breaks": [[offset, "w1 == 3"], [offset, ""]]})["time"] == writes[0]


def test_a_condition_that_fails_stops_and_says_why() -> None:
    run = begun(ADD, opt="-O1", arguments=["[100]", "5"])
    found = go(run, {"how": "forwards", "time": -1, "breaks": [[run.recording.pcs[0] - run.base, "u8[8]"]]})
    assert (found["time"], found["hit"]) == (0, True)
    assert "u8[8] has no value here: the memory at 0x8" in found["why"]


def test_watched_memory() -> None:
    run = begun(ADD, opt="-O0", arguments=["[100]", "3"])
    watch = {"address": "x0", "at": 0, "size": 4, "mode": "w"}
    found, time = [], -1
    while (stop := go(run, {"how": "forwards", "time": time, "watches": [watch]}))["hit"]:
        assert stop["why"] == "the next instruction writes 4 bytes at x0"
        found.append(time := stop["time"])
    assert len(found) == 3
    array = values(run, "x0")[0]
    for time in found:
        assert values(run, f"u32[{array}]")[time] != values(run, f"u32[{array}]")[time + 1]
    assert go(run, {"how": "back", "time": found[2], "watches": [watch]})["time"] == found[1]
    reads = {"address": "x0 + 3", "at": 0, "size": 1, "mode": "r"}
    first = go(run, {"how": "forwards", "time": 0, "watches": [reads]})["time"]
    assert first < found[0]
    assert not go(run, {"how": "forwards", "time": 0, "watches": [reads | {"address": "x0 + 4"}]})["hit"]
    # The address is that of a time, so it stays when the register changes.
    assert values(run, "x0")[-1] != array


def test_a_variable_is_watched_by_its_name() -> None:
    run = begun("int counter; int f(int n) { while (n--) counter += 2; return counter; }", arguments=["3"])
    watch = {"address": "counter", "at": 0, "size": 4, "mode": "w"}
    time = go(run, {"how": "back", "time": run.recording.end, "watches": [watch]})["time"]
    assert values(run, "u32[counter]")[time : time + 2] == ["4", "6"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x0", "4369"),
        ("X0 == 0x1111", "true"),
        ("w0 >> 4 & 0xf", "1"),
        ("1 < w1 <= 3 and not x0 == 3", "true"),
        ("x0 == 1 or i64(x0) < 0", "false"),
        ("i8(w1 - 4)", "-1"),
        ("-1 if 0 else 1", None),
        ("(x0 + 1) * 2 % 7", "4"),
        ("~0 & 0xff", "255"),
        ("d0 > 1.25", "true"),
        ("x0 / 2", "2184.5"),
        ("sp % 16", "0"),
        ("q0", None),
    ],
)
def test_expressions(text: str, value: str | None) -> None:
    run = begun("long f(long a, int b, double c) { return a; }", opt="-O1", arguments=["0x1111", "3", "1.5"])
    if text == "q0":
        assert check(run, {"text": text, "time": 0})["value"] == hex(0x3FF8 << 48)
    elif value is None:
        with pytest.raises(armexec.Error, match="can't be used here"):
            check(run, {"text": text, "time": 0})
    else:
        assert check(run, {"text": text, "time": 0}) == {"value": value}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('true')", "can't be used here"),
        ("().__class__", "can't be used here"),
        ("x0.real", "can't be used here"),
        ("[x0 for x0 in (1,)]", "can't be used here"),
        ("(lambda: 1)()", "can't be used here"),
        ("u8(x0, x1)", "can't be used here"),
        ("u8[0:4]", "can't be used here"),
        ("u32", "there is no function or symbol 'u32'"),
        ("9 ** 9", "can't be used here"),
        ("'x' * 3", "can't be used here"),
        ("1 << 1000", "0 to 127 bits"),
        ("*".join(["x0"] * 60), "1024 bits"),
        ("(" * 150, "no expression"),
        ("-" * 199 + "1", None),
        ("1" * 201, "200 characters"),
        ("x0 ==", "no expression"),
        ("", "is needed"),
        ("x0 == 1 && x1", "write and instead"),
        ("x0 == -1", "i64"),
        ("w3 < 0", r"i32\(w3\)"),
        ("x0 // 0", "division"),
        ("x40", "there is no function or symbol 'x40'"),
        ("u32[1.5]", "integer"),
    ],
)
def test_what_is_no_expression_is_refused(text: str, message: str | None) -> None:
    run = begun("long f(long a) { return a; }", arguments=["-1"])
    if message is None:
        assert check(run, {"text": text, "time": 0})
        return
    with pytest.raises(armexec.SignatureError, match=message):
        check(run, {"text": text, "time": 0})


def test_sessions_take_the_same_conditions() -> None:
    mod = armexec.compile(ADD, "c")
    texts = ["u32[x0] == 100 and i32(w1) > 2", "i8(w1 - 4)", "f32[x0] < 1", "u64(x0) == x0"]
    with armexec.debug(mod.add, [100], 3) as session:
        for text in texts:
            assert session.evaluate(text) == Expression(text).value(session)
        session.breakpoints.add("add", "u32[x0] == 100")


@pytest.mark.parametrize(
    ("watch", "message"),
    [
        ({"address": "x0 +", "at": 0, "size": 4, "mode": "w"}, "no expression"),
        ({"address": "x0", "at": 0, "size": 0, "mode": "w"}, "can be watched"),
        ({"address": "x0", "at": 0, "size": 4, "mode": "x"}, "w, r or rw"),
        ({"address": "x0 / 2", "at": 0, "size": 4, "mode": "r"}, "no integer"),
    ],
)
def test_what_cant_be_watched(watch: dict[str, Any], message: str) -> None:
    run = begun(ADD, arguments=["[1]", "1"])
    with pytest.raises(armexec.SignatureError, match=message):
        go(run, {"how": "forwards", "time": 0, "watches": [watch]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time": 0, "what": "x0"}, "a value"),
        ({"time": -1, "what": "x0", "value": "1"}, "up to 100,000"),
        ({"time": 10_000, "what": "x0", "value": "1"}, "can't be changed at time 10000: the run is at"),
        ({"time": 0, "what": "x77", "value": "1"}, "can't be changed"),
        ({"time": 0, "what": "x0 + 1", "value": "1"}, "can't be changed"),
        ({"time": 0, "what": "w0", "value": "1 << 32"}, "doesn't fit"),
        ({"time": 0, "what": "u8[x0]", "value": "256"}, "8 bits"),
        ({"time": 0, "what": "u8[0]", "value": "1"}, "u8.0. can't be changed"),
        ({"time": 0, "what": "s0", "value": "1e300"}, "can't hold"),
        ({"time": 0, "what": "x0", "value": "1.5"}, "no integer"),
        ({"time": 0, "what": "nzcv", "value": "16"}, "four bits"),
        ("x0", "a change is"),
    ],
)
def test_what_cant_be_changed(change: Any, message: str) -> None:
    with pytest.raises(armexec.SignatureError, match=message):
        begun(ADD, arguments=["[1]", "1"], changes=[change])
