"""IR files of this package, with their placeholders filled.

A placeholder is `$` and a name in capitals. `$STATE_<FIELD>` is where a field of the state structure is, in bytes,
`$TRAP_<KIND>` the number of a trap, `$EXIT` and `$IDLE` are the constants of these names. All others are given.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from armexec.machines.traps import EXIT, TrapKind
from armexec.translate.guest_state import IDLE, OFFSETS

__all__ = ["load", "preload"]

_PLACEHOLDER = re.compile(r"\$([A-Z][A-Z_0-9]*)")


@cache
def _source(name: str) -> str:
    """The text of a file, without comments: they would only cost time."""
    assert __spec__ is not None
    # As Python's own files are read, also from an archive.
    loader: Any = __spec__.loader
    data: bytes = loader.get_data(os.path.join(os.path.dirname(__file__), *f"{name}.ll".split("/")))
    lines = (line.partition(";")[0].rstrip() for line in data.decode("ascii").split("\n"))
    return "".join(f"{line}\n" for line in lines if line)


def preload() -> None:
    """Read all files, for a process that will be able to open none."""
    root = os.path.dirname(__file__)
    for folder, _, files in os.walk(root):
        for file in files:
            if file.endswith(".ll"):
                _source(os.path.relpath(os.path.join(folder, file[:-3]), root).replace(os.sep, "/"))


@cache
def _shared() -> Mapping[str, int]:
    """The values that every file may use."""
    values = {f"STATE_{name.upper()}": offset for name, offset in OFFSETS.items()}
    values |= {f"TRAP_{kind.name}": kind.value for kind in TrapKind}
    return values | {"EXIT": EXIT, "IDLE": IDLE}


def load(name: str, **given: int | str) -> str:
    """The text of the file `name` (such as "runtime/trap"), with `given` values of placeholders.

    A file that needs other values than these is a defect of armexec: LookupError.
    """
    shared = _shared()
    used: set[str] = set()

    def value(found: re.Match[str]) -> str:
        key = found[1]
        used.add(key)
        result = given[key] if key in given else shared.get(key)
        if result is None:
            raise LookupError(f"{name}.ll: there is no value for ${key}")
        return str(result)

    text = _PLACEHOLDER.sub(value, _source(name))
    unused = given.keys() - used
    if unused:
        raise LookupError(f"{name}.ll: nothing uses {', '.join(f'${key}' for key in sorted(unused))}")
    return text
