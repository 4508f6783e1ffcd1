"""The processes that do the work, as the server sees them. Each is asked one thing at a time; one that takes too long,
or has ended, is replaced."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryDirectory
from typing import Any

from armexec.errors import Error, HostError, WorkerCrashed
from armexec.explorer.messages import READY, REQUEST, pack, unpack
from armexec.explorer.serving.sessions import kill_session
from armexec.isolation.channel import Channel, ChannelClosed, ProtocolError
from armexec.isolation.server.client import fork_server

__all__ = ["Builder", "Builders", "Runner", "Worker"]

_LARGEST = 1 << 26
"""Bytes of an answer."""
_START = 60.0
_threads = ThreadPoolExecutor(64, "explorer")
_BUILDER = "import sys; sys.path[:] = {path!r}; from {module} import serve; serve({descriptor})"


class Worker:
    """A process that answers requests; `what` it is in messages. It is started when it is first asked."""

    what = "the process"

    def __init__(self) -> None:
        self._channel: Channel | None = None
        self._turn = asyncio.Lock()
        self._ending = threading.Lock()
        self._closed = False
        self.kills = 0
        """How often it was killed."""

    async def ask(
        self, request: Mapping[str, Any], data: bytes, seconds: float, *, kills: int | None = None
    ) -> tuple[dict[str, Any], bytes]:
        """The answer: a message with "ok" or "error", and bytes.

        Args:
            request: what is asked.
            data: bytes that belong to it.
            seconds: how long the answer may take.
            kills: how often the process had been killed when the request came; by default now. A kill since is meant
                for this request, too.

        Raises:
            WorkerCrashed: it has ended, or was ended since it took too long; the next request starts another one.
            HostError: it can't be started.
        """
        if kills is None:
            kills = self.kills
        async with self._turn:
            if self._closed:
                raise WorkerCrashed(f"{self.what} is closed")
            if self._channel is None:
                self._channel = await self._in_thread(self._started)
            if self.kills != kills:
                raise WorkerCrashed(f"{self.what} was stopped")
            try:
                answer: tuple[dict[str, Any], bytes]
                answer = await self._in_thread(self._converse, pack(request, data), seconds)
                return answer
            except TimeoutError:
                await self._in_thread(self._replaced)
                raise WorkerCrashed(f"{self.what} took more than {seconds:g} s, and was ended") from None
            except (ChannelClosed, ProtocolError, ValueError):
                how = await self._in_thread(self._replaced)
                raise WorkerCrashed(f"{self.what} has ended ({how}), and was replaced") from None

    @staticmethod
    async def _in_thread(function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(_threads, function, *arguments)

    def _started(self) -> Channel:
        channel = self._start()
        try:
            kind, packed = channel.receive(_LARGEST, _START)
            message, _ = unpack(packed)
        except (ChannelClosed, ProtocolError, TimeoutError, ValueError):
            channel.close()
            raise HostError(f"{self.what} can't be started") from None
        if kind != READY or "error" in message:
            channel.close()
            raise HostError(f"{self.what} can't be started: {message.get('error', '')}")
        return channel

    def _converse(self, packed: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        channel = self._channel
        if channel is None:
            raise ChannelClosed
        channel.send(REQUEST, packed)
        _, answer = channel.receive(_LARGEST, seconds)
        message, data = unpack(answer)
        if "ok" not in message and "error" not in message:
            raise ProtocolError("no answer")
        return message, data

    def _replaced(self) -> str:
        """End the process, so that the next request starts another one; how it has ended."""
        with self._ending:
            channel, self._channel = self._channel, None
            if channel is None:
                return "stopped"
            how = self._end()
            channel.close()
            return how

    def kill(self) -> None:
        """End it now. A request that waits for it fails."""
        self.kills += 1
        self._replaced()

    def close(self) -> None:
        """End it for good."""
        self._closed = True
        self.kill()

    def _start(self) -> Channel:
        raise NotImplementedError

    def _end(self) -> str:
        raise NotImplementedError


def _how(code: int | None) -> str:
    if code is None:
        return "for an unknown reason"
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit status {code}"


class Builder(Worker):
    """A process that compiles and disassembles. It starts the compiler, and runs no guest. `module`: whose `serve` is
    its main loop."""

    what = "the compiler's process"
    module = "armexec.explorer.builds.process"
    _process: subprocess.Popen[bytes] | None = None
    _folder: TemporaryDirectory[str] | None = None
    """Its temporary files, the only ones that it may change beside the cache."""

    def _start(self) -> Channel:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="armexec-builder-", ignore_cleanup_errors=True)
        channel, other = Channel.pair()
        with other:
            program = _BUILDER.format(path=sys.path, module=self.module, descriptor=other.fileno())
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", program],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[other.fileno()],
                    env=os.environ | {"TMPDIR": self._folder.name},
                    # Ctrl-C in the terminal is the server's; and its compilers are ended with it.
                    start_new_session=True,
                )
            except OSError as error:
                channel.close()
                raise HostError(f"{self.what} can't be started: {error}") from None
        return channel

    def _end(self) -> str:
        process, self._process = self._process, None
        if process is None:
            return "closed"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
        code = process.poll()
        process.kill()
        process.wait()
        kill_session(process.pid)
        return _how(code)

    def close(self) -> None:
        """End it for good, and remove its temporary files."""
        super().close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class Builders:
    """Two of them, which take turns: while one builds a library for minutes, the other compiles."""

    def __init__(self, make: Callable[[], Builder] = Builder) -> None:
        self._all = [make(), make()]
        self._busy = [0, 0]

    async def ask(self, request: Mapping[str, Any], seconds: float) -> tuple[dict[str, Any], bytes]:
        """The answer of the one that has less to do. Raises WorkerCrashed and HostError."""
        index = min((0, 1), key=self._busy.__getitem__)
        self._busy[index] += 1
        try:
            return await self._all[index].ask(request, b"", seconds)
        finally:
            self._busy[index] -= 1

    def close(self) -> None:
        """End them."""
        for builder in self._all:
            builder.close()


class Runner(Worker):
    """A confined process that has the guest of one page. `module`: whose `run` is its main loop."""

    what = "the process that ran the code"
    module = "armexec.explorer.runs.process"
    _pid = 0

    def _start(self) -> Channel:
        channel, other = Channel.pair()
        with other:
            environment = {name: value for name, value in os.environ.items() if name.startswith("ARMEXEC_")}
            options = {"worker": self.module, "environment": environment}
            self._server = fork_server()
            try:
                self._pid = self._server.start([other.fileno()], options)
            except Error:
                channel.close()
                raise
        return channel

    @property
    def pid(self) -> int:
        """Its process id, 0 where there is none."""
        return self._pid

    def _end(self) -> str:
        pid, self._pid = self._pid, 0
        if not pid:
            return "closed"
        # A signal is what has ended it, if it has ended by itself.
        self._server.signal(pid, signal.SIGKILL)
        return _how(self._server.exit_code(pid))
