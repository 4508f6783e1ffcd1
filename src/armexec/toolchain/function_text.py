"""The instructions of one function out of assembly text."""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["function_assembly"]

_LABEL = re.compile(r'^\s*("[^"]+"|[\w.$]+):(?!:)\s*(.*)$')
_END = re.compile(r"^\s*\.(?:cfi_endproc|size|section|data|bss|text|subsections_via_symbols)\b|^\.?L?func_end\d+:")
_COMMENT_LINE = re.compile(r"^\s*(?://|;|#|/\*.*\*/\s*$|$)")
_NOISE = re.compile(r"^\s*\.(?:cfi_|loc\b|file\b|loh\b|globl\b|global\b|type\b|p2align\b|align\b|build_version\b)")
_LOH = re.compile(r"^Lloh\d+:")


def function_assembly(assembly: str, label: str, others: Collection[str] = ()) -> str:
    """The instructions, data and local labels from `label` to the function's end, one a line.

    `others` are the labels of other functions, which end it where nothing else does. Mach-O's underscore before the
    names is understood. Of a text without the label all is taken. Lines for debuggers and linkers are left out.
    """
    names = {label, "_" + label}
    stops = {form for other in others if other != label for form in (other, "_" + other)} - names
    lines = assembly.splitlines()
    start = next((i for i, line in enumerate(lines) if _label(line) in names), None)
    kept: list[str] = []
    for number, text in enumerate(lines[start or 0 :]):
        line = text
        match = _LABEL.match(line)
        if number and start is not None and (_END.match(line) or (match and _label(line) in stops)):
            break
        if match and not _LOH.match(line):
            if _label(line) not in names:
                kept.append(f"{match[1]}:")
            line = match[2]
        elif match:
            continue
        if not _COMMENT_LINE.match(line) and not _NOISE.match(line) and not (start is None and _END.match(line)):
            mnemonic, *operands = line.strip().split(None, 1)
            kept.append(" ".join((mnemonic, *operands)))
    return "\n".join(kept)


def _label(line: str) -> str | None:
    match = _LABEL.match(line)
    return match[1].strip('"') if match else None
