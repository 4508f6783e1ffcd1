"""The native engine in an address space.

A page of code is made executable when it is first reached, if the processor can be left to execute all of it
(words.py). Whatever the guest does then that isn't plain computing is a signal: faults, `brk`, host functions, a branch
to a page that isn't executable. The interpreter executes the instruction, and makes a Stop of it, or the run goes on.
Other pages, and runs that have to see each instruction or access, are the translated engine's, on the same memory.
"""

from __future__ import annotations

from armexec.cpu.cpu import Cpu, Limits
from armexec.cpu.stop import Stop, StopReason
from armexec.engines.interpreted import Interpreted
from armexec.engines.native_space.processor import Processor
from armexec.engines.native_space.words import is_for_processor
from armexec.engines.running import Guest, Runner
from armexec.engines.stepping import Run, Stepper
from armexec.errors import HostError
from armexec.memory import Protection
from armexec.memory.fixed_pages import FixedPages
from armexec.memory.guest.page_table import LIMIT, PageTable
from armexec.resource_limits.instruction_budget import instructions_left
from armexec.translate.execute.watch import SIGNAL

__all__ = ["OnProcessor"]


class OnProcessor:
    """Runs Cpus in one address space, whose memory is at the guest's own addresses.

    Raises:
        HostError: the host gives no executable memory.
    """

    def __init__(self, page_table: PageTable, pages: FixedPages) -> None:
        self._pages = pages
        self._page_table = page_table
        self._processor = Processor()
        self._others: dict[str, Runner] = {}
        self._ready: dict[int, bool] = {}
        """By the address of a page that was reached: whether it is the processor's, and executable."""
        self._untils: list[int] = []
        """The pages where runs are to end, the innermost last, which aren't the processor's meanwhile."""

    def run(self, guest: Guest, cpu: Cpu, limits: Limits) -> Stop:
        if limits.instructions is not None or instructions_left() is not None:
            return self._all.run(guest, cpu, limits)
        self._processor.look()
        if limits.until is None:
            return self._run(guest, cpu, Run(cpu, limits))
        page = self._page(limits.until)
        self._untils.append(page)
        try:
            self._withdraw(page)
            return self._run(guest, cpu, Run(cpu, limits))
        finally:
            self._untils.pop()

    @property
    def _all(self) -> Runner:
        """Runs all code."""
        return self._other("all")

    @property
    def _rest(self) -> Runner:
        """Runs the code that isn't the processor's."""
        return self._other("rest")

    def _other(self, name: str) -> Runner:
        found = self._others.get(name)
        if found is None:
            found = self._others[name] = _translating(self._page_table)
        return found

    def _run(self, guest: Guest, cpu: Cpu, run: Run) -> Stop:
        stepper = Stepper(run, guest)
        rest = _Rest(guest, self)
        state = cpu.state
        is_counted = True
        while True:
            stop = run.over()
            if stop is None and guest.hooked("read", 0, LIMIT) | guest.hooked("write", 0, LIMIT):
                stop = self._all.run(guest, cpu, run.rest())
                run.count(stop.instructions or 0)
            elif stop is None and self.is_ready(guest, int(state.pc)):
                is_counted = False
                if self._processor.run(state) == SIGNAL or not self.is_ready(guest, int(state.pc)):
                    continue
                # The pages of the code are as they should be: so it is the instruction itself.
                stop = stepper.step()
            elif stop is None:
                stop = self._rest.run(rest, cpu, run.rest())
                run.count(stop.instructions or 0)
                if self._goes_on(guest, stop):
                    continue
            if stop is not None:
                return run.told(stop, is_counted=is_counted)

    def _goes_on(self, guest: Guest, stop: Stop) -> bool:
        """Whether a run has only come to code of the processor's."""
        is_execute = stop.reason is StopReason.FAULT and stop.access == "execute"
        return is_execute and self.is_ready(guest, stop.pc)

    def is_ready(self, guest: Guest, pc: int) -> bool:
        """Whether the code at an address is the processor's, which is made executable then."""
        page = self._page(pc)
        known = self._ready.get(page)
        if known is not None and not pc & 3:
            return known
        if guest.fetch(pc) is None or page in self._untils:
            return False
        size = self._pages.page
        self._ready[page] = False
        if not guest.hooked("code", page, page + size) and is_for_processor(guest.read_as_guest(page, size)):
            self._pages.protect(page, page + size, Protection.READ | Protection.EXECUTE)
            self._ready[page] = True
        return self._ready[page]

    def _page(self, address: int) -> int:
        return address // self._pages.page * self._pages.page

    def invalidate(self, begin: int, end: int) -> None:
        for other in self._others.values():
            other.invalidate(begin, end)
        size = self._pages.page
        first, last = self._page(begin), self._page(end - 1) + size
        found = range(first, last, size) if (last - first) // size < len(self._ready) else tuple(self._ready)
        for page in found:
            if first <= page < last:
                self._withdraw(page)

    def _withdraw(self, page: int) -> None:
        """Have a page looked at anew. It isn't executable before it is known to be no more."""
        if self._ready.get(page):
            self._pages.protect(page, page + self._pages.page, Protection.READ)
        self._ready.pop(page, None)


def _translating(page_table: PageTable) -> Runner:
    """What runs code in the place of the processor."""
    # Only now: it brings along LLVM, which may be refused where the processor can run code.
    from armexec.engines.observed import Observed

    try:
        return Observed(page_table)
    except HostError:
        return Interpreted()


class _Rest:
    """An address space without the code that is the processor's."""

    def __init__(self, guest: Guest, runner: OnProcessor) -> None:
        self._guest = guest
        self._runner = runner
        self.read_as_guest = guest.read_as_guest
        self.overwritten = guest.overwritten
        self.write_as_guest = guest.write_as_guest
        self.invalidate = guest.invalidate
        self.hooked = guest.hooked
        self.call_hooks = guest.call_hooks
        self.is_host_function = guest.is_host_function
        self.call_host_function = guest.call_host_function
        self.call_access_hooks = guest.call_access_hooks

    def fetch(self, address: int) -> int | None:
        return None if self._runner.is_ready(self._guest, address) else self._guest.fetch(address)
