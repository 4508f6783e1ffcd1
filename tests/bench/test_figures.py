"""Medians within rounds, means of ratios, and what takes part in them."""

from __future__ import annotations

import pytest

from armexec.bench.contenders.runner import HOST, HOST_TUNED
from armexec.bench.figures import geometric_mean, median, ratio
from armexec.bench.measurements.hot import Hot
from armexec.bench.reports.report import Report


def test_rounds_sat_out_do_not_count() -> None:
    assert median([3.0, None, 1.0, None, 2.0]) == 2.0
    assert ratio([4.0, None, 9.0], [2.0, 100.0, 3.0]) == 2.5
    # The median of the ratios, not the ratio of the medians.
    assert ratio([10.0, 2.0, 3.0], [10.0, 1.0, 1.0]) == 2.0


def test_the_mean_of_ratios_is_geometric() -> None:
    assert geometric_mean([2.0, 8.0]) == pytest.approx(4.0)
    assert geometric_mean([]) is None


def test_the_better_host_build_is_the_base() -> None:
    hot = Hot(1, 5, {HOST: [2.0, 2.0], HOST_TUNED: [1.0, 1.0], "translated": [3.0, 3.0], "qemu": [None, 30.0]})
    assert hot.host == HOST_TUNED
    assert hot.seconds("host") == 1.0
    assert hot.ratio("translated", "host") == 3.0
    assert hot.ratio("qemu", "translated") == 10.0
    assert hot.ratio("unicorn", "translated") is None
    assert Hot(1, 5, {"translated": [3.0]}).ratio("translated", "host") is None


def test_a_report_is_json_with_medians_ratios_and_rounds() -> None:
    report = Report({}, {}, {}, {"unicorn": "not installed"})
    report.kernels = {
        "a": Hot(7, 255, {HOST: [0.001], "translated": [0.002]}),
        "b": Hot(7, 255, {HOST: [0.001], "translated": [0.008]}),
    }
    shown = report.as_json()
    assert shown["geometric_means"] == {"translated/host": 4.0}
    assert shown["kernels"]["a"] == {
        "n": 7,
        "result": "0x00000000000000ff",
        "host": HOST,
        "median_ms": {HOST: 1.0, "translated": 2.0},
        "ratios": {"translated/host": 2.0},
        "rounds_ms": {HOST: [1.0], "translated": [2.0]},
    }
    assert shown["absent"] == {"unicorn": "not installed"}
