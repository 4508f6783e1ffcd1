"""A worker: a process that has one module, and calls its functions for another process."""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import pickle
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from armexec.abi import calling_convention
from armexec.abi.placement import CallingConvention
from armexec.abi.values.codec import codec
from armexec.engines import Engine, get_engine
from armexec.errors import Error
from armexec.isolation.blocks import Blocks
from armexec.isolation.channel import Channel, ChannelClosed
from armexec.isolation.protocol import CallbackReference, Reply, Request, encode_error, join_blocks
from armexec.isolation.sandbox import Sandbox, deny_files, filter_system_calls, limit_resources
from armexec.isolation.server.warm import start_threads
from armexec.isolation.shared import map_shared
from armexec.memory import HostMemory
from armexec.module import Function, Module
from armexec.module.guest_callbacks import Callback
from armexec.module.settings import Settings
from armexec.objects import FunctionSymbol, Image, Prototype
from armexec.run_limits import limits

__all__ = ["begin", "confined", "run"]

_PR_SET_PDEATHSIG = 1
_ANY_SIZE = 1 << 40
_PART = 1 << 16
"""Bytes of output that are sent at once."""


class _Raised(BaseException):
    """An exception of a function of Python in the other process, which has it under a number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Ended(BaseException):
    """The other process doesn't need this one any more."""


def run(descriptors: Sequence[int], options: dict[str, Any]) -> None:
    """Confine this process, and do what the process at the other end of a socket asks for until it closes that.

    `descriptors` are those of the socket, and of shared memory if there is some.
    """
    begin(options)
    # All others that there are belong to objects, such as files in memory: the fork server has been given none.
    connection, *files = descriptors
    shared = map_shared(files[0]) if files else 0
    worker = _Worker(Channel(socket.socket(fileno=connection), None), shared)
    try:
        worker.confine(options["memory"])
        worker.serve()
    except (ChannelClosed, _Ended):
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
    return Sandbox(landlock, filter_system_calls(), memory)


