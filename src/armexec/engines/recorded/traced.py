"""Runs that record each instruction, by blocks that write what they do, and by the interpreter for the rest."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence

from armexec.cpu.cpu import Cpu, Limits
from armexec.cpu.stop import Stop
from armexec.engines.observed import Observed, Policy, execute_blocks
from armexec.engines.recorded.records import RecordedGuest, Recorder, RecordingStepper
from armexec.engines.running import Guest
from armexec.engines.stepping import Run
from armexec.isa import Decoded
from armexec.memory.guest.page_table import PageTable
from armexec.translate.codegen import llvm as host
from armexec.translate.observed.block import HOT, INTERPRET, LIMITED, MISSING, UNTIL, BlockText, RunContext
from armexec.translate.observed.traced import traced_block_text

__all__ = ["Interpreted", "Traced"]

_NOWHERE = 1
"""A pc that no instruction has."""


class Interpreted:
    """The same by the interpreter alone: the model, and for hosts that can't translate."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def trace(self, guest: RecordedGuest, run: Run) -> Stop:
        """Run until something stops it. Raises what hooks and functions of Python raise."""
        stepper = RecordingStepper(run, guest, self._recorder)
        while True:
            stop = run.over() or stepper.step()
            if stop is not None:
                return stop
            guest.registers_redirected(run.cpu)


class Traced(Observed):
    """Records with a recorder what Cpus do, by a table of pages.

    `refresh` is called before host code runs, which has the GIL then: it brings the table up to date.
    """

    def __init__(
        self,
        page_table: PageTable,
        recorder: Recorder,
        refresh: Callable[[], None] = lambda: None,
        policy: Policy | None = None,
    ) -> None:
        super().__init__(page_table, policy)
        self._recorder = recorder
        self._refresh = refresh

    def _text(self, name: str, blocks: Mapping[int, Sequence[Decoded]], *, keep: bool) -> BlockText:
        recorder = self._recorder
        return traced_block_text(
            name,
            blocks,
            host.host_features(),
            keep=keep,
            layouts=recorder.layouts,
            values=recorder.values,
        )

    def _symbols(self) -> dict[str, int]:
        return {**super()._symbols(), "control": self._recorder.address}

    def run(self, guest: Guest, cpu: Cpu, limits: Limits) -> Stop:
        """Not for runs that nobody takes the records of."""
        raise NotImplementedError

    def trace(self, guest: RecordedGuest, run: Run) -> Stop:
        """Run until something stops it. Raises what hooks and functions of Python raise."""
        recorder = self._recorder
        stepper = RecordingStepper(run, guest, recorder)
        state = run.cpu.state
        context = RunContext(until=_NOWHERE)
        if run.until is not None:
            self._split(run.until)
            context.until = run.until
        addresses = ctypes.addressof(state), ctypes.addressof(context), ctypes.addressof(self._table)
        while True:
            stop = run.over()
            if stop is not None:
                return stop
            self._refresh()
            allowed = min(self.policy.slice, recorder.room, *(() if run.left is None else (run.left,)))
            context.budget = allowed
            why = execute_blocks(*addresses)
            run.count(allowed - context.budget)
            guest.registers_redirected(run.cpu)
            if recorder.is_full:
                recorder.flush()
                continue
            if (why == UNTIL and run.until is not None) or (why == LIMITED and run.left != context.budget):
                # At the end of the run, or of the slice.
                continue
            if why == HOT:
                self._improve(guest, int(state.pc))
                continue
            if why == MISSING and self._enter(guest, int(state.pc)):
                continue
            stop = self._one_by_one(stepper, run, guest, straight=why != INTERPRET)
            if stop is not None:
                return stop

    def _one_by_one(self, stepper: RecordingStepper, run: Run, guest: RecordedGuest, *, straight: bool) -> Stop | None:
        """Execute one instruction, or all up to the next branch."""
        state = run.cpu.state
        while True:
            pc = int(state.pc)
            stop = run.over() or stepper.step()
            if stop is not None or guest.registers_redirected(run.cpu) or not straight or state.pc != pc + 4:
                return stop
