"""Messages between this process and a worker: frames over a pair of connected sockets.

A frame is its length in bytes and its kind, and then the data. What a worker sends may be made by hostile code, so its
frames are never longer than the receiver says, and nothing in them is unpickled.
"""

from __future__ import annotations

import select
import socket
import struct
from typing import Self

__all__ = ["Channel", "ChannelClosed", "ProtocolError"]

_HEADER = struct.Struct("<QB")
_PART = 1 << 20
_SMALL = 1 << 16
_PATIENCE = 10.0
"""Seconds from part to part of one frame, after which the other side counts as stuck."""


class ChannelClosed(Exception):
    """The other side has closed the channel, or has ended."""


class ProtocolError(Exception):
    """The other side sent what it never sends, or stopped within a frame."""


class Channel:
    """One end of a pair of connected stream sockets.

    `is_whole` is false while a part of a frame has been sent or received: after an exception in such a moment, such as
    KeyboardInterrupt, the channel can't be used any more.
    """

    def __init__(self, connection: socket.socket, patience: float | None = _PATIENCE) -> None:
        """Use a socket. `patience`: seconds from part to part of one frame; None: any number."""
        connection.settimeout(patience)
        self._socket = connection
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self.is_whole = True

    @classmethod
    def pair(cls) -> tuple[Self, socket.socket]:
        """A channel, and the socket of its other end."""
        mine, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        return cls(mine), other

    def send(self, kind: int, *parts: bytes | bytearray | memoryview) -> None:
        """Send a frame. Raises ChannelClosed."""
        data = b"".join((_HEADER.pack(sum(map(len, parts)), kind), *parts))
        self.is_whole = False
        try:
            if len(data) <= _SMALL:
                self._socket.sendall(data)
            else:
                view = memoryview(data)
                while view:
                    view = view[self._socket.send(view[:_PART]) :]
        except OSError as error:
            raise ChannelClosed from error
        self.is_whole = True

    def receive(self, limit: int, timeout: float | None = None) -> tuple[int, bytes]:
        """The next frame's kind and data.

        Args:
            limit: the longest data in bytes.
            timeout: seconds until its beginning.

        Raises:
            ChannelClosed: there is no other side any more.
            ProtocolError: the data is longer, or doesn't go on.
            TimeoutError: there is no frame in time.
        """
        if not self._poll.poll(None if timeout is None else max(timeout, 0.0) * 1000):
            raise TimeoutError
        self.is_whole = False
        try:
            size, kind = _HEADER.unpack(self._exactly(_HEADER.size))
            if size > limit:
                raise ProtocolError(f"a message of {size} bytes")
            data = self._exactly(size) if size else b""
        except TimeoutError:
            raise ProtocolError("a part of a message") from None
        except OSError as error:
            raise ChannelClosed from error
        self.is_whole = True
        return kind, data

    def _exactly(self, size: int) -> bytes:
        data = self._socket.recv(min(size, _PART))
        if len(data) == size:
            return data
        parts = []
        missing = size
        while data:
            parts.append(data)
            missing -= len(data)
            if not missing:
                return b"".join(parts)
            data = self._socket.recv(min(missing, _PART))
        raise ChannelClosed

    def fileno(self) -> int:
        """The socket's file descriptor."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end."""
        self._socket.close()
