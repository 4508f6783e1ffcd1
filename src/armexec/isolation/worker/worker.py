"""A worker process: it confines itself, and does what another process asks for."""

from __future__ import annotations

import ctypes
import io
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from armexec.isolation.channel import Channel, ChannelClosed
from armexec.isolation.protocol import Reply, Request
from armexec.isolation.sandbox import Sandbox, deny_files, filter_system_calls, limit_resources
from armexec.isolation.server.warm import start_threads
from armexec.isolation.shared import map_shared
from armexec.isolation.worker.conversation import Conversation, Ended, Guest
from armexec.isolation.worker.module import ModuleInWorker
from armexec.isolation.worker.output import Output
from armexec.isolation.worker.program import ProgramInWorker
from armexec.program.threads import HostThreads

__all__ = ["begin", "confined", "run"]

_PR_SET_PDEATHSIG = 1


def run(descriptors: Sequence[int], options: dict[str, Any]) -> None:
    """Confine this process, and do what the process at the other end of a socket asks for until it closes that.

    `descriptors` are those of the socket, and of shared memory if there is some.
    """
    begin(options)
    # All others that there are belong to objects, such as files in memory: the fork server has been given none.
    connection, *files = descriptors
    shared = map_shared(files[0]) if files else 0
    conversation = Conversation(Channel(socket.socket(fileno=connection), None))
    conversation.guest = _Empty(conversation, shared)
    try:
        _confine(conversation, options["memory"])
        conversation.serve()
    except (ChannelClosed, Ended):
        pass


def begin(options: dict[str, Any]) -> None:
    """Have this process end with its parent, and give it its environment. It must not use the cache."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.environ.update(options["environment"])
    os.environ["ARMEXEC_CACHE"] = "off"


def confined(memory: int) -> Sandbox:
    """Give up all that running the guest doesn't need; `memory`: bytes that it may map, 0 for any.

    Raises:
        OSError: the system refuses what must confine it.
    """
    limit_resources(memory)
    landlock = deny_files()
    start_threads()
    # The filter lets nothing start any more.
    HostThreads.refused = "in a process of its own code has one thread"
    return Sandbox(landlock, filter_system_calls(), memory)


def _confine(conversation: Conversation, memory: int) -> None:
    """Give up all that isn't needed, and tell what confines this process."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, conversation.interrupt)
    try:
        sandbox = confined(memory)
    except OSError as error:
        conversation.send(Reply.ERROR, str(error).encode("utf-8", "backslashreplace"))
        raise Ended from None
    sys.stdin = io.TextIOWrapper(io.BytesIO())
    sys.stdout = Output(partial(conversation.output, 1))
    sys.stderr = Output(partial(conversation.output, 2))
    conversation.send(Reply.READY, json.dumps(sandbox).encode())


class _Empty:
    """A worker that has nothing yet: the first request says what it gets."""

    def __init__(self, conversation: Conversation, shared: int) -> None:
        self._conversation = conversation
        self._shared = shared

    def answer(self, kind: Request, question: Any, changed: list[tuple[int, bytes]]) -> bytes:
        conversation = self._conversation
        guest: Guest = (
            ProgramInWorker(conversation) if kind == Request.PROGRAM else ModuleInWorker(conversation, self._shared)
        )
        conversation.guest = guest
        return guest.answer(kind, question, changed)
