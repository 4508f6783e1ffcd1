"""C compiled and loaded once for each target and engine."""

from __future__ import annotations

from functools import lru_cache

import armexec
from armexec.module import Module

TARGETS = ("linux", "apple", "bare")
# Vector instructions are not what is tested here.
FLAGS = ("-mgeneral-regs-only",)


def quick(engine: str) -> str:
    """The engine without what it would optimize meanwhile: these functions are called a few times."""
    return "translated:O0" if engine == "translated" else engine


@lru_cache(maxsize=64)
def module(source: str, engine: str, target: str = "linux", opt: str = "-O2", flags: tuple[str, ...] = FLAGS) -> Module:
    return armexec.compile(source, language="c", opt=opt, target=target, flags=flags, engine=quick(engine))
