"""The engines that run Cpus, by name."""

from __future__ import annotations

from armexec.engines import ENGINES
from armexec.engines.interpreted import Interpreted
from armexec.engines.running import Runner
from armexec.errors import HostError
from armexec.memory.page_table import PageTable

__all__ = ["runner"]


def runner(engine: str, page_table: PageTable) -> Runner:
    """The runner of an engine for an address space, whose pages are in a table.

    Raises:
        HostError: there is no such engine, it can't run here, or it has no address spaces.
    """
    if engine == "reference":
        return Interpreted()
    if engine == "translated":
        # The reference engine needs no LLVM.
        from armexec.engines.observed import Observed

        return Observed(page_table)
    if engine in ENGINES:
        raise HostError(f"the engine {engine!r} has no address spaces: choose 'translated' or 'reference'")
    raise HostError(f"there is no engine {engine!r:.60}: choose 'translated' or 'reference'")
