"""The server: a connection of one debugger, over TCP or over standard input and output."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable
from typing import Protocol

from armexec.debugger.rsp import memory, monitor, points, queries, registers, resume, transfers
from armexec.debugger.rsp.commands import find
from armexec.debugger.rsp.debugged import Debugged
from armexec.debugger.rsp.framing import INTERRUPT, PacketReader, packet
from armexec.debugger.rsp.state import State
from armexec.errors import HostError

__all__ = ["serve", "serve_streams"]

# Their packets are in the table once they are imported.
_PACKETS = (memory, monitor, points, queries, registers, resume, transfers)
_RUNNING = (b"vCont", b"c", b"s", b"C", b"S", b"bc")


class _Stream(Protocol):
    """Where bytes come from. At the end it gives none."""

    async def read(self, size: int, /) -> bytes: ...


class _Connection:
    """One debugger: packets are answered one after the other, while Ctrl-C may come at any time."""

    def __init__(self, session: Debugged, stream: _Stream, write: Callable[[bytes], object]) -> None:
        self.state = State(session, self._tell)
        self._stream = stream
        self._write = write
        self._packets: asyncio.Queue[bytes | None] = asyncio.Queue()

    def _tell(self, text: str) -> None:
        """Show text on the debugger's console. It may be sent while the guest runs."""
        self._write(packet(b"O" + text.encode(errors="replace").hex().encode()))

    async def talk(self) -> State:
        """Answer until the debugger has gone."""
        receiving = asyncio.create_task(self._receive())
        try:
            while not self.state.is_over:
                data = await self._packets.get()
                if data is None:
                    break
                await self._answer(data)
        finally:
            receiving.cancel()
        return self.state

    async def _receive(self) -> None:
        reader = PacketReader()
        while True:
            try:
                data = await self._stream.read(1 << 16)
            except OSError:
                data = b""
            if not data:
                self.state.interrupted.set()
                await self._packets.put(None)
                return
            for found in reader.feed(data):
                if found == INTERRUPT:
                    self.state.interrupted.set()
                    continue
                if self.state.acknowledges:
                    self._write(b"+" if found is not None else b"-")
                if found is not None:
                    await self._packets.put(found)

    async def _answer(self, data: bytes) -> None:
        found = find(data)
        if data.startswith(_RUNNING):
            self.state.interrupted.clear()
        answer: bytes | None = b""
        if found is not None:
            given = found[0](self.state, found[1])
            answer = await given if inspect.isawaitable(given) else given
        if answer is not None:
            self._write(packet(answer))


def _finish(state: State) -> None:
    """The debugger has gone: the call goes on to its end without it, unless it was killed."""
    state.breakpoints.clear()
    state.session.timeline.guest.watched = ()
    if state.detached and not state.session.finished and state.session.target.leave is not None:
        state.session.run()


def serve(
    session: Debugged, port: int = 0, host: str = "127.0.0.1", ready: Callable[[int], object] | None = None
) -> State:
    """Wait for a debugger, and serve it until it detaches or ends. Nobody else can connect then.

    Args:
        port: 0: any that is free. `ready` is called with the port when it can connect.

    Raises:
        HostError: the port can't be had.
        What a function of Python raises in the rest of the call, after the debugger has detached.
    """

    async def wait() -> State:
        done: asyncio.Future[State] = asyncio.get_running_loop().create_future()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            server.close()
            try:
                state = await _Connection(session, reader, writer.write).talk()
                if not done.done():
                    done.set_result(state)
                await writer.drain()
            except (ConnectionError, asyncio.CancelledError):
                pass
            except BaseException as error:
                if not done.done():
                    done.set_exception(error)
            finally:
                writer.close()

        try:
            server = await asyncio.start_server(connected, host, port)
        except (OSError, OverflowError) as error:
            raise HostError(f"port {port} can't be served: {getattr(error, 'strerror', '') or error}") from None
        if ready is not None:
            ready(server.sockets[0].getsockname()[1])
        try:
            return await done
        finally:
            server.close()

    state = asyncio.run(wait())
    _finish(state)
    return state


class _Descriptor:
    """A file descriptor that another thread reads."""

    def __init__(self, number: int) -> None:
        self._number = number

    async def read(self, size: int, /) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(None, os.read, self._number, size)


def serve_streams(session: Debugged, input: int = 0, output: int = 1) -> State:
    """Serve the debugger at the other end of two file descriptors, as `target remote | COMMAND` needs it."""

    def write(data: bytes) -> None:
        while data:
            data = data[os.write(output, data) :]

    async def talk() -> State:
        return await _Connection(session, _Descriptor(input), write).talk()

    state = asyncio.run(talk())
    _finish(state)
    return state
