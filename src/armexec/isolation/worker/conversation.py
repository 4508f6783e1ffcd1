"""What a worker and the process that it works for say to each other, as the worker sees it."""

from __future__ import annotations

import contextlib
import json
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from armexec.errors import Error
from armexec.isolation.budget import Budget, left, set_left
from armexec.isolation.channel import Channel
from armexec.isolation.protocol import Reply, Request, encode_error, join_blocks

__all__ = ["Conversation", "Ended", "Guest"]

_ANY_SIZE = 1 << 40
_PART = 1 << 16
"""Bytes of output that are sent at once."""


class _Raised(BaseException):
    """An exception of a function of Python in the other process, which has it under a number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Ended(BaseException):
    """The other process doesn't need this one any more."""


class Guest(Protocol):
    """What a worker has: a module or a program."""

    def answer(self, kind: Request, question: Any, changed: list[tuple[int, bytes]]) -> bytes:
        """Do what is asked for; the result's bytes. `changed` gets the blocks that a call has changed. It may raise."""


class Conversation:
    """Requests and their replies. `guest` answers them."""

    guest: Guest

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._sending = threading.Lock()
        self._interruptible = False
        self._interrupted = False

    def interrupt(self, *_: object) -> None:
        """The handler of SIGINT: Ctrl-C of the other process."""
        self._interrupted = True
        if self._interruptible:
            raise KeyboardInterrupt

    def forget_interrupts(self) -> None:
        """What came before isn't meant for what comes now."""
        self._interrupted = False

    @contextlib.contextmanager
    def interrupts(self, allowed: bool) -> Iterator[None]:
        """Have interrupts raise, or wait. While messages are sent, they must wait."""
        before, self._interruptible = self._interruptible, allowed
        try:
            if allowed and self._interrupted:
                raise KeyboardInterrupt
            yield
        finally:
            self._interruptible = before
        if before and self._interrupted:
            raise KeyboardInterrupt

    def send(self, reply: Reply, *parts: bytes) -> None:
        """Send a message."""
        with self._sending:
            self._channel.send(reply, *parts)

    def serve(self, until_return: Callable[[Any], Any] | None = None) -> Any:
        """Do what is asked for; with `until_return`, until a function of Python has returned: what that makes of it."""
        while True:
            kind, data = self._channel.receive(_ANY_SIZE)
            request = pickle.loads(data)
            if kind in (Request.RETURN, Request.RAISE):
                remaining, value = request
                set_left(remaining)
                if kind == Request.RAISE:
                    raise _Raised(value)
                assert until_return is not None
                return until_return(value)
            reply = Reply.ERROR
            changed: list[tuple[int, bytes]] = []
            budget, question = request
            remaining = left()
            try:
                with Budget(*budget).held():
                    try:
                        rest = self.guest.answer(Request(kind), question, changed)
                    finally:
                        remaining = left()
                reply = Reply.RESULT
            except _Raised as raised:
                rest = json.dumps({"raised": raised.number}).encode()
            except KeyboardInterrupt:
                rest = json.dumps({"interrupted": True}).encode()
            except Exception as error:
                rest = _encoded(error)
            self._interruptible = False
            self.send(reply, remaining, *join_blocks(changed, rest))
            if kind == Request.CLOSE:
                raise Ended

    def call_python(self, number: int, arguments: list[bytes], decode: Callable[[Any], Any]) -> Any:
        """Call a function of Python in the other process by its number; what `decode` makes of its result.

        Whatever it raises leaves the guest, and is raised there again.
        """
        with self.interrupts(False):
            self.send(Reply.CALLBACK, number.to_bytes(8, "little"), left(), *arguments)
            return self.serve(decode)

    def output(self, stream: int, data: bytes) -> None:
        """Send what the guest has written."""
        with self.interrupts(False):
            for at in range(0, len(data), _PART):
                self.send(Reply.OUTPUT, bytes([stream]), data[at : at + _PART])


def _encoded(error: Exception) -> bytes:
    try:
        return encode_error(error)
    except Exception as second:
        # Its text is found only now.
        return encode_error(Error(f"the worker process failed: {type(error).__name__}, and {second!r:.200}"))
