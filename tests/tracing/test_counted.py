"""Counts without a trace, and the commands for traces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import armexec
from armexec.debugger.open import target_of
from armexec.tracing.counted import run_counted
from cli.program import armexec as command
from program.guest import needs_c

from .test_formats import SOURCE

FN = str(Path(__file__).parents[2] / "examples" / "fn.c")
LONGJMP = """
#include <setjmp.h>
static jmp_buf out;
static void deep(int n) { if (!n) longjmp(out, 1); deep(n - 1); }
int main(void) { int s = 0; for (int i = 0; i < 50; i++) if (!setjmp(out)) deep(i); else s++; return s; }
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("counted") / "fib.c"
    path.write_text(SOURCE)
    return path


def test_counts_are_those_of_a_trace(source: Path, tmp_path: Path) -> None:
    trace = armexec.trace(str(source))
    texts = []
    for fast in (True, False):
        coverage, callgrind = tmp_path / f"{fast}.info", tmp_path / f"{fast}.callgrind"
        target = target_of(str(source))
        end = run_counted(target, coverage=coverage, callgrind=callgrind, fast=fast)
        target.close()
        assert end.result.status == 55
        texts.append(coverage.read_text())
        # Addresses differ from run to run.
        costs = [line.split()[2] for line in callgrind.read_text().splitlines() if line.startswith("0x")]
        trace.save(tmp_path / "t.callgrind")
        expected = (tmp_path / "t.callgrind").read_text().splitlines()
        assert costs == [line.split()[2] for line in expected if line.startswith("0x")]
    trace.save(tmp_path / "t.info")
    assert texts == [(tmp_path / "t.info").read_text()] * 2


def test_counts_go_on_over_many_chunks(tmp_path: Path) -> None:
    text = "int f(int n) { int s = 0; for (int i = 0; i < n; i++) if (i % 3) s += i; return s; }\n"
    (tmp_path / "f.c").write_text(text)
    with armexec.compile(text, "c", engine="translated") as module:
        target = target_of(module.f, 300_000)
        end = run_counted(target, coverage=tmp_path / "f.info")
        target.close()
        assert end.result == module.f(300_000)
    found = (tmp_path / "f.info").read_text()
    assert "DA:1,300001" in found
    sides = [line for line in found.splitlines() if line.startswith("BRDA")]
    assert {line.split(",")[3] for line in sides} == {"1", "300000", "100000", "200000"}


@needs_c
def test_longjmp_ends_calls(tmp_path: Path) -> None:
    trace = armexec.trace(LONGJMP, language="c")
    assert trace.result.status == 50
    trace.save(tmp_path / "t.json")
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    depth = deepest = 0
    for event in events:
        depth += {"B": 1, "E": -1}.get(event["ph"], 0)
        deepest = max(deepest, depth)
    assert depth == 0
    assert deepest < 80


def test_coverage_of_programs_and_calls(source: Path, tmp_path: Path) -> None:
    coverage, callgrind = tmp_path / "c.info", tmp_path / "c.callgrind"
    done = command("run", str(source), "--coverage", str(coverage), "--callgrind", str(callgrind))
    assert (done.status, done.err, done.out) == (55, "", "")
    assert "FNDA:171,fib" in coverage.read_text()
    assert "fn=main" in callgrind.read_text()
    done = command("run", FN, "3", "--coverage", str(coverage))
    assert (done.status, done.out) == (0, "3\n")
    assert "FNDA:1,fn" in coverage.read_text()
    done = command("run", FN, "3", "--coverage", str(coverage), "--profile")
    assert done.status == 2


def test_coverage_is_written_where_a_call_faults(tmp_path: Path) -> None:
    (tmp_path / "f.c").write_text("int f(int *p) {\n  return *p;\n}\n")
    done = command("run", str(tmp_path / "f.c"), "null", "--coverage", str(tmp_path / "f.info"))
    assert done.status == 1
    assert "can't read memory at 0x0" in done.err
    assert "DA:2,1" in (tmp_path / "f.info").read_text()


def test_the_command_shows_rows() -> None:
    done = command("trace", FN, "3")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines] == ["0", "1", "2", "3", "4", "="]
    assert lines[1].endswith("← 3")
    assert lines[-1] == "= 3"
    done = command("trace", FN, "3", "--limit", "2")
    assert len(done.out.splitlines()) == 2
    assert "instruction limit" in done.err
    done = command("trace", FN, "3", "--limit", "2", "--last")
    assert [line.split()[0] for line in done.out.splitlines()] == ["3", "4", "="]


def test_the_command_writes_files(source: Path, tmp_path: Path) -> None:
    done = command("trace", str(source), "-o", str(tmp_path / "t.json"))
    assert (done.status, done.out, done.err) == (55, "", "")
    assert json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    done = command("trace", str(source), "-o", str(tmp_path / "t"), "--format", "drcov")
    assert done.status == 55
    assert (tmp_path / "t").read_bytes().startswith(b"DRCOV VERSION: 2")
    done = command("trace", str(source), "-o", str(tmp_path / "t.gif"))
    assert done.status == 1
    assert "may end in" in done.err
    done = command("trace", str(source), "--format", "drcov")
    assert done.status == 2
