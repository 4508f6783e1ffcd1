"""The fork server as this process sees it, and the workers that it has forked."""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import threading
from typing import IO, Any

from armexec.errors import HostError
from armexec.forks import in_child
from armexec.isolation.channel import Channel, ChannelClosed, ProtocolError
from armexec.isolation.protocol import SERVER_LIMIT, ServerKind

__all__ = ["ForkServer", "fork_server"]

_START = 120.0
"""Seconds until the server must be ready: it imports everything, perhaps on a busy machine."""
_END = 5.0
_PASSED = ("ARMEXEC_", "PYTHON", "LD_", "DYLD_", "LC_")
_PASSED_NAMES = {"HOME", "LANG", "PATH", "SYSTEMROOT", "TMPDIR", "VIRTUAL_ENV", "XDG_CACHE_HOME"}
_PROGRAM = (
    "import sys; sys.path[:] = {path!r}; from armexec.isolation.server.fork_server import serve; serve({descriptor})"
)


class ForkServer:
    """The process that forks workers. It ends with this process, whatever ends that."""

    def __init__(self) -> None:
        """Start it. `_ready` waits for it.

        Raises:
            HostError: the system refuses.
        """
        if not sys.executable or getattr(sys, "frozen", False) or not hasattr(socket, "send_fds"):
            raise HostError('isolate="process" needs a system with sockets that pass files, and a Python to start')
        self._lock = threading.Lock()
        self._is_ready = False
        self._owed = 0
        self._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._channel = Channel(self._control)
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        with other:
            program = _PROGRAM.format(path=sys.path, descriptor=other.fileno())
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", program],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    pass_fds=[other.fileno()],
                    env=_environment(),
                    # Ctrl-C in the terminal is this process's.
                    start_new_session=True,
                )
            except OSError as error:
                raise HostError(f"the process that workers are forked from can't be started: {error}") from error

    def start(self, files: list[int], options: dict[str, Any]) -> int:
        """Fork a worker, which gets one end of a pair of sockets, and perhaps shared memory, by their descriptors. Its
        process id. Raises HostError."""
        with self._lock:
            self._wait()
            try:
                self._send(ServerKind.START, options)
                socket.send_fds(self._control, [b"\0"], files)
                found = self._answer()
            except (ChannelClosed, ProtocolError, TimeoutError, OSError) as error:
                self._broken(error)
        if isinstance(found, OSError):
            raise HostError(f"a worker process can't be started: {found}") from found
        return int(found)

    def signal(self, process: int, number: int) -> None:
        """Send a signal to a worker, if it is still there."""
        with contextlib.suppress(HostError):
            self._ask(ServerKind.SIGNAL, (process, number))

    def exit_code(self, process: int) -> int | None:
        """The exit code of a worker, as `Popen.returncode` has it; None if it isn't known."""
        with contextlib.suppress(HostError):
            found = self._ask(ServerKind.EXIT_CODE, process)
            return None if found is None else int(found)
        return None

    def _ask(self, kind: ServerKind, question: Any) -> Any:
        with self._lock:
            try:
                self._send(kind, question)
                return self._answer()
            except (ChannelClosed, ProtocolError, TimeoutError) as error:
                self._broken(error)

    def _send(self, kind: ServerKind, question: Any) -> None:
        # KeyboardInterrupt may have come before an answer.
        while self._owed:
            self._answer()
        self._owed += 1
        self._channel.send(kind, pickle.dumps(question))

    def _answer(self) -> Any:
        """The server's answer: the server never runs the guest, so it is unpickled."""
        _, data = self._channel.receive(SERVER_LIMIT, _START)
        self._owed -= 1
        return pickle.loads(data)

    def _wait(self) -> None:
        """Wait until the server is ready. Raises HostError."""
        if self._is_ready:
            return
        try:
            self._channel.receive(SERVER_LIMIT, _START)
            self._is_ready = True
        except (ChannelClosed, ProtocolError, TimeoutError) as error:
            self._broken(error)

    def _broken(self, error: Exception) -> Any:
        """Let the next call start another server. Raises HostError."""
        _forget(self)
        self.close()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "backslashreplace").strip().splitlines()
        why = lines[-1] if lines else f"exit status {self._process.returncode}"
        raise HostError(f"the process that workers are forked from has ended ({why}): try again") from error

    @property
    def broken(self) -> bool:
        """Whether something, such as KeyboardInterrupt, has ended a conversation in the middle."""
        if not self._lock.acquire(blocking=False):
            # Another thread is in the middle of one.
            return False
        try:
            return self._control.fileno() < 0 or not self._channel.is_whole
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the server and its workers."""
        self._channel.close()
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def abandon(self) -> None:
        """In a child of this process: the server belongs to its parent."""
        self._channel.close()
        self._process.returncode = 0  # nothing to wait for


_lock = threading.Lock()
_server: ForkServer | None = None


def fork_server() -> ForkServer:
    """The fork server of this process, which is started if there is none. Raises HostError."""
    global _server  # noqa: PLW0603
    with _lock:
        if _server is not None and _server.broken:
            _server.close()
            _server = None
        if _server is None:
            _server = ForkServer()
        return _server


def _forget(server: ForkServer) -> None:
    global _server  # noqa: PLW0603
    if _server is server:
        _server = None


def _environment() -> dict[str, str]:
    """The environment variables that workers need: they should know none of the user's secrets."""
    return {name: value for name, value in os.environ.items() if name in _PASSED_NAMES or name.startswith(_PASSED)}


def _close() -> None:
    if _server is not None:
        _server.close()


def _forked() -> None:
    global _lock, _server  # noqa: PLW0603
    _lock = threading.Lock()
    if _server is not None:
        _server.abandon()
    _server = None


atexit.register(_close)
in_child(_forked)
