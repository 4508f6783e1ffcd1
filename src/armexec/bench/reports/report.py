"""The figures of a benchmark, and the machine that they are of."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from armexec.bench.figures import geometric_mean, median
from armexec.bench.measurements.arrays import ArrayTimes
from armexec.bench.measurements.first_call import Moments
from armexec.bench.measurements.hot import Hot
from armexec.engines import get_engine
from armexec.errors import HostError

__all__ = ["RATIOS", "Report", "describe_machine"]

RATIOS = (("translated", "host"), ("native", "host"), ("qemu", "translated"), ("unicorn", "translated"))
"""The pairs that are compared: the time of the first is divided by that of the second."""


@dataclass
class Report:
    """All figures of one run; parts that weren't measured are empty.

    `machine` and `contenders` describe what took part; `absent` has reasons for the rest. `first_calls` has the rounds
    of each kernel's "cold" and "warm" moments, `calls` nanoseconds, `arrays` seconds, `text` instructions a second,
    `startup` seconds, `debugging` instructions a second by kernels.
    """

    machine: dict[str, str]
    settings: dict[str, Any]
    contenders: dict[str, str]
    absent: dict[str, str]
    kernels: dict[str, Hot] = field(default_factory=dict)
    first_calls: dict[str, dict[str, list[Moments]]] = field(default_factory=dict)
    calls: dict[str, float] = field(default_factory=dict)
    arrays: ArrayTimes = field(default_factory=dict)
    text: dict[str, float] = field(default_factory=dict)
    startup: dict[str, float] = field(default_factory=dict)
    debugging: dict[str, dict[str, float]] = field(default_factory=dict)

    def ratios(self, name: str, base: str) -> dict[str, float]:
        """The kernels' ratios of two contenders, empty if one of them took no part."""
        found = ((kernel, hot.ratio(name, base)) for kernel, hot in self.kernels.items())
        return {kernel: value for kernel, value in found if value is not None}

    def mean(self, name: str, base: str) -> float | None:
        """The geometric mean of `ratios`; None if there are none."""
        return geometric_mean(self.ratios(name, base).values())

    def first_call(self, kernel: str, which: str) -> float | None:
        """The median seconds of processor time of a first call, "cold" or "warm"; None if it wasn't measured."""
        rounds = self.first_calls.get(kernel, {}).get(which)
        return median([moments["compile"] + moments["call"] for moments in rounds]) if rounds else None

    def as_json(self) -> dict[str, Any]:
        """The whole report as values of JSON. The names of times have their units."""
        return {
            "machine": self.machine,
            "settings": self.settings,
            "contenders": self.contenders,
            "absent": self.absent,
            "kernels": {name: _kernel(hot) for name, hot in self.kernels.items()},
            "geometric_means": {
                f"{name}/{base}": _rounded(mean)
                for name, base in RATIOS
                for mean in [self.mean(name, base)]
                if mean is not None
            },
            "first_call_ms": {
                name: {
                    which: {part: _milliseconds([m[part] for m in moments]) for part in ("compile", "call", "wall")}
                    for which, moments in both.items()
                }
                for name, both in self.first_calls.items()
            },
            "call_ns": {name: _rounded(value) for name, value in self.calls.items()},
            "arrays_ms": {
                name: {
                    place: {who: _milliseconds(series) for who, series in times.items()}
                    for place, times in both.items()
                }
                for name, both in self.arrays.items()
            },
            "instructions_per_second": {name: _rounded(value) for name, value in self.text.items()},
            "debugging_instructions_per_second": {
                name: {way: _rounded(value) for way, value in figures.items()}
                for name, figures in self.debugging.items()
            },
            "startup_ms": {name: _rounded(value * 1e3) for name, value in self.startup.items()},
        }


def _kernel(hot: Hot) -> dict[str, Any]:
    ratios = {f"{name}/{base}": hot.ratio(name, base) for name, base in RATIOS}
    return {
        "n": hot.count,
        "result": f"0x{hot.result:016x}",
        **({"host": hot.host} if hot.host else {}),
        "median_ms": {name: _rounded(median(series) * 1e3) for name, series in hot.times.items()},
        "ratios": {name: _rounded(value) for name, value in ratios.items() if value is not None},
        "rounds_ms": {name: _milliseconds(series) for name, series in hot.times.items()},
    }


def _milliseconds(series: list[float] | list[float | None]) -> list[float | None]:
    return [None if seconds is None else _rounded(seconds * 1e3) for seconds in series]


def _rounded(value: float) -> float:
    """A time rounded to four digits."""
    return float(f"{value:.4g}")


def describe_machine() -> dict[str, str]:
    """The processor, the system and the versions of software, without the machine's name."""
    found = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": _system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    try:
        # The engine must import llvmlite first, in its own way.
        get_engine("translated")
        import llvmlite.binding

        found["llvm"] = ".".join(map(str, llvmlite.binding.llvm_version_info))
    except (HostError, ImportError):
        pass
    return found


def _processor() -> str:
    for value in _processor_names():
        if value.strip():
            return f"{value.strip()} ({platform.machine()})"
    return platform.machine()


def _processor_names() -> Iterator[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            yield next((line.partition(":")[2] for line in file if line.startswith("model name")), "")
    except OSError:
        pass
    if sys.platform == "darwin":
        command = ("/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string")
        yield subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _system() -> str:
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release().partition('-')[0]}"
