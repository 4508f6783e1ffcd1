"""The engines that run Cpus, by name."""

from __future__ import annotations

from armexec.engines import ENGINES, get_engine
from armexec.engines.interpreted import Interpreted
from armexec.engines.running import Runner
from armexec.errors import HostError
from armexec.memory.fixed_pages import FixedPages
from armexec.memory.guest.page_table import PageTable

__all__ = ["runner"]


def runner(engine: str, page_table: PageTable, pages: FixedPages | None) -> Runner:
    """The runner of an engine for an address space, whose pages are in a table.

    `pages`: the memory at the guest's own addresses, for `native`.

    Raises:
        HostError: there is no such engine, or it can't run here.
    """
    if engine == "reference":
        return Interpreted()
    if engine == "translated":
        # The reference engine needs no LLVM.
        from armexec.engines.observed import Observed

        return Observed(page_table)
    if engine == "native" and pages is not None:
        get_engine(engine)
        from armexec.engines.native_space import OnProcessor

        return OnProcessor(page_table, pages)
    raise HostError(f"there is no engine {engine!r:.60} for address spaces: choose one of {', '.join(ENGINES)}")
