"""`armexec bench`: how fast translated code is, beside this host's own and other emulators."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from armexec.cli.outcome import command

if TYPE_CHECKING:
    from armexec.bench.measure import Plan
    from armexec.bench.report import Report


class Tier(StrEnum):
    O0 = "O0"
    O1 = "O1"
    O2 = "O2"
    O3 = "O3"


@command
def bench(
    kernels: Annotated[
        list[str] | None, typer.Argument(metavar="[KERNEL]...", help="The kernels to run; all by default.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", min=1, help="Rounds that medians are of: 9, with --quick 3.")
    ] = None,
    engines: Annotated[
        str, typer.Option("--engines", metavar="NAME,...", help="host, native, translated, qemu, unicorn.")
    ] = "",
    parts: Annotated[
        str,
        typer.Option(
            "--parts",
            metavar="NAME,...",
            help="kernels, first, calls, text, startup; all by default, the first two if kernels are named.",
        ),
    ] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything: rough figures in less time.")] = False,
    tier: Annotated[Tier | None, typer.Option("--tier", help="Pin the tier of the translated engine.")] = None,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write all figures; - prints them instead of tables.")
    ] = None,
    plot: Annotated[str | None, typer.Option("--plot", metavar="FILE.png", help="Draw a picture.")] = None,
) -> None:
    """Measure armexec, in one run and in turn with others, on the same C sources.

    The host's own build, armexec's engines, and qemu-aarch64 and Unicorn where they are installed, all already warm;
    the first call of a process, with an empty cache and with a filled one; what a call costs; assembler and
    disassembler; start-up. All results must be equal.
    """
    from armexec.bench.kernels import choose
    from armexec.bench.measure import PARTS, Plan, choose_parts
    from armexec.bench.plot import check_plot, write_plot
    from armexec.cli.inputs import write_output

    if plot is not None:
        check_plot(plot)
    plan = Plan(
        choose(kernels or ()),
        parts=choose_parts(_names(parts)) or (PARTS[:2] if kernels else PARTS),
        engines=_names(engines),
        rounds=rounds,
        quick=quick,
        tier=tier,
    )
    report = _measure(plan)
    if json != "-":
        from rich.console import Console

        from armexec.bench.table import show

        show(report, Console(highlight=False))
    if json is not None:
        import json as encoder

        write_output(json, (encoder.dumps(report.as_json(), indent=1) + "\n").encode())
    if plot is not None:
        write_plot(report, plot)


def _names(text: str) -> list[str]:
    return [name for name in (part.strip() for part in text.split(",")) if name]


def _measure(plan: Plan) -> Report:
    """Measure, and show on standard error how far it is."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    # Drawing costs time of the processor, which others share: seldom is enough.
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, refresh_per_second=2, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=plan.steps)
        return plan.measure(
            lambda text: progress.update(task, description=text), lambda: progress.update(task, advance=1)
        )
