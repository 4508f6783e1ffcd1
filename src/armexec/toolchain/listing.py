"""Assembly with its source lines."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

__all__ = ["interleave"]

_FILE = re.compile(r'^\s*\.file\s+(\d+)\s+"((?:[^"\\]|\\.)*)"(?:\s+"((?:[^"\\]|\\.)*)")?')
_LOC = re.compile(r"^\s*\.loc\s+(\d+)\s+(\d+)")
_SECTION = re.compile(r"^\s*\.(?:section\s+(\S+)|(text|data|bss)\b)")
_DEBUG_SECTION = re.compile(r'^"?(?:\.debug|__DWARF)')
_NOISE = re.compile(r"^\s*\.(?:cfi_|loc\b|file\b|addrsig|ident\b)|^\s*(?://|;) ?(?:-- End function|DEBUG_VALUE:|kill:)")
_LOCAL_LABEL = re.compile(r"^(\.?L[\w.$]+):\s*$")


def interleave(
    assembly: str,
    source: str,
    *,
    filename: str = "<source>",
    comment: str = "//",
    files: Mapping[str, str] | None = None,
) -> str:
    """`assembly`, compiled with debug information, with each source line before the instructions made of it.

    `source` is the text of `filename`. Other files, such as headers, are read from `files` or from the paths in the
    assembly; if they aren't there, only their names are shown. Debug sections, and directives and labels for debuggers
    and unwinders, are left out; instructions and data stay.
    """
    texts: dict[str, list[str]] = {name: text.splitlines() for name, text in (files or {}).items()}
    texts[filename] = source.splitlines()
    names: dict[str, str] = {}
    listing: list[str] = []
    shown: tuple[str, int] | None = None
    in_debug = False
    for line in assembly.splitlines():
        if match := _SECTION.match(line):
            in_debug = bool(match[1] and _DEBUG_SECTION.match(match[1]))
        if match := _FILE.match(line):
            names[match[1]] = _path(match[2], match[3])
            continue
        if in_debug:
            continue
        if match := _LOC.match(line):
            place = (_known(names.get(match[1], ""), filename), int(match[2]))
            # Line 0 is code without a line in the source.
            if place != shown and place[1] > 0:
                listing.append(_source_line(texts, *place, comment))
                shown = place
            continue
        if not _NOISE.match(line):
            listing.append(line)
    return "\n".join(_without_unused_labels(listing)) + "\n"


def _without_unused_labels(listing: list[str]) -> list[str]:
    """`listing` without the local labels that only the debug sections referred to."""
    used = {name for line in listing if not _LOCAL_LABEL.match(line) for name in re.findall(r"\.?L[\w.$]+", line)}
    kept = []
    for line in listing:
        match = _LOCAL_LABEL.match(line)
        if not match or match[1] in used:
            kept.append(line)
    return kept


def _path(first: str, second: str | None) -> str:
    """The name in a `.file` directive: `"name"`, or `"directory" "name"`."""
    parts = [re.sub(r"\\(.)", r"\1", part) for part in (first, second) if part is not None]
    return os.path.join(*parts)


def _known(path: str, filename: str) -> str:
    """`filename` if `path` is that file, perhaps with the compiler's working directory before it, else `path`."""
    same = path == filename or path.endswith(os.sep + filename) or os.path.basename(path) in ("-", "<stdin>")
    return filename if same else path


def _source_line(texts: dict[str, list[str]], path: str, line: int, comment: str) -> str:
    if path not in texts:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                texts[path] = file.read().splitlines()
        except OSError:
            texts[path] = []
    lines = texts[path]
    text = lines[line - 1].strip() if line <= len(lines) else ""
    return f"{comment} {path}:{line}: {text}".rstrip()
