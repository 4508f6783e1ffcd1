"""The compiler's assembly, filtered as Compiler Explorer does it, with source lines and labels."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from armexec.explorer.api.lines import MOST_LINES, Listing, line_of
from armexec.objects.names import source_name

__all__ = ["filtered", "squashed"]

_LABEL = re.compile(r'^("(?:[^"\\]|\\.)+"|[.$\w]+):')
_DIRECTIVE = re.compile(r"^\s*(\.[A-Za-z_]\w*)")
_ASSIGNMENT = re.compile(r"^\s*[.$\w]+\s*=")
_COMMENT = re.compile(r"^\s*(?://|;|#|/\*.*\*/\s*$)")
_FILE = re.compile(r'^\s*\.file\s+(\d+)\s+"((?:[^"\\]|\\.)*)"(?:\s+"((?:[^"\\]|\\.)*)")?')
_LOC = re.compile(r"^\s*\.loc\s+(\d+)\s+(\d+)(?:\s+(\d+))?")
_SECTION = re.compile(r"^\s*\.(?:section\s+(\S+)|(?:text|data|bss)\b)")
_DEBUG_SECTION = re.compile(r'^"?(?:\.debug|__DWARF)')
_ROOT = re.compile(r"^\s*\.(?:globl|global|weak|weak_definition|type)\s+([.$\w]+)(?:\s*,\s*[%@#](\w+))?")
_FUNCTION_END = re.compile(r"^\s*\.cfi_endproc\b")
_TOKEN = re.compile(r"[.$\w]+")
_LOCAL = re.compile(r"^(?:\.?L|l_)")
_TRAILING = re.compile(r"\s+(?://|;|@ ).*$")
_DATA = re.compile(
    r"\.(?:ascii|asciz|string|[1248]?byte|short|hword|half|long|word|int|quad|xword|dword|octa|zero|space|skip|fill|single"
    r"|float|double|inst|value)"
)
_RESERVED = (".comm", ".lcomm", ".zerofill", ".tbss")
"""Directives that define a variable without a label."""


@dataclass(slots=True)
class _Record:
    """A line: what it is, its source line, the function or variable around it."""

    kind: str
    text: str
    source: dict[str, Any] | None
    block: int
    name: str = ""
    debug: bool = False


def filtered(text: str, filters: Collection[str], file: str) -> Listing:
    """Assembly text as lines.

    Args:
        text: the compiler's output, with debug information.
        filters: which of commentOnly, directives, labels, libraryCode, trim and demangle are on.
        file: the name of the source in the debug information.
    """
    records = _records(text, file)
    if "libraryCode" in filters:
        records = _without_library_code(records)
    defined = {record.name for record in records if record.kind == "label"}
    used = _used(records, defined) if "labels" in filters else defined
    lines: list[dict[str, Any]] = []
    definitions: dict[str, int] = {}
    keeps_data = True
    for record in records:
        if record.kind == "label":
            keeps_data = record.name in used
        if not _is_shown(record, filters, keeps_data):
            continue
        if record.kind == "blank":
            if lines and lines[-1]["text"]:
                lines.append(line_of(""))
            continue
        if len(lines) >= MOST_LINES:
            return Listing(lines, definitions, True)
        if record.kind == "label" and not _LOCAL.match(record.name) and lines and lines[-1]["text"]:
            lines.append(line_of(""))
        shown = _line(record, filters, defined)
        lines.append(shown)
        if record.kind == "label":
            definitions[_demangled(record.name) if "demangle" in filters else record.name] = len(lines)
    while lines and not lines[-1]["text"]:
        lines.pop()
    return Listing(lines, definitions, False)


def _records(text: str, file: str) -> list[_Record]:
    """The lines of the text with what each is."""
    records: list[_Record] = []
    files: dict[str, str] = {}
    source: dict[str, Any] | None = None
    block = 0
    debug = False
    for line in text.splitlines():
        record = _Record("instruction", line, source, block, debug=debug)
        if not line.strip():
            record.kind = "blank"
        elif label := _LABEL.match(line):
            record.kind, record.name, record.source = "label", label[1].strip('"'), None
            if not _LOCAL.match(record.name):
                block += 1
                source = None
            record.block = block
        elif _COMMENT.match(line):
            record.kind, record.source = "comment", None
        elif _ASSIGNMENT.match(line):
            record.kind, record.source = "directive", None
        elif directive := _DIRECTIVE.match(line):
            name = directive[1]
            record.kind = "data" if _DATA.fullmatch(name) else "reserved" if name in _RESERVED else "directive"
            record.source = None
            if section := _SECTION.match(line):
                debug = record.debug = bool(section[1] and _DEBUG_SECTION.match(section[1]))
                source = None
                block += 1  # constants before a function are its own, not the last one's
            elif found := _FILE.match(line):
                files[found[1]] = os.path.join(*(re.sub(r"\\(.)", r"\1", part) for part in found.groups()[1:] if part))
            elif found := _LOC.match(line):
                source = _place(files.get(found[1], ""), int(found[2]), int(found[3] or 0), file)
                record.source = source
            elif _FUNCTION_END.match(line):
                source = None
        records.append(record)
    return records


def _place(path: str, line: int, column: int, file: str) -> dict[str, Any] | None:
    """A source line as clients read it; None for line 0, which is no line."""
    if not line:
        return None
    own = path == file or path.endswith(os.sep + file) or os.path.basename(path) in ("-", "<stdin>")
    place: dict[str, Any] = {"file": None if own else path, "line": line, "mainsource": own}
    return place | {"column": column} if column else place


def _without_library_code(records: list[_Record]) -> list[_Record]:
    """Without functions that have source lines, and none of the user's own file."""
    own: dict[int, bool] = {}
    for record in records:
        if record.source is not None and record.kind in ("instruction", "directive"):
            own[record.block] = own.get(record.block, False) or record.source["file"] is None
    return [record for record in records if own.get(record.block, True)]


