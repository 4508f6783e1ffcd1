"""The output of `armexec run --profile`: the functions and lines that took the time."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from armexec.cli.outcome import note

if TYPE_CHECKING:
    from armexec.profiling.profile import HotFunction, HotLine, Profile

__all__ = ["as_json", "show_profile"]

_MOST = 20
"""Maximum number of functions, and of lines, that are shown."""
_WIDTH = 60
"""Maximum number of characters of a source line that are shown."""


def as_json(profile: Profile) -> dict[str, Any]:
    """The whole profile as values of JSON."""
    functions = [{"name": f.name, "samples": f.samples, "share": f.share} for f in profile.functions]
    lines = [{"file": at.file, "line": at.line, "samples": at.samples, "share": at.share} for at in profile.lines]
    return {"unit": profile.unit, "samples": profile.samples, "functions": functions, "lines": lines}


def show_profile(profile: Profile, file: str, source: Sequence[str]) -> None:
    """Show a profile on standard error, after standard output. `source` is the lines of `file`, which are shown."""
    from armexec.profiling.profile import FEW

    sys.stdout.flush()
    unit = profile.unit
    if not profile.samples:
        note("no profile: the function was over before a first sample could be taken; give it more to do")
        return
    print(f"\n{profile.samples} {unit} of guest code", file=sys.stderr)
    texts = {f"{file}:{number}": text.strip()[:_WIDTH] for number, text in enumerate(source, 1)}
    for title, hot, beside in (("function", profile.functions, {}), ("line", profile.lines, texts)):
        if hot:
            print("", *_table(title, unit, hot, beside), sep="\n", file=sys.stderr)
    if unit == "samples" and profile.samples < FEW:
        note(f"fewer than {FEW} samples say little about where time goes: give the function more to do")


def _table(
    title: str, unit: str, hot: Sequence[HotFunction] | Sequence[HotLine], beside: dict[str, str]
) -> Iterator[str]:
    shown = hot[:_MOST]
    width = max(len(unit), *(len(str(spot.samples)) for spot in shown))
    names = max(len(spot.name) for spot in shown)
    yield f"  share  {unit:>{width}}  {title}"
    for spot in shown:
        name = f"{spot.name:<{names}}  {beside.get(spot.name, '')}".rstrip()
        yield f"{spot.share:7.1%}  {spot.samples:>{width}}  {name}"
    rest = hot[_MOST:]
    if rest:
        yield f"{sum(s.share for s in rest):7.1%}  {sum(s.samples for s in rest):>{width}}  {len(rest)} more"
