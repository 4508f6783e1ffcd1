"""A report on a terminal: tables, and bars for the ratios."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from armexec.bench.contenders.runner import HOST
from armexec.bench.figures import median, ratio
from armexec.bench.measurements.calls import CTYPES
from armexec.bench.measurements.debugging import HOOK, TRACE
from armexec.bench.reports.report import RATIOS, Report

__all__ = ["show"]

_WIDTH = 120
_BAR = 50


def show(report: Report, console: Console) -> None:
    """Print the report."""
    if not console.is_terminal:
        # A pipe has no width: no line is cut.
        console = Console(file=console.file, width=max(console.width, _WIDTH), highlight=False)
    if report.kernels or report.first_calls:
        console.print(_kernels(report))
        for remark in _remarks(report):
            console.print(remark, style="dim", soft_wrap=True)
    for bar in _bars(report):
        console.print(bar)
    for table in _others(report):
        console.print()
        console.print(table)


def _kernels(report: Report) -> Table:
    """One row for each kernel, and the geometric means."""
    table = Table(title="Medians in ms of processor time", title_justify="left", box=None, pad_edge=False)
    times = [name for name in ("host", "native", "translated", "qemu", "unicorn") if _took_part(report, name)]
    pairs = [pair for pair in RATIOS if report.mean(*pair) is not None]
    table.add_column("kernel")
    for name in times:
        table.add_column(name, justify="right")
    for name, base in pairs:
        table.add_column(f"{name}/\n{base}", justify="right", style="bold")
    if report.first_calls:
        table.add_column("first call,\ncold", justify="right")
        table.add_column("first call,\nwarm", justify="right")
    for kernel in report.kernels or report.first_calls:
        hot = report.kernels.get(kernel)
        row = [kernel]
        if hot is not None:
            row += [_milliseconds(hot.seconds(name)) for name in times]
            row += [_ratio(hot.ratio(*pair)) for pair in pairs]
        if report.first_calls:
            row += [_milliseconds(report.first_call(kernel, which)) for which in ("cold", "warm")]
        table.add_row(*row)
    if pairs and len(report.kernels) > 1:
        table.add_section()
        table.add_row("geometric mean", *("" for _ in times), *(_ratio(report.mean(*pair)) for pair in pairs))
    return table


def _took_part(report: Report, name: str) -> bool:
    return any(hot.seconds(name) is not None for hot in report.kernels.values())


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    value = seconds * 1e3
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _remarks(report: Report) -> Iterator[str]:
    """Notes on the columns, and on contenders that are absent."""
    if report.kernels and HOST in report.contenders:
        yield "host: the better of " + " and ".join(
            text for name, text in report.contenders.items() if name.startswith(HOST)
        )
    for name, text in report.contenders.items():
        if report.kernels and not name.startswith(HOST):
            yield f"{name}: {text}"
    if report.first_calls:
        yield "first call: from `import armexec` to a result, compiler included; cold with an empty cache"
    for name, why in report.absent.items():
        yield f"no {name}: {why}"


def _bars(report: Report) -> Iterator[Text]:
    """The first pair of ratios that there is, as bars."""
    for name, base in RATIOS:
        ratios = report.ratios(name, base)
        if ratios:
            break
    else:
        return
    yield Text(f"\n{name}, in times of {base}", "italic")
    longest = max(1.0, *ratios.values())
    one = max(1, round(_BAR / longest))
    for kernel, value in ratios.items():
        length = max(1, round(value / longest * _BAR))
        line = Text.assemble(f"{kernel:12}", ("█" * min(length, one), "green"))
        line.append("█" * max(0, length - one), "red")
        line.append(f" {_ratio(value)}")
        yield line


def _debugging(report: Report) -> Table:
    """Millions of instructions a second, and how many times as many a trace has as a hook."""
    table = Table("million instructions/s", box=None, pad_edge=False)
    ways = list(dict.fromkeys(way for figures in report.debugging.values() for way in figures))
    for way in ways:
        table.add_column(way, justify="right")
    if HOOK in ways:
        table.add_column("trace/hook", justify="right", style="bold")
    for kernel, figures in report.debugging.items():
        row = [f"{figures[way] / 1e6:.3g}" if way in figures else "" for way in ways]
        if HOOK in ways:
            row.append(_ratio(figures[TRACE] / figures[HOOK] if HOOK in figures else None))
        table.add_row(kernel, *row)
    return table


def _arrays(report: Report) -> Table:
    """One row for each kernel in each place."""
    table = Table("ufunc over arrays, ms", "", box=None, pad_edge=False)
    every = (who for both in report.arrays.values() for times in both.values() for who in times)
    names = list(dict.fromkeys(every))
    for name in names:
        table.add_column(name, justify="right")
    has_numba = "numba" in names
    if has_numba:
        table.add_column("armexec/\nnumba", justify="right", style="bold")
    for kernel, both in report.arrays.items():
        for place, times in both.items():
            row = [_milliseconds(median(times[name]) if name in times else None) for name in names]
            if has_numba:
                row.append(_ratio(ratio(times["armexec"], times["numba"])))
            table.add_row(kernel, place, *row)
    return table


def _others(report: Report) -> Iterator[Table]:
    if report.calls:
        table = Table("call of int fn(int num)", box=None, pad_edge=False)
        for heading in ("ns", "calls/s", "times ctypes"):
            table.add_column(heading, justify="right")
        for name, value in report.calls.items():
            base = report.calls.get(CTYPES)
            table.add_row(name, f"{value:.0f}", f"{1e9 / value:,.0f}", _ratio(value / base if base else None))
        yield table
    if report.arrays:
        yield _arrays(report)
    if report.text:
        table = Table("text", box=None, pad_edge=False)
        table.add_column("instructions/s", justify="right")
        for name, value in report.text.items():
            table.add_row(name, f"{value:,.0f}")
        yield table
    if report.debugging:
        yield _debugging(report)
    if report.startup:
        table = Table("start-up", box=None, pad_edge=False)
        table.add_column("ms", justify="right")
        for name, value in report.startup.items():
            table.add_row(name, _milliseconds(value))
        yield table
