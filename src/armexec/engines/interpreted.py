"""The reference engine in an address space: one instruction after the other, each fetched from memory."""

from __future__ import annotations

from armexec.cpu.cpu import Cpu, Limits
from armexec.cpu.stop import Stop
from armexec.engines.running import Guest
from armexec.engines.stepping import Run, Stepper

__all__ = ["Interpreted"]


class Interpreted:
    """Runs Cpus, and keeps nothing of their code."""

    def run(self, guest: Guest, cpu: Cpu, limits: Limits) -> Stop:
        run = Run(cpu, limits)
        stepper = Stepper(run, guest)
        while True:
            stop = run.over() or stepper.step()
            if stop is not None:
                return stop

    def invalidate(self, begin: int, end: int) -> None:
        """Nothing was made of it."""
