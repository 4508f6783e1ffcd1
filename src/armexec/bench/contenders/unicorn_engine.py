"""Unicorn as a contender, where the user has installed it."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from armexec.bench.arm_image import arm_image, entry
from armexec.bench.contenders.runner import Run, Runner
from armexec.bench.kernels import Kernel
from armexec.errors import Error

__all__ = ["Unicorn"]

_BASE = 0x10000000
_STACK, _STACK_SIZE = 0x7F000000, 1 << 20
_RETURN = 0x1000  # nothing is mapped there: reaching it is the end


def _unicorn() -> Any:
    # Unicorn is GPL and no part of armexec, which doesn't import it. It is looked up by its name only
    # here, when a benchmark is asked for, as qemu is on PATH.
    try:
        return importlib.import_module("unicorn")
    except ImportError as error:
        raise Error(f"the unicorn package can't be imported: {error}") from None


class _Machine(Runner):
    """A kernel in an emulator's memory, whose code stays translated between the runs."""

    def __init__(self, kernel: Kernel) -> None:
        self._unicorn = _unicorn()
        registers = importlib.import_module("unicorn.arm64_const")
        self._x0, self._sp = registers.UC_ARM64_REG_X0, registers.UC_ARM64_REG_SP
        self._lr = registers.UC_ARM64_REG_LR
        image = arm_image(kernel)
        self._start = _BASE + entry(image)[0]
        self._machine = machine = self._unicorn.Uc(self._unicorn.UC_ARCH_ARM64, self._unicorn.UC_MODE_ARM)
        machine.ctl_set_cpu_model(registers.UC_CPU_ARM64_MAX)
        machine.mem_map(_BASE, -(-image.size // 4096) * 4096)
        machine.mem_map(_STACK - _STACK_SIZE, _STACK_SIZE)
        for offset, data in image.place(_BASE, lambda _: None):
            machine.mem_write(_BASE + offset, data)

    def run_hooked(self, count: int, instructions: int) -> int:
        """Run so many instructions of a run, with an empty function of Python called for each; how many they were."""
        done = 0

        def hook(machine: Any, address: int, size: int, data: Any) -> None:
            nonlocal done
            done += 1
            if done == instructions:
                machine.emu_stop()

        handle = self._machine.hook_add(self._unicorn.UC_HOOK_CODE, hook)
        try:
            self.run(count)
        finally:
            self._machine.hook_del(handle)
        return done

    def run(self, count: int) -> Run:
        self._machine.reg_write(self._x0, count)
        self._machine.reg_write(self._lr, _RETURN)
        self._machine.reg_write(self._sp, _STACK)
        # It runs on this thread.
        start = time.thread_time()
        try:
            self._machine.emu_start(self._start, _RETURN)
        except self._unicorn.UcError as error:
            raise Error(f"Unicorn can't run the kernel: {error}") from None
        seconds = time.thread_time() - start
        return Run(self._machine.reg_read(self._x0), seconds)


class Unicorn:
    """The words in Unicorn's emulator."""

    name = "unicorn"

    def unavailable(self) -> str | None:
        found = importlib.util.find_spec("unicorn") is not None
        return None if found else "the Python package unicorn isn't installed (it is GPL, and no part of armexec)"

    @contextmanager
    def start(self, kernel: Kernel) -> Iterator[_Machine]:
        yield _Machine(kernel)

    def describe(self) -> str:
        return f"Unicorn {_unicorn().__version__}"
