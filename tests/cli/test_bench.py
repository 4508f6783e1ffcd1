"""armexec bench, with as little to do as it can have."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from armexec.bench.contenders import arm_engine
from armexec.bench.contenders.host_build import HostBuild
from armexec.bench.contenders.runner import Run
from armexec.bench.kernels import KERNELS
from armexec.bench.measurements import hot, text
from armexec.bench.measurements.arrays import ArrayTimes, measure_arrays
from armexec.bench.measurements.startup import measure_startup
from armexec.bench.reports.report import Report
from armexec.bench.reports.table import show
from cli.program import armexec

TINY = ("--quick", "--rounds", "2")
HAS_HOST = HostBuild("host").unavailable() is None
needs_host = pytest.mark.skipif(not HAS_HOST, reason="no compiler for this host")


@pytest.fixture(autouse=True)
def _cold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot, "_WARM", 0.0)


@needs_host
def test_kernels_as_json(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    arguments = ("--engines", "host,translated", "--parts", "kernels", "--json")
    done = armexec("bench", "fib", "crc32", *TINY, *arguments, str(file))
    assert done.status == 0, done.err
    found: dict[str, Any] = json.loads(file.read_text())
    assert list(found["kernels"]) == ["fib", "crc32"]
    fib = found["kernels"]["fib"]
    assert (fib["n"], fib["result"]) == (24, f"0x{46368:016x}")
    assert set(fib["rounds_ms"]) == {"host -O2", "host -O2 tuned", "translated"}
    assert all(len(rounds) == 2 for rounds in fib["rounds_ms"].values())
    assert set(found["geometric_means"]) == {"translated/host"}
    assert found["settings"]["rounds"] == 2
    for heading in ("kernel", "translated/", "geometric mean", "fib", "crc32", "█"):
        assert heading in done.out
    alone = armexec("bench", "fib", *TINY, *arguments, "-")
    assert set(json.loads(alone.out)) == set(found)


def test_whoever_is_not_here_has_a_line_and_no_column(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "unicorn" else real(name, *rest)
    )
    done = armexec("bench", "fib", *TINY, "--engines", "translated,qemu,unicorn", "--parts", "kernels")
    assert done.status == 0, done.err
    assert "no qemu: no qemu-aarch64 on PATH" in done.out
    assert "no unicorn: the Python package unicorn isn't installed" in done.out
    header = next(line for line in done.out.splitlines() if line.startswith("kernel"))
    assert header.split() == ["kernel", "translated"]
    nobody = armexec("bench", "fib", "--engines", "qemu,unicorn")
    assert (nobody.status, nobody.out) == (1, "")
    assert "nothing can be measured: qemu: " in nobody.err


@needs_host
def test_results_that_differ_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm_engine._Bound, "run", lambda self, count: Run(4711, 1e-3))
    done = armexec("bench", "sad", *TINY, "--engines", "host,translated", "--parts", "kernels")
    assert (done.status, done.out) == (1, "")
    assert "the kernel sad has different results: host -O2 0x" in done.err
    assert "translated 0x1267" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fob"], "there is no kernel 'fob'; did you mean fib?"),
        (["--engines", "qmeu"], "nothing called 'qmeu' takes part; did you mean qemu?"),
        (["--parts", "call"], "there is no part 'call'; did you mean calls?"),
    ],
)
def test_unknown_names_are_refused(arguments: list[str], message: str) -> None:
    done = armexec("bench", *arguments)
    assert (done.status, done.out) == (1, "")
    assert message in done.err


def test_options_are_checked() -> None:
    assert armexec("bench", "--tier", "O7").status == 2
    assert armexec("bench", "--rounds", "0").status == 2


def test_a_tier_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    done = armexec(
        "bench", "loops", *TINY, "--tier", "O0", "--engines", "translated", "--parts", "kernels", "--json", "-"
    )
    found = json.loads(done.out)
    assert found["contenders"]["translated"].endswith("tier O0")
    assert found["settings"]["tier"] == "O0"


@pytest.mark.slow
def test_first_calls_are_cold_and_warm() -> None:
    done = armexec("bench", "fib", *TINY, "--parts", "first", "--engines", "translated", "--json", "-")
    assert done.status == 0, done.err
    both = json.loads(done.out)["first_call_ms"]["fib"]
    assert set(both) == {"cold", "warm"}
    for moments in both.values():
        assert set(moments) == {"compile", "call", "wall"}
        assert all(value > 0 for value in (*moments["compile"], *moments["call"], *moments["wall"]))


def test_calls() -> None:
    done = armexec("bench", *TINY, "--parts", "calls", "--engines", "translated")
    assert done.status == 0, done.err
    assert "fn(3)" in done.out
    assert "map(fn, list)" in done.out
    assert ("ctypes fn(3)" in done.out) == HAS_HOST


def test_a_table_of_arrays() -> None:
    times: ArrayTimes = {"add": {"memory": {"armexec": [0.002, 0.004], "numba": [0.004, 0.004], "numpy": [0.25, 0.25]}}}
    report = Report({}, {}, {}, {}, arrays=times)
    assert report.as_json()["arrays_ms"] == {
        "add": {"memory": {"armexec": [2.0, 4.0], "numba": [4.0, 4.0], "numpy": [250.0, 250.0]}}
    }
    console = Console(file=io.StringIO())
    show(report, console)
    row = next(line for line in console.file.getvalue().splitlines() if line.startswith("add"))  # type: ignore[attr-defined]
    assert row.split() == ["add", "memory", "3.00", "4.00", "250", "0.75"]


@pytest.mark.long
def test_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armexec.bench.measurements.arrays._QUICK_COUNT", 20_000)
    times = measure_arrays(1, quick=True)
    assert list(times) == ["add", "horner", "choose", "rounds", "saxpy"]
    for both in times.values():
        assert set(both) == {"memory", "cache"}
        for place in both.values():
            assert all(seconds is not None and seconds > 0 for series in place.values() for seconds in series)
            assert "armexec" in place
    assert ("frompyfunc, ctypes" in times["add"]["memory"]) == HAS_HOST


def test_text(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"fib": KERNELS["fib"]}
    monkeypatch.setattr("armexec.bench.kernels.KERNELS", few)
    rates = text._measure()
    assert set(rates) == {f"{what}, {when}" for what in ("assemble", "disassemble") for when in ("cold", "warm")}
    assert all(rate > 0 for rate in rates.values())


def test_startup() -> None:
    seconds = measure_startup(1)
    assert list(seconds) == ["python -c pass", "import armexec", "armexec run fn.cpp 3"]
    assert all(value > 0 for value in seconds.values())


def test_a_plot_without_matplotlib_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "matplotlib" else real(name, *rest)
    )
    done = armexec("bench", "--plot", "bench.png")
    assert (done.status, done.out) == (1, "")
    assert 'pip install "armexec[plot]"' in done.err


@needs_host
def test_a_plot_is_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "bench.png"
    done = armexec("bench", "fib", *TINY, "--engines", "host,translated", "--parts", "kernels", "--plot", str(file))
    assert done.status == 0, done.err
    assert file.read_bytes().startswith(b"\x89PNG")
    nowhere = armexec("bench", "--plot", str(tmp_path / "no" / "bench.png"))
    assert nowhere.status == 1
    assert "no such folder" in nowhere.err
