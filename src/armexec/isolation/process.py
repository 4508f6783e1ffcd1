"""A worker process, as the process sees it that has it started."""

from __future__ import annotations

import json
import os
import signal

from armexec.errors import HostError
from armexec.isolation.channel import Channel, ChannelClosed, ProtocolError
from armexec.isolation.protocol import LIMIT, Reply
from armexec.isolation.sandbox import Sandbox
from armexec.isolation.server.client import ForkServer, fork_server
from armexec.isolation.shared import SharedMemory

__all__ = ["WorkerProcess"]

_START = 60.0
"""Seconds until a new worker must have confined itself."""


class WorkerProcess:
    """A worker process and the channel to it. `pid` is its process id, `sandbox` what confines it."""

    def __init__(self, memory: int) -> None:
        """Start one. Raises HostError."""
        self.server: ForkServer = fork_server()
        self.channel, other = Channel.pair()
        with other:
            environment = {name: value for name, value in os.environ.items() if name.startswith("ARMEXEC_")}
            self.shared = SharedMemory.create()
            """Memory for large arguments, if the system has such."""
            files = [other.fileno()] if self.shared is None else [other.fileno(), self.shared.descriptor]
            self.pid = self.server.start(files, {"memory": memory, "environment": environment})
        try:
            kind, data = self.channel.receive(LIMIT, _START)
            if kind != Reply.READY:
                raise HostError(f"a worker process can't be confined here: {data.decode('utf-8', 'backslashreplace')}")
            self.sandbox = Sandbox(*json.loads(data))
        except (ChannelClosed, ProtocolError, TimeoutError) as error:
            self.kill()
            raise HostError(f"a worker process ended at its start: exit code {self.exit_code()}") from error
        self.bound: set[int] = set()
        """The numbers of the functions that it knows."""
        self.addresses: dict[int, int] = {}
        """The addresses that functions of Python have there, by their numbers."""

    def kill(self) -> None:
        """End it at once."""
        self.server.signal(self.pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Let go of it: a worker without a channel ends."""
        self.channel.close()
        if self.shared is not None:
            self.shared.close()

    def exit_code(self) -> int | None:
        """How it ended: its exit status, a signal's number below zero, or None if that isn't known."""
        return self.server.exit_code(self.pid)
