"""One target under atheris: `python -m tests.fuzz.coverage_guided TARGET [LIBFUZZER'S OPTIONS] CORPUS`."""

from __future__ import annotations

import importlib
import sys
from typing import Any

atheris: Any = importlib.import_module("atheris")
_target = sys.argv.pop(1)
with atheris.instrument_imports(include=["armexec"]):
    from .targets import run, seeds

    for _good in seeds(_target):
        run(_target, _good)  # what it imports is instrumented, too

atheris.Setup(sys.argv, lambda data: run(_target, data))
atheris.Fuzz()
