"""One module's worker, as the process sees it that calls the functions; it is replaced when it has ended."""

from __future__ import annotations

import contextlib
import json
import pickle
import signal
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from armexec.errors import Error, TimeLimitExceeded, WorkerCrashed
from armexec.forks import in_child, renew
from armexec.isolation.budget import LEFT_SIZE, NO_BUDGET, Account, Budget, left
from armexec.isolation.channel import ChannelClosed, ProtocolError
from armexec.isolation.process import WorkerProcess
from armexec.isolation.protocol import LIMIT, CallbackReference, Reply, Request, decode_error, split_blocks
from armexec.program.system_calls.streams import OutputStream
from armexec.resource_limits.deadlines import deadline

__all__ = ["Answer", "Session"]

_GRACE = {Request.CALL: 1.0, Request.CLOSE: 1.0, Request.RUN: 1.0, Request.LOAD: 30.0, Request.PROGRAM: 30.0}
"""Seconds after a time limit in which a worker may still tell where the guest was; to load a module is more than that.
"""
_PATIENCE = 10.0
"""Seconds for what is asked of a worker beside, without any code of the guest."""
_INTERRUPT = 1.0
"""Seconds after Ctrl-C in which a worker may still stop what it does, and keep its variables."""
_ADDRESS = 8
_HINTS = {"SIGKILL": ", perhaps since the system had no memory left,", "SIGABRT": ", by abort,"}
_RESTART = "; the next call starts another one, in which the module's variables have their initial values"
_TIMED = {Request.CALL, Request.RUN}
"""The requests that a time limit reaches the guest in."""
_NUMBER = 8
"""Bytes of the number of a callback."""


class Answer(NamedTuple):
    """What a call gives: the blocks of memory that it has changed, by their numbers, and the result's bytes; or its
    exception."""

    changed: Sequence[tuple[int, memoryview]]
    result: memoryview
    error: BaseException | None


