"""A report as a picture, by matplotlib where it is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from armexec.bench.reports.report import Report
from armexec.errors import Error

__all__ = ["check_plot", "write_plot"]

_NAMES = ("native", "translated", "qemu", "unicorn")
_COLOURS = {"native": "#2a9d8f", "translated": "#264653", "qemu": "#e9a23b", "unicorn": "#c8553d"}


def check_plot(file: str) -> None:
    """Check, before anything is measured, that `write_plot` can make the file. Raises Error."""
    if importlib.util.find_spec("matplotlib") is None:
        raise Error('--plot needs matplotlib, which isn\'t installed: pip install "armexec[plot]"')
    if not Path(file).resolve().parent.is_dir():
        raise Error(f"{file}: there is no such folder")


def write_plot(report: Report, file: str) -> None:
    """Write a bar chart of the kernels' times, relative to the host's build, or else to the translated engine.

    Raises:
        Error: nothing can be compared, or the file can't be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    base = next((name for name in ("host", "translated") if report.mean(name, name) is not None), None)
    shown = [name for name in _NAMES if base and name != base and report.mean(name, base) is not None]
    if base is None or not shown:
        raise Error("--plot needs kernels on two engines at least, one of them host or translated")
    kernels = [*report.kernels, "geometric mean"]
    figure, axes = pyplot.subplots(figsize=(10, 0.14 * len(kernels) * (len(shown) + 1) + 1.4))
    height = 1 / (len(shown) + 1)
    for place, name in enumerate(shown):
        mean = report.mean(name, base)
        values = [*report.ratios(name, base).values(), mean or 1.0]
        where = [row + (place - (len(shown) - 1) / 2) * height for row in range(len(kernels))]
        label = f"{name}: {report.contenders[name]}"
        bars: Any = axes.barh(where, values, height, label=label, color=_COLOURS[name])
        axes.bar_label(bars, [f"{value:.3g}" for value in values], padding=2, fontsize=6)
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(range(len(kernels)), kernels)
    axes.invert_yaxis()
    axes.margins(x=0.08, y=0.01)
    what = "this host's own build of the same C source" if base == "host" else "the translated engine"
    axes.set_xlabel(f"time, in times of {what} (logarithmic)")
    axes.set_title(report.machine["processor"], fontsize=10)
    axes.legend(fontsize=8)
    figure.tight_layout()
    try:
        figure.savefig(file, dpi=130)
    except (OSError, ValueError) as error:
        raise Error(f"{file}: the plot can't be written: {error}") from None
    finally:
        pyplot.close(figure)
