"""qemu-aarch64, the user-mode emulator, as a contender."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from armexec.bench.arm_image import arm_image, entry
from armexec.bench.contenders.program import REPLY, REQUEST, make_program
from armexec.bench.contenders.runner import Run, Runner
from armexec.bench.kernels import Kernel
from armexec.errors import Error

__all__ = ["Qemu"]

_PROGRAMS = ("qemu-aarch64", "qemu-aarch64-static")


def _find() -> str | None:
    return next((path for path in map(shutil.which, _PROGRAMS) if path), None)


class _Process(Runner):
    """A running program that answers requests (see program.py). Its start isn't counted, and it stays translated."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def run(self, count: int) -> Run:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(REQUEST.pack(count))
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        reply = self._process.stdout.read(REPLY.size)
        if len(reply) != REPLY.size:
            raise Error(f"qemu-aarch64 ended with status {self._process.wait()} instead of an answer")
        result, nanoseconds = REPLY.unpack(reply)
        return Run(result, nanoseconds / 1e9)


class Qemu:
    """The words as a Linux program under qemu-aarch64."""

    name = "qemu"

    def unavailable(self) -> str | None:
        return None if _find() else f"no {_PROGRAMS[0]} on PATH (Debian's package is qemu-user)"

    @contextmanager
    def start(self, kernel: Kernel) -> Iterator[_Process]:
        qemu = _find()
        assert qemu is not None
        image = arm_image(kernel)
        program = make_program(image, entry(image)[0])
        with tempfile.TemporaryDirectory(prefix="armexec-bench-") as folder:
            path = os.path.join(folder, kernel.name)
            with open(path, "wb") as file:
                file.write(program)
            os.chmod(path, 0o700)
            process = subprocess.Popen((qemu, path), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            try:
                yield _Process(process)
            finally:
                process.kill()
                process.communicate()

    def describe(self) -> str:
        qemu = _find()
        assert qemu is not None
        done = subprocess.run((qemu, "--version"), capture_output=True, text=True, check=False)
        number = re.search(r"version (\S+)", done.stdout)
        return f"QEMU {number[1] if number else 'of unknown version'}"