def _left(when: float) -> float:
    """The seconds until then. Raises TimeoutError if there are none: there may always be messages."""
    left = when - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class Session:
    """The conversation with a worker. One thread at a time has it; others wait."""

    def __init__(
        self,
        name: str,
        memory: int,
        load: Callable[[], tuple[Request, tuple[Any, ...]]],
        complete: Callable[[Error], None],
        *,
        restart: str = _RESTART,
    ) -> None:
        """Begin with no worker.

        Args:
            name: the module's, for messages.
            memory: bytes that a worker may map for the guest; 0: any.
            load: gives the first request of each new worker, to load the module or the program, and what it says.
            complete: adds to an exception what only this process knows.
            restart: the end of messages that tell of a worker's end.
        """
        self.name = name
        self.base = 0
        """The address of the module's image in the worker."""
        self._memory = memory
        self._load = load
        self._complete = complete
        self._restart = restart
        self._was_loaded = False
        self._account = Account()
        self._worker: WorkerProcess | None = None
        self._lock = renew(self)
        self._callbacks: dict[int, Callable[[bytes], Any]] = {}
        self._raised: dict[int, BaseException] = {}
        self._streams = {1: OutputStream("stdout", None), 2: OutputStream("stderr", None)}
        self._closing: Any = None
        _sessions.add(self)

    @property
    def worker(self) -> WorkerProcess:
        """The worker; a new one if there is none. Raises HostError, and what loading raises."""
        with self._lock:
            worker = self._worker
            if worker is None:
                worker = self._worker = WorkerProcess(self._memory)
                self._account = Account()
                self._closing = weakref.finalize(self, worker.channel.close)
                try:
                    request, question = self._load()
                    what = f"while it loaded {self.name}"
                    counts = not self._was_loaded
                    found = self._converse(worker, request, question, (), what, LIMIT, _ADDRESS, counts=counts)
                    if found.error is not None:
                        raise found.error
                except BaseException:
                    self._drop(worker)
                    raise
                self.base = int.from_bytes(found.result, "little")
                self._was_loaded = True
            return worker

    def add_callback(self, number: int, function: Callable[[bytes], Any]) -> None:
        """Have a function called where the guest calls the callback of that number. What it returns is pickled."""
        self._callbacks[number] = function

    def callback_address(self, reference: CallbackReference) -> int:
        """The address of a callback in the worker. It is the same until `remove_callback`, or until the worker ends."""
        worker = self.worker
        found = worker.addresses.get(reference.number)
        if found is None:
            found = int.from_bytes(self.ask(Request.ADDRESS, reference, _ADDRESS), "little")
            worker.addresses[reference.number] = found
        return found

    def remove_callback(self, number: int) -> None:
        """Give up the address of a callback."""
        self._callbacks.pop(number, None)
        if self._worker is not None and self._worker.addresses.pop(number, None) is not None:
            self.ask(Request.FORGET, number)

    @contextlib.contextmanager
    def turn(self, what: str) -> Iterator[None]:
        """The conversation is this thread's alone. Raises TimeLimitExceeded if it can't have it in time."""
        when = deadline()
        if when is None:
            self._lock.acquire()
        elif not self._lock.acquire(timeout=max(when - time.monotonic(), 0.0)):
            raise TimeLimitExceeded(
                f"the time limit is over, before {what}: another thread uses the worker process,", pc=self.base
            )
        try:
            yield
        finally:
            self._lock.release()

    def ask(self, request: Request, question: Any, size: int = 0, what: str = "") -> bytes:
        """The worker's answer, which has so many bytes. `what`: where, for messages.

        Raises:
            WorkerCrashed: it has ended.
            Error: what the worker raises.
        """
        with self._lock:
            what = what or f"in {request.name.lower()}"
            found = self._converse(self.worker, request, question, (), what, LIMIT + size, size)
        if found.error is not None:
            raise found.error
        return bytes(found.result)

    def call(
        self, bind: tuple[Any, ...], question: tuple[Any, ...], sizes: Sequence[int], size: int | None, what: str
    ) -> Answer:
        """Call a function; its answer. The thread must have its `turn`.

        Args:
            bind: what the request to bind the function says, whose first part is the function's number.
            question: what the request to call it says, but for the number.
            sizes: those of the blocks in it, in bytes.
            size: that of the result, in bytes; None: any.
            what: the function, for messages.

        Raises:
            WorkerCrashed: the worker has ended.
            TimeLimitExceeded: it had to be ended.
        """
        worker = self.worker
        if bind[0] not in worker.bound:
            self.ask(Request.BIND, bind)
            worker.bound.add(bind[0])
        limit = LIMIT + sum(sizes) + 16 * len(sizes)
        return self._converse(worker, Request.CALL, (bind[0], *question), sizes, f"in {what}", limit, size)

    def _converse(
        self,
        worker: WorkerProcess,
        request: Request,
        question: Any,
        sizes: Sequence[int],
        what: str,
        limit: int,
        size: int | None,
        *,
        counts: bool = True,
    ) -> Answer:
        """Send a request, do what the worker asks for meanwhile, and return its reply. `counts`: whether what it uses
        counts for the limits of this thread."""
        when = deadline()
        until = None if when is None else max(when, time.monotonic()) + _GRACE.get(request, _PATIENCE)
        try:
            # A plain tuple unpickles faster.
            budget = tuple(Budget.of_thread(timed=request in _TIMED) if counts else NO_BUDGET)
            worker.channel.send(request, pickle.dumps((budget, question), pickle.HIGHEST_PROTOCOL))
            while True:
                kind, data = worker.channel.receive(limit, None if until is None else _left(until))
                if kind in (Reply.RESULT, Reply.ERROR):
                    remaining = self._left(data, 0)
                    if counts:
                        self._account.take(remaining)
                    changed, rest = split_blocks(data[LEFT_SIZE:], sizes)
                    if kind == Reply.RESULT and size is not None and len(rest) != size:
                        raise ProtocolError("a result of another size")
                    return Answer(changed, rest, None if kind == Reply.RESULT else self._error(rest))
                asked = time.monotonic()
                self._serve(worker, kind, data)
                if until is not None and kind == Reply.CALLBACK:
                    until += time.monotonic() - asked  # Python's time isn't the worker's
        except ChannelClosed:
            raise self._crashed(worker, what) from None
        except ProtocolError as error:
            self._drop(worker)
            raise WorkerCrashed(
                f"{self.name}: the worker process was ended {what}, since it sent {error}: the guest may have"
                f" overwritten its memory{self._restart}"
            ) from None
        except TimeoutError:
            self._drop(worker)
            raise TimeLimitExceeded(
                f"the time limit is over {what}, and the worker process had to be ended{self._restart},", pc=self.base
            ) from None
        except WorkerCrashed:
            raise
        except BaseException:
            self._interrupt(worker, sizes, limit)
            raise

    def _serve(self, worker: WorkerProcess, kind: int, data: bytes) -> None:
        """Do what a worker asks for during a call. Raises ProtocolError."""
        if kind == Reply.OUTPUT and data and data[0] in self._streams:
            self._streams[data[0]].write(data[1:])
        elif kind == Reply.CALLBACK and int.from_bytes(data[:_NUMBER], "little") in self._callbacks:
            self._account.take(self._left(data, _NUMBER))
            function = self._callbacks[int.from_bytes(data[:_NUMBER], "little")]
            self._call_back(worker, function, data[_NUMBER + LEFT_SIZE :])
        else:
            raise ProtocolError(f"a message of kind {kind}")

    @staticmethod
    def _left(data: bytes, at: int) -> bytes:
        """What a message says that the worker has left. Raises ProtocolError."""
        found = data[at : at + LEFT_SIZE]
        if len(found) != LEFT_SIZE:
            raise ProtocolError("a short message")
        return found

    def _call_back(self, worker: WorkerProcess, function: Callable[[bytes], Any], data: bytes) -> None:
        try:
            result = function(data)
        except ProtocolError:
            raise
        except BaseException as error:
            if self._worker is not worker:  # it has ended in the function
                raise
            self._raised[id(error)] = error
            worker.channel.send(Request.RAISE, pickle.dumps((left(), id(error))))
        else:
            worker.channel.send(Request.RETURN, pickle.dumps((left(), result)))

    def _error(self, data: memoryview) -> BaseException:
        """The exception that a worker tells of. Raises ProtocolError."""
        if bytes(data) == b'{"interrupted": true}':
            return KeyboardInterrupt()
        if bytes(data[:9]) == b'{"raised"':
            with contextlib.suppress(ValueError, LookupError, TypeError):
                return self._raised.pop(json.loads(bytes(data))["raised"])
            raise ProtocolError("an exception that was never raised")
        error = decode_error(data)
        self._complete(error)
        return error

    # The end

    def _interrupt(self, worker: WorkerProcess, sizes: Sequence[int], limit: int) -> None:
        """Have the worker stop what it does, and wait for that; else end it."""
        if self._worker is not worker:
            return
        try:
            if worker.channel.is_whole:
                worker.server.signal(worker.pid, signal.SIGINT)
                until = time.monotonic() + _INTERRUPT
                while True:
                    kind, _ = worker.channel.receive(limit, _left(until))
                    if kind in (Reply.RESULT, Reply.ERROR):
                        return
                    if kind == Reply.CALLBACK:
                        self._raised[0] = KeyboardInterrupt()
                        worker.channel.send(Request.RAISE, pickle.dumps((left(), 0)))
        except (ChannelClosed, ProtocolError, TimeoutError):
            self._drop(worker)
        except BaseException:
            self._drop(worker)
            raise
        else:
            self._drop(worker)

    def _crashed(self, worker: WorkerProcess, what: str) -> WorkerCrashed:
        """The exception for a worker that has ended."""
        code = worker.exit_code()
        self._drop(worker)
        number = -code if code is not None and code < 0 else 0
        if number:
            name = signal.Signals(number).name if number in list(signal.Signals) else ""
            how = f"ended by signal {number}{f' ({name})' if name else ''}{_HINTS.get(name, '')}"
        else:
            how = f"ended with exit status {code}" if code is not None else "gone"
        return WorkerCrashed(
            f"{self.name}: the worker process was {how} {what}{self._restart}".replace("was ended with", "ended with"),
            signal=number,
            status=code if code is not None and code > 0 else 0,
        )

    def _drop(self, worker: WorkerProcess) -> None:
        """End a worker that isn't wanted any more."""
        if self._worker is worker:
            self._worker = None
        if self._closing is not None:
            self._closing.detach()
        worker.kill()
        worker.exit_code()

    def close(self) -> None:
        """Destroy the module in the worker, and end that. Raises what a destructor raises."""
        with self._lock:
            worker = self._worker
            if worker is None:
                return
            try:
                self.ask(Request.CLOSE, None)
            finally:
                if self._worker is worker:
                    self._drop(worker)

    def end(self) -> None:
        """End the worker, whatever it does."""
        with self._lock:
            if self._worker is not None:
                self._drop(self._worker)

    def forked(self) -> None:
        """In a child of this process: the worker belongs to the parent."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()


_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


def _forked() -> None:
    for session in list(_sessions):
        session.forked()


in_child(_forked)