class _Worker:
    """The module, its functions by number, and the conversation with the other process."""

    def __init__(self, channel: Channel, shared: int) -> None:
        self._channel = channel
        self._shared = shared
        self._sending = threading.Lock()
        self._module: Module | None = None
        self._functions: dict[int, tuple[Callable[..., Any], Prototype, bool]] = {}
        self._callbacks: dict[int, Callback] = {}
        self._engine: Engine
        self._convention: CallingConvention
        self._memory = HostMemory()
        self._interruptible = False
        self._interrupted = False

    def confine(self, memory: int) -> None:
        """Give up all that isn't needed, and tell what confines this process."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, self._interrupt)
        try:
            sandbox = confined(memory)
        except OSError as error:
            self._channel.send(Reply.ERROR, str(error).encode("utf-8", "backslashreplace"))
            raise _Ended from None
        sys.stdin = io.TextIOWrapper(io.BytesIO())
        sys.stdout = _Output(self, 1)
        sys.stderr = _Output(self, 2)
        self._channel.send(Reply.READY, json.dumps(sandbox).encode())

    # Ctrl-C of the other process

    def _interrupt(self, *_: object) -> None:
        self._interrupted = True
        if self._interruptible:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def _interrupts(self, allowed: bool) -> Iterator[None]:
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

    # Messages

    def serve(self, until_return: Prototype | None = None) -> Any:
        """Do what is asked for; with `until_return`, until a function of Python has returned: what it returned."""
        while True:
            kind, data = self._channel.receive(_ANY_SIZE)
            request = pickle.loads(data)
            if kind == Request.RETURN:
                assert until_return is not None
                return codec(until_return.result).unpack(request) if request is not None else None
            if kind == Request.RAISE:
                raise _Raised(request)
            reply = Reply.ERROR
            changed: list[tuple[int, bytes]] = []
            try:
                rest = self._call(changed, *request) if kind == Request.CALL else self._other(Request(kind), request)
                reply = Reply.RESULT
            except _Raised as raised:
                rest = json.dumps({"raised": raised.number}).encode()
            except KeyboardInterrupt:
                rest = json.dumps({"interrupted": True}).encode()
            except Exception as error:
                rest = _encoded(error)
            self._interruptible = False
            with self._sending:
                self._channel.send(reply, *join_blocks(changed, rest))
            if kind == Request.CLOSE:
                raise _Ended

    def output(self, stream: int, data: bytes) -> None:
        """Send what the guest has written."""
        with self._interrupts(False), self._sending:
            for at in range(0, len(data), _PART):
                self._channel.send(Reply.OUTPUT, bytes([stream]), data[at : at + _PART])

    def _other(self, kind: Request, request: Any) -> bytes:
        if kind == Request.LOAD:
            return self._load(*request)
        if kind == Request.BIND:
            self._bind(*request)
        elif kind == Request.READ:
            return self._memory.read(*request)
        elif kind == Request.WRITE:
            self._memory.write(*request)
        elif kind == Request.REPLACE:
            self._replace(*request)
        elif kind == Request.ADDRESS:
            return self._callback(request).address.to_bytes(8, "little")
        elif kind == Request.FORGET:
            self._callbacks.pop(request, None)
        elif kind == Request.CLOSE:
            self._loaded().close()
        return b""

    def _loaded(self) -> Module:
        assert self._module is not None
        return self._module

    def _load(self, image: Image, engine: str, imports: dict[str, Any], settings: Settings) -> bytes:
        """Load the module; its base address."""
        self._engine, self._convention = get_engine(engine), calling_convention(image)
        given = {
            name: self._callback(value) if isinstance(value, CallbackReference) else value
            for name, value in imports.items()
        }
        self._interrupted = False
        with self._interrupts(True):
            self._module = Module(image, engine, imports=given, settings=settings)
        return self._module.loaded.base.to_bytes(8, "little")

    def _bind(self, number: int, offset: int, name: str, prototype: Prototype, is_text: bool) -> None:
        module = self._loaded()
        symbol = FunctionSymbol(name, name, offset, 0, module.image)
        function = Function(module, symbol, prototype)
        self._functions[number] = (function.returning(bytes) if is_text else function), prototype, is_text

    # Calls

    def _call(
        self,
        changed: list[tuple[int, bytes]],
        number: int,
        time_limit: float | None,
        arguments: list[Any],
        extra: list[Any],
        blocks: list[Any],
    ) -> bytes:
        """Call a function; the result's bytes. `changed` gets the blocks that the guest has changed."""
        function, prototype, is_text = self._functions[number]
        memory = Blocks(blocks, self._shared)
        passed = [
            self._argument(value, parameter.type, memory)
            for value, parameter in zip(arguments, prototype.parameters, strict=True)
        ]
        passed += [self._argument(value, None, memory) for value in extra]
        self._interrupted = False
        try:
            with self._interrupts(True):
                if time_limit is None:
                    result = function(*passed)
                else:
                    with limits(time_limit=time_limit):
                        result = function(*passed)
        finally:
            changed += memory.changed()
        if is_text:
            return b"" if result is None else b"\1" + result
        if prototype.result.kind == "void":
            return b""
        return codec(prototype.result).pack(result, [])

    def _argument(self, value: Any, ctype: Any, memory: Blocks) -> Any:
        if type(value) is tuple:
            return memory.address(value)
        if type(value) is bytes and ctype is not None:
            return codec(ctype).unpack(value)
        return value

    def _replace(self, offset: int, replacement: CallbackReference | int | None) -> None:
        """Have the guest call something else: a callback, the function at another offset, or the function itself."""
        module = self._loaded()
        if isinstance(replacement, CallbackReference):
            module.replace(offset, self._callback(replacement))
        else:
            module.replace(offset, None if replacement is None else module.at(replacement, "void()"))

    def _callback(self, reference: CallbackReference) -> Callback:
        """What calls a function of Python in the other process."""
        made = self._callbacks.get(reference.number)
        if made is None:
            made = Callback(self._caller(reference), reference.prototype, self._engine, self._convention)
            self._callbacks[reference.number] = made
        return made

    def _caller(self, reference: CallbackReference) -> Callable[..., Any]:
        prototype = reference.prototype
        codecs = [codec(parameter.type) for parameter in prototype.parameters]

        def call(*arguments: Any) -> Any:
            data = [found.pack(value, []) for found, value in zip(codecs, arguments, strict=True)]
            with self._interrupts(False):
                with self._sending:
                    self._channel.send(Reply.CALLBACK, reference.number.to_bytes(8, "little"), *data)
                return self.serve(prototype)

        return call


def _encoded(error: Exception) -> bytes:
    try:
        return encode_error(error)
    except Exception as second:
        # Its text is found only now.
        return encode_error(Error(f"the worker process failed: {type(error).__name__}, and {second!r:.200}"))


class _Output(io.TextIOBase):
    """Standard output or error, which the other process writes."""

    def __init__(self, worker: _Worker, stream: int) -> None:
        self.buffer = _Binary(worker, stream)

    def write(self, text: str) -> int:
        self.buffer.write(text.encode("utf-8", "backslashreplace"))
        return len(text)


class _Binary(io.RawIOBase):
    def __init__(self, worker: _Worker, stream: int) -> None:
        self._worker = worker
        self._stream = stream

    def write(self, data: Any) -> int:
        self._worker.output(self._stream, bytes(data))
        return len(data)
