"""The process that workers are forked from: it has imported everything, runs no guest, and has no other threads.

A worker must not be forked from the user's process, which may have threads and secrets, and a new interpreter takes too
long. This process is the parent of all workers: it tells how they ended, and ends them when its own parent has gone.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import socket
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from armexec.isolation.channel import Channel, ChannelClosed
from armexec.isolation.protocol import SERVER_LIMIT, ServerKind
from armexec.isolation.server.warm import prepare

__all__ = ["serve"]

_PATIENCE = 2.0
"""Seconds until a worker that has closed its channel must have ended."""
_WORKER = "armexec.isolation.worker"
"""The module whose `run` is a worker, if nothing else is asked for."""
_REMEMBERED = 1000
"""Exit codes that nobody has asked for."""


class _Workers:
    """The processes that were forked; those that have ended, with their exit codes as `Popen.returncode`."""

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._ended: dict[int, int] = {}

    def add(self, process: int) -> None:
        self._running.add(process)

    def reap(self, *_: object) -> None:
        """Take the exit codes of all that have ended."""
        for process in list(self._running):
            with contextlib.suppress(ChildProcessError):
                found, status = os.waitpid(process, os.WNOHANG)
                if not found:
                    continue
                self._ended[process] = os.waitstatus_to_exitcode(status)
            self._running.discard(process)
        while len(self._ended) > _REMEMBERED:
            self._ended.pop(next(iter(self._ended)), None)

    def signal(self, process: int, number: int) -> None:
        """Send a signal to a worker, if it hasn't ended. Its id isn't another's until it is reaped."""
        self.reap()
        if process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def exit_code(self, process: int) -> int | None:
        """The exit code of a worker, which is forgotten; None if it doesn't end."""
        limit = time.monotonic() + _PATIENCE
        while process in self._running and time.monotonic() < limit:
            self.reap()
            time.sleep(0.001)
        return self._ended.pop(process, None)

    def end_all(self) -> None:
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for process in self._running:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process, 0)


def serve(descriptor: int) -> None:
    """Do what the process at the other end of a socket asks for, until it closes that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    control = socket.socket(fileno=descriptor)
    prepare()
    import_module(_WORKER)
    gc.collect()
    gc.freeze()  # so that workers share the memory
    channel = Channel(control, None)
    channel.send(ServerKind.READY)
    # What came until here belongs into the message that there is no such server.
    with open(os.devnull, "r+b", buffering=0) as nothing:
        for stream in (0, 1, 2):
            os.dup2(nothing.fileno(), stream)
    workers = _Workers()
    signal.signal(signal.SIGCHLD, workers.reap)
    try:
        while True:
            kind, data = channel.receive(SERVER_LIMIT)
            if kind == ServerKind.START:
                channel.send(ServerKind.ANSWER, pickle.dumps(_start(control, pickle.loads(data), workers)))
            elif kind == ServerKind.SIGNAL:
                workers.signal(*pickle.loads(data))
                channel.send(ServerKind.ANSWER, pickle.dumps(None))
            elif kind == ServerKind.EXIT_CODE:
                channel.send(ServerKind.ANSWER, pickle.dumps(workers.exit_code(pickle.loads(data))))
            workers.reap()
    except ChannelClosed:
        pass
    finally:
        workers.end_all()


def _start(control: socket.socket, options: dict[str, Any], workers: _Workers) -> int | OSError:
    """Fork a worker; its files come along as ancillary data. Its process id, or why there is none."""
    _, descriptors, _, _ = socket.recv_fds(control, 1, 2)
    try:
        process = os.fork()
    except OSError as error:
        _close(descriptors)
        return error
    if process:
        _close(descriptors)
        workers.add(process)
        return process
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        control.close()
        run = import_module(options.get("worker", _WORKER)).run
        run(descriptors, options)
        status = 0
    finally:
        # Nothing of the server's is to be done by its copy.
        os._exit(status)


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
