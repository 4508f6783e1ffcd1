"""The messages of compilers and assemblers as `Diagnostic`s."""

from __future__ import annotations

import re

from armexec.errors import Diagnostic

__all__ = ["parse_diagnostics"]

_SEVERITY = r"(?P<severity>fatal error|error|warning|note|remark|Error|Fatal error|Warning|Info)"
# Without the quoted source, "   12 | text", below a message.
# clang and gcc: "file:line:column: error: text"; GNU as: "file:line: Error: text".
_PLACED = re.compile(
    rf"^(?!\s*\d*\s*\|)(?P<file>.+?):(?P<line>\d+):(?:(?P<column>\d+):)? {_SEVERITY}: (?P<message>.*)$"
)
# Without a place: "clang: error: text", "cc1: fatal error: text", "error: text".
_UNPLACED = re.compile(rf"^(?:[^\s:]+: )?{_SEVERITY}: (?P<message>.*)$")
_SPELLINGS = {"Error": "error", "Fatal error": "fatal error", "Warning": "warning", "Info": "note"}


def parse_diagnostics(text: str) -> tuple[Diagnostic, ...]:
    """Every message in `text`, the output of clang, gcc or GNU as, in order."""
    found = []
    for line in text.splitlines():
        match = _PLACED.match(line)
        if match:
            place = (match["file"], int(match["line"]), int(match["column"] or 0))
        else:
            match = _UNPLACED.match(line)
            if not match:
                continue
            place = ("", 0, 0)
        severity = match["severity"]
        found.append(Diagnostic(*place, _SPELLINGS.get(severity, severity), match["message"]))
    return tuple(found)
