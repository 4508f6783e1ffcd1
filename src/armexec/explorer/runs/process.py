"""The main loop of a runner: a worker process that is confined, and has the guest of one page."""

from __future__ import annotations

import contextlib
import pickle
import socket
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from armexec.errors import Error
from armexec.explorer.builds.runnable import Runnable
from armexec.explorer.messages import ANSWER, READY, failure, pack, unpack
from armexec.explorer.runs.moves import check, go, last_write, look
from armexec.explorer.runs.program import execute
from armexec.explorer.runs.run import Run
from armexec.isolation.channel import Channel, ChannelClosed
from armexec.isolation.worker.worker import begin, confined

__all__ = ["Answers", "run", "run_by"]

_LONGEST = 1 << 28
_MEMORY = 2 << 30
"""Bytes that the process may map beside what every worker needs."""
Answers: TypeAlias = Callable[[dict[str, Any], bytes], Any]
"""What answers a request and its bytes: by a value of JSON."""


def run(descriptors: Sequence[int], options: dict[str, Any]) -> None:
    """Confine this process, and answer a page's requests from a socket until it is closed. The fork server calls it."""
    run_by(descriptors, options, _Runner().answer)


def run_by(descriptors: Sequence[int], options: dict[str, Any], answers: Answers) -> None:
    """Confine this process, and answer requests from a socket by a function until it is closed."""
    begin(options)
    channel = Channel(socket.socket(fileno=descriptors[0]), None)
    with contextlib.suppress(ChannelClosed):
        try:
            sandbox = confined(_MEMORY)
        except OSError as error:
            channel.send(READY, pack({"error": str(error)}))
            return
        channel.send(READY, pack({"landlock": sandbox.landlock, "seccomp": sandbox.seccomp}))
        while True:
            _, data = channel.receive(_LONGEST)
            request, made = unpack(data)
            try:
                packed = pack({"ok": answers(request, made)})
            except Exception as error:
                packed = pack({"error": failure(error)})
            channel.send(ANSWER, packed)


class _Runner:
    """The run of a page that there is."""

    def __init__(self) -> None:
        self._run: Run | None = None

    def answer(self, request: dict[str, Any], made: bytes) -> Any:
        call = request.get("call")
        if call == "start":
            return self._start(pickle.loads(made), request)
        if call == "execute":
            return execute(pickle.loads(made), request)
        if call == "check":
            return check(self._run, request)
        if self._run is None:
            raise Error("nothing runs yet")
        if call == "parts":
            return {"parts": [self._run.recording.part(int(index)) for index in request.get("indices", ())[:8]]}
        if call == "look":
            return look(self._run, request)
        if call == "last_write":
            return last_write(self._run, request)
        if call == "go":
            return go(self._run, request)
        if call == "more":
            return self._run.more(int(request.get("count", 0)))
        raise ValueError(f"no request {call!r:.40}")

    def _start(self, runnable: Runnable, request: dict[str, Any]) -> Any:
        if self._run is not None:
            old, self._run = self._run, None
            with contextlib.suppress(Exception):
                old.close()
        self._run = Run(runnable, request)
        return self._run.summary()
