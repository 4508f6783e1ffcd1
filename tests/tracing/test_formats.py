"""Traces as files that other tools read."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import armexec
from armexec.tracing.formats import FORMATS

SOURCE = """\
static int fib(int n) {
    if (n < 2)
        return n;
    return fib(n - 1) + fib(n - 2);
}
static int never(int n) { return n > 3 ? 7 : 8; }
int main(int argc, char **argv) {
    int s = 0;
    for (int i = 0; i < 10; i++) {
        if (i & 1)
            s += fib(i);
    }
    if (argc > 10)
        s += never(argc);
    return s;
}
"""
CALLS = 171
"""How often fib is called."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("traced") / "fib.c"
    path.write_text(SOURCE)
    return path


@pytest.fixture(scope="module")
def trace(source: Path) -> armexec.Trace:
    made = armexec.trace(str(source))
    assert made.result.status == 55
    return made


def _functions(events: list[tuple[str, str, int]]) -> tuple[Counter[str], int]:
    """How often each function begins, and the deepest nesting; begins and ends match."""
    stack: list[tuple[str, int]] = []
    names: Counter[str] = Counter()
    deepest = last = 0
    for kind, name, time in events:
        assert time >= last
        last = time
        if kind == "B":
            stack.append((name, time))
            names[name] += 1
            deepest = max(deepest, len(stack))
        else:
            stack.pop()
    assert not stack
    return names, deepest


def test_chrome_json(trace: armexec.Trace, tmp_path: Path) -> None:
    trace.save(tmp_path / "t.json")
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    kept = [(e["ph"], e.get("name", ""), e["ts"]) for e in events if e["ph"] != "M"]
    names, deepest = _functions(kept)
    assert names == {"main": 1, "fib": CALLS}
    assert deepest == 10
    assert (kept[0], kept[-1]) == (("B", "main", 0), ("E", "", len(trace)))
    # A function begins at its first instruction.
    first = {e["ts"]: int(e["args"]["pc"], 16) for e in events if e["ph"] == "B"}
    assert all(trace.pc[time] == pc for time, pc in first.items())


def test_perfetto(trace: armexec.Trace, tmp_path: Path) -> None:
    messages = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2", reason="needs `perfetto`")
    trace.save(tmp_path / "t.pftrace")
    read = messages.Trace()
    read.ParseFromString((tmp_path / "t.pftrace").read_bytes())
    described = [packet.track_descriptor for packet in read.packet if packet.HasField("track_descriptor")]
    assert [d.process.process_name for d in described if d.HasField("process")] == [trace.name]
    (thread,) = (d for d in described if d.HasField("thread"))
    events = [packet for packet in read.packet if packet.HasField("track_event")]
    assert {event.track_event.track_uuid for event in events} == {thread.uuid}
    kinds = {1: "B", 2: "E"}
    names, _ = _functions([(kinds[e.track_event.type], e.track_event.name, e.timestamp) for e in events])
    assert names == {"main": 1, "fib": CALLS}
    begin = events[0].track_event.debug_annotations[0]
    assert (begin.name, begin.pointer_value) == ("pc", trace.pc[0])


