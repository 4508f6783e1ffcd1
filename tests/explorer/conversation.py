"""A conversation with the server, as a page has it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from starlette.testclient import TestClient

TOKEN, PORT = "the-secret-part", 4711
HOME = f"http://127.0.0.1:{PORT}"
OWN = {"origin": HOME, "host": f"127.0.0.1:{PORT}"}


class Conversation:
    """Requests and their answers, one after the other."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self._number = 0

    def send(self, call: str, **more: Any) -> int:
        """Ask without waiting; the number of the request."""
        self._number += 1
        self.socket.send_json({"id": self._number, "call": call, **more})
        return self._number

    def answer(self) -> dict[str, Any]:
        """The next answer."""
        found: dict[str, Any] = self.socket.receive_json()
        return found

    def whole(self, call: str, **more: Any) -> dict[str, Any]:
        """The answer of a request, with "ok" or "error"."""
        number = self.send(call, **more)
        found = self.answer()
        assert found["id"] == number
        return found

    def ask(self, call: str, **more: Any) -> Any:
        """The answer of a request that succeeds."""
        found = self.whole(call, **more)
        assert "ok" in found, found
        return found["ok"]

    def failure(self, call: str, **more: Any) -> dict[str, Any]:
        """The error of a request that fails."""
        found = self.whole(call, **more)
        assert "error" in found, found
        error: dict[str, Any] = found["error"]
        return error


@contextlib.contextmanager
def conversation(client: TestClient) -> Iterator[Conversation]:
    """One page."""
    with client.websocket_connect(f"/{TOKEN}/ws", headers=OWN) as socket:
        yield Conversation(socket)
