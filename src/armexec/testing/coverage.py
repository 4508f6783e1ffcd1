"""Executed source lines in lcov's format (geninfo(1), "Files")."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_lcov"]


def write_lcov(path: Path, lines: Mapping[tuple[str, int], int]) -> None:
    """Write how often each line, a file and a number, was executed."""
    files: dict[str, dict[int, int]] = {}
    for (file, number), count in lines.items():
        files.setdefault(file, {})[number] = count
    out = []
    for file, counts in sorted(files.items()):
        out += ["TN:", f"SF:{file}"]
        out += [f"DA:{number},{count}" for number, count in sorted(counts.items())]
        out += [f"LF:{len(counts)}", f"LH:{sum(1 for count in counts.values() if count)}", "end_of_record"]
    path.write_text("\n".join(out) + "\n", encoding="utf-8")
