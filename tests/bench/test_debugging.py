"""The part of the benchmark that measures sessions and traces."""

from __future__ import annotations

import importlib.util
from typing import Any

from armexec.bench.measurements import debugging


def test_each_way_has_a_rate(monkeypatch: Any) -> None:
    monkeypatch.setattr(debugging, "_KERNELS", ("collatz",))
    has_unicorn = importlib.util.find_spec("unicorn") is not None
    (figures,) = debugging.measure_debugging(quick=True, unicorn=True, say=lambda text: None).values()
    assert list(figures) == [
        "session",
        "session.run",
        "session.goto",
        "trace",
        "coverage",
        *(["unicorn hook"] if has_unicorn else []),
    ]
    assert all(rate > 0 for rate in figures.values())
    # Blocks record, not the interpreter.
    assert all(figures[way] > 5 * figures["session"] for way in ("trace", "session.run", "session.goto"))