def _used(records: list[_Record], defined: set[str]) -> set[str]:
    """The labels that are visible outside, or that instructions or data refer to which are used themselves."""
    used: set[str] = set()
    data: dict[str, list[_Record]] = {}
    label = ""
    for record in records:
        if record.debug:
            continue
        if record.kind == "label":
            label = record.name
        elif record.kind == "data":
            data.setdefault(label, []).append(record)
        elif record.kind == "instruction":
            used |= _names(record.text, defined)
        elif record.kind == "directive" and (root := _ROOT.match(record.text)) and root[2] in (None, "function"):
            used.add(root[1])
    waiting = list(used)
    while waiting:
        for record in data.get(waiting.pop(), ()):
            new = _names(record.text, defined) - used
            used |= new
            waiting += new
    return used


def _names(text: str, defined: set[str]) -> set[str]:
    return {token for token in _TOKEN.findall(text) if token in defined}


def _is_shown(record: _Record, filters: Collection[str], keeps_data: bool) -> bool:
    if record.debug and "directives" in filters:
        return False
    if record.kind == "label":
        return keeps_data
    if record.kind == "comment":
        return "commentOnly" not in filters
    if record.kind == "directive":
        return "directives" not in filters
    if record.kind == "data":
        return keeps_data or "directives" not in filters
    return True


def _line(record: _Record, filters: Collection[str], defined: set[str]) -> dict[str, Any]:
    """A line with the labels that it refers to, and the columns where they are."""
    text = record.text
    if record.kind == "label" and "commentOnly" in filters:
        text = _TRAILING.sub("", text)
    text = squashed(text) if "trim" in filters else text.expandtabs(8).rstrip()
    parts: list[str] = []
    labels: list[dict[str, Any]] = []
    at = column = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        shown = _demangled(token) if "demangle" in filters else token
        parts += (text[at : match.start()], shown)
        column += match.start() - at
        if token in defined and record.kind != "label":
            place = {"startCol": column + 1, "endCol": column + 1 + len(shown)}
            labels.append({"name": shown, "range": place} | ({"target": token} if shown != token else {}))
        column += len(shown)
        at = match.end()
    return line_of("".join([*parts, text[at:]]), record.source, labels)


def _demangled(token: str) -> str:
    """A symbol's source name; other tokens as they are."""
    if token.startswith("__Z"):  # Mach-O's
        token = token[1:]
    return source_name(token) if token.startswith("_Z") else token


def squashed(text: str) -> str:
    """Text with two spaces for those at the beginning, and one for others that aren't in quotes."""
    body = text.strip()
    parts = re.split(r'("(?:[^"\\]|\\.)*")', body)
    inner = "".join(part if index % 2 else re.sub(r"\s+", " ", part) for index, part in enumerate(parts))
    return ("  " if text[:1].isspace() else "") + inner
