"""Cache entries of compilations, and the files that they depend on."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence

from armexec.errors import Diagnostic
from armexec.toolchain.inclusions import read_regular

__all__ = ["dependencies", "hash_settled", "pack", "unpack"]

# Nanoseconds before the start of the compiler in which a change may be one during the compilation: file systems stamp
# files with the granularity of the kernel's tick.
_SETTLED = 20_000_000


def dependencies(rule: bytes | None, headers: str) -> list[str] | None:
    """The files of a make rule (as -MD writes it) outside `headers`, which the compiler's identity covers."""
    if rule is None:
        return None
    text = rule.decode("utf-8", "surrogateescape").replace("\\\n", " ")
    words = [
        re.sub(r"\\([ #])", r"\1", word).replace("$$", "$")
        for word in re.findall(r"(?:\\[ #]|\S)+", text.partition(": ")[2])
    ]
    inside = headers + os.sep if headers else ""
    # "-" and "<stdin>" are the source itself.
    return [word for word in words if word not in ("-", "<stdin>") and not (inside and word.startswith(inside))]


def _hash(path: str) -> str | None:
    data = read_regular(path)
    return None if data is None else hashlib.sha256(data).hexdigest()


def hash_settled(paths: Sequence[str], started: int) -> dict[str, str] | None:
    """The hash of each file, or None if one may have changed since `started` (nanoseconds since 1970)."""
    hashes = {}
    for path in paths:
        try:
            modified = os.stat(path).st_mtime_ns
        except OSError:
            return None
        digest = _hash(path)
        if digest is None or modified > started - _SETTLED:
            return None
        hashes[path] = digest
    return hashes


def pack(data: bytes, diagnostics: Sequence[Diagnostic], hashes: dict[str, str]) -> bytes:
    """An entry: the compiler's output, its warnings, and the digests of the files that it was made from."""
    shown = [[d.file, d.line, d.column, d.severity, d.message] for d in diagnostics]
    return json.dumps([hashes, shown]).encode() + b"\n" + data


def unpack(kept: bytes) -> tuple[bytes, tuple[Diagnostic, ...]] | None:
    """The compilation that `pack` packed; None if a file that it depends on has changed, or if it is damaged."""
    head, _, data = kept.partition(b"\n")
    try:
        hashes, shown = json.loads(head)
        if any(_hash(path) != digest for path, digest in hashes.items()):
            return None
        return data, tuple(Diagnostic(*fields) for fields in shown)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