def _lcov(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        kind, _, rest = line.partition(":")
        found.setdefault(kind, []).append(rest)
    return found


def test_lcov(trace: armexec.Trace, source: Path, tmp_path: Path) -> None:
    trace.save(tmp_path / "t.info")
    found = _lcov(tmp_path / "t.info")
    assert found["SF"] == [str(source)]
    assert set(found["FNDA"]) == {"1,main", f"{CALLS},fib", "0,never"}
    lines = {int(line): int(count) for line, _, count in (entry.partition(",") for entry in found["DA"])}
    assert (lines[1], lines[3], lines[4]) == (CALLS, 88, CALLS - 88)
    assert (lines[6], lines[11], lines[14], lines[15]) == (0, 5, 0, 1)
    branches: dict[int, list[str]] = {}
    for entry in found["BRDA"]:
        line, _, _, count = entry.split(",")
        branches.setdefault(int(line), []).append(count)
    assert sorted(branches[2]) == ["83", "88"]
    assert sorted(branches[10]) == ["5", "5"]
    assert sorted(branches[13]) == ["0", "1"]
    assert branches.get(6, ["-", "-"]) == ["-", "-"]


@pytest.mark.skipif(shutil.which("genhtml") is None, reason="needs lcov's genhtml")
def test_genhtml_reads_it(trace: armexec.Trace, tmp_path: Path) -> None:
    trace.save(tmp_path / "t.info")
    command = ["genhtml", "--branch-coverage", "-o", str(tmp_path / "html"), str(tmp_path / "t.info")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "lines......: 86.7%" in done.stdout, done.stdout


def test_code_without_lines_has_no_coverage(tmp_path: Path) -> None:
    trace = armexec.trace(armexec.function(b"\xc0\x03\x5f\xd6", "void()"))
    with pytest.raises(armexec.Error, match="debug information"):
        trace.save(tmp_path / "t.info")


def test_drcov(trace: armexec.Trace, tmp_path: Path) -> None:
    trace.save(tmp_path / "t.drcov")
    head, _, rest = (tmp_path / "t.drcov").read_bytes().partition(b" bbs\n")
    lines = head.decode().splitlines()
    assert lines[:2] == ["DRCOV VERSION: 2", "DRCOV FLAVOR: drcov"]
    base = int(lines[4].split(", ")[1], 16)
    blocks = np.frombuffer(rest, np.dtype([("start", "<u4"), ("size", "<u2"), ("module", "<u2")]))
    assert len(blocks) == int(lines[5].split()[-1])
    covered = {base + int(b["start"]) + at for b in blocks for at in range(0, int(b["size"]), 4)}
    assert covered == set(trace.pc.tolist())


def test_callgrind(trace: armexec.Trace, tmp_path: Path) -> None:
    trace.save(tmp_path / "callgrind.out.1")
    text = (tmp_path / "callgrind.out.1").read_text()
    assert f"totals: {len(trace)}" in text
    main = text[text.index("fn=main") :]
    calls = main[main.index("calls=") :].splitlines()
    assert calls[0].startswith("calls=5 0x")
    # All that isn't main's own.
    own = sum(row.place.function == "main" for row in trace)
    assert int(calls[1].split()[-1]) == len(trace) - own


@pytest.mark.skipif(shutil.which("callgrind_annotate") is None, reason="needs Valgrind's callgrind_annotate")
def test_callgrind_annotate_reads_it(trace: armexec.Trace, source: Path, tmp_path: Path) -> None:
    trace.save(tmp_path / "t.callgrind")
    command = ["callgrind_annotate", "--inclusive=yes", str(tmp_path / "t.callgrind")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"{len(trace):,} (100.0%)  {source}:main" in done.stdout, done.stdout


def test_accesses_as_npz_and_csv(trace: armexec.Trace, tmp_path: Path) -> None:
    trace.save(tmp_path / "t.npz")
    with np.load(tmp_path / "t.npz") as read:
        for name in ("time", "pc", "address", "size", "is_write", "old", "new"):
            assert np.array_equal(read[name], getattr(trace.memory, name))
    trace.save(tmp_path / "t.csv")
    with open(tmp_path / "t.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["time"]) for row in rows] == trace.memory.time.tolist()
    assert [int(row["new"], 16) for row in rows] == trace.memory.new.tolist()
    assert {row["kind"] for row in rows} == {"read", "write"}


def test_text(trace: armexec.Trace, tmp_path: Path) -> None:
    trace.save(tmp_path / "t.txt")
    assert (tmp_path / "t.txt").read_text().splitlines() == [str(row) for row in trace]


def test_names_and_formats(trace: armexec.Trace, tmp_path: Path) -> None:
    for format in FORMATS:
        trace.save(tmp_path / "any", format)
        assert (tmp_path / "any").stat().st_size
    with pytest.raises(armexec.SignatureError, match="may end in"):
        trace.save(tmp_path / "any")
    with pytest.raises(armexec.SignatureError, match="no format 'gif'"):
        trace.save(tmp_path / "any", "gif")
    with pytest.raises(armexec.Error, match="can't write"):
        trace.save(tmp_path / "nowhere" / "t.txt")
