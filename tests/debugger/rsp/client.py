"""A debugger's end of the remote protocol, as small as it can be."""

from __future__ import annotations

import queue
import socket
import threading
from types import TracebackType
from typing import Any, Self

from armexec.debugger import Session


class Client:
    """A connection to a session that another thread serves. `ended` has what `serve` raised, or None."""

    def __init__(self, session: Session) -> None:
        ports: queue.Queue[Any] = queue.Queue()
        self.ended: queue.Queue[BaseException | None] = queue.Queue()

        def serve() -> None:
            try:
                session.serve(0, ready=ports.put)
                self.ended.put(None)
            except BaseException as error:
                ports.put(error)
                self.ended.put(error)

        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()
        port = ports.get(timeout=20)
        assert isinstance(port, int), port
        self.port = port
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._data = b""

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def ask(self, text: str | bytes) -> bytes:
        """The answer to a packet, which is acknowledged."""
        content = text.encode() if isinstance(text, str) else text
        self.send(b"$" + content + b"#%02x" % (sum(content) & 0xFF))
        return self.answer()

    def answer(self) -> bytes:
        """The next packet, without what is shown on the console."""
        while True:
            end = self._data.find(b"#")
            if end >= 0 and len(self._data) >= end + 3:
                begin = self._data.index(b"$")
                content = self._data[begin + 1 : end]
                checksum = self._data[end + 1 : end + 3]
                assert checksum == b"%02x" % (sum(content) & 0xFF)
                self._data = self._data[end + 3 :]
                if content[:1] == b"O" and content != b"OK":
                    self.console = bytes.fromhex(content[1:].decode())
                    continue
                return content
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError("the server has closed the connection")
            self._data += data

    def close(self) -> BaseException | None:
        """Go away; what `serve` has raised."""
        self._socket.close()
        return self.ended.get(timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._thread.join(30)
