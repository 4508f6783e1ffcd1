"""`armexec bench`: the speed of translated code, of this host's own code and of other emulators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from armexec.cli.command import argument, choice, command, file_name, option
from armexec.cli.options import TIERS

if TYPE_CHECKING:
    from armexec.bench.plan import Plan
    from armexec.bench.reports.report import Report


def _kernel_names(_context: click.Context, _argument: click.Parameter, begun: str) -> list[str]:
    """The completions of a kernel's name."""
    from armexec.bench.kernels import KERNELS

    return [name for name in KERNELS if name.startswith(begun)]


@command()
@argument(
    "kernels",
    nargs=-1,
    metavar="[KERNEL]...",
    shell_complete=_kernel_names,
    help="The kernels to run; all by default.",
)
@option("--rounds", type=click.IntRange(min=1), help="Rounds that medians are of: 9, with --quick 3.")
@option("--engines", metavar="NAME,...", default="", help="host, native, translated, qemu, unicorn.")
@option(
    "--parts",
    metavar="NAME,...",
    default="",
    help="kernels, first, calls, arrays, text, startup, debugging; all by default, the first two if kernels are named.",
)
@option("--quick", is_flag=True, help="Less of everything: rough figures in less time.")
@option("--tier", type=choice(tier for tier in TIERS if tier != "auto"), help="Pin the tier of the translated engine.")
@option("--json", metavar="FILE", type=file_name, help="Write all figures; - prints them instead of tables.")
@option("--plot", metavar="FILE.png", type=file_name, help="Draw a picture.")
def bench(
    kernels: Sequence[str],
    rounds: int | None,
    engines: str,
    parts: str,
    quick: bool,
    tier: str | None,
    json: str | None,
    plot: str | None,
) -> None:
    """Measure armexec beside others, on the same C sources.

    In one run and in turn: the host's own build, armexec's engines, and qemu-aarch64 and Unicorn where they are
    installed, all already warm; the first call of a process, with an empty cache and with a filled one; what a call
    costs; functions over arrays, beside NumPy, and Numba if it is installed; assembler and disassembler; start-up;
    sessions and traces. All results must be equal.
    """
    from armexec.bench.kernels import choose
    from armexec.bench.plan import PARTS, Plan, choose_parts
    from armexec.bench.reports.plot import check_plot, write_plot
    from armexec.cli.inputs import write_output

    if plot is not None:
        check_plot(plot)
    plan = Plan(
        choose(kernels),
        parts=choose_parts(_names(parts)) or (PARTS[:2] if kernels else PARTS),
        engines=_names(engines),
        rounds=rounds,
        quick=quick,
        tier=tier,
    )
    report = _measure(plan)
    if json != "-":
        from armexec.bench.reports.table import show
        from armexec.cli.console import Console

        show(report, Console(highlight=False))
    if json is not None:
        import json as encoder

        write_output(json, (encoder.dumps(report.as_json(), indent=1) + "\n").encode())
    if plot is not None:
        write_plot(report, plot)


def _names(text: str) -> list[str]:
    return [name for name in (part.strip() for part in text.split(",")) if name]


def _measure(plan: Plan) -> Report:
    """Measure, and show the progress on standard error."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from armexec.cli.console import Console

    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    # Drawing takes processor time away from what is measured: twice a second is enough.
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, refresh_per_second=2, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=plan.steps)
        return plan.measure(
            lambda text: progress.update(task, description=text), lambda: progress.update(task, advance=1)
        )
