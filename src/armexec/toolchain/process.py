"""Running a compiler, with a time limit, so that no process is left behind."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass

from armexec.errors import CompileError

__all__ = ["Finished", "run"]

# Variables that would change the result silently, or add the host's headers to another system's.
_HIDDEN_OPTIONS = (
    "CCC_OVERRIDE_OPTIONS",
    "CPATH",
    "CPLUS_INCLUDE_PATH",
    "C_INCLUDE_PATH",
    "DEPENDENCIES_OUTPUT",
    "MACOSX_DEPLOYMENT_TARGET",
    "SUNPRO_DEPENDENCIES",
)


@dataclass(frozen=True)
class Finished:
    """A process that ended: its exit status (negative: the signal that killed it), output and messages."""

    status: int
    output: bytes
    text: str


def run(command: tuple[str, ...], *, source: bytes = b"", timeout: float, meanwhile: Iterable[object] = ()) -> Finished:
    """Run `command` with `source` as its standard input for at most `timeout` seconds.

    `meanwhile` is iterated while a command without a source runs, until that ends; its time doesn't count.

    Raises CompileError if the command can't be started or runs out of time.
    """
    import signal
    import subprocess

    environment = {name: value for name, value in os.environ.items() if name not in _HIDDEN_OPTIONS}
    environment["LC_ALL"] = "C"  # gcc's messages in the language that `parse_diagnostics` reads
    try:
        # In a process group of its own: a driver's children are killed with it.
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            process_group=0,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CompileError(f"can't start the compiler {command[0]}: {reason}") from None
    with process:
        try:
            # A command with a source begins when it has all of it.
            for _ in () if source else meanwhile:
                if process.poll() is not None:
                    break
            output, messages = process.communicate(source, timeout)
        except BaseException as error:
            with contextlib.suppress(OSError):  # it may just have ended
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise CompileError(
                    f"{command[0]} was stopped after {timeout:g} s without a result: simplify the source, or "
                    "allow it more time"
                ) from None
            raise
    return Finished(process.returncode, output, messages.decode("utf-8", "replace"))
