"""The conversation with one page: each request has an answer with its number."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from armexec.errors import LoadError
from armexec.explorer.messages import failure
from armexec.explorer.serving.processes import Builders, Runner

__all__ = ["Page"]

_WAITING = 64
"""Requests that may wait."""
_BUILD, _LINK, _ASK, _RUN = 20.0, 900.0, 10.0, 20.0
"""Seconds for requests; to link may mean to build the C++ library first."""
_BUILD_CALLS = {"build": _BUILD, "listing": _BUILD, "explain": _ASK, "page": _ASK, "mnemonics": _ASK}
_RUN_CALLS = ("check", "parts", "look", "last_write", "go", "more")


class Page:
    """What one page has: its runner, and the image that was linked last."""

    def __init__(self, builders: Builders, hello: dict[str, Any], send: Callable[[str], Awaitable[None]]) -> None:
        self._builders = builders
        self._hello = hello
        self._send = send
        self.runner = Runner()
        self._linked: tuple[str, bytes, Any] = ("", b"", None)
        self._tasks: set[asyncio.Task[None]] = set()

    def receive(self, text: str) -> None:
        """Begin to answer a request. Raises ValueError for what is none."""
        request = json.loads(text)
        if not isinstance(request, dict) or not isinstance(request.get("id"), int):
            raise ValueError("a request has a number")
        if len(self._tasks) >= _WAITING:
            raise ValueError("too many requests")
        task = asyncio.ensure_future(self._reply(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reply(self, request: dict[str, Any]) -> None:
        try:
            message = await self._answer(request)
        except Exception as error:
            message = {"error": failure(error)}
        message["id"] = request["id"]
        await self._send(json.dumps(message, separators=(",", ":")))

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        call = request.get("call")
        if call == "hello":
            return {"ok": self._hello}
        if call in _BUILD_CALLS:
            message, _ = await self._builders.ask(self._placed(request), _BUILD_CALLS[call])
            return message
        if call == "start":
            return await self._start(request)
        if call in _RUN_CALLS:
            message, _ = await self.runner.ask(request, b"", _RUN)
            return message
        if call == "stop":
            await asyncio.to_thread(self.runner.kill)
            return {"ok": {}}
        raise LoadError(f"there is no request {call!r:.40}")

    def _placed(self, source: dict[str, Any]) -> dict[str, Any]:
        """A source with the path of the file that was opened, if it has its name: what it includes is beside it."""
        opened = self._hello.get("opened")
        if opened is not None and source.get("name") == opened["name"]:
            return source | {"name": opened["path"]}
        return source

    async def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Link what is to run, if it isn't what was linked last, and start it."""
        # Who stops the run while it is linked means that it isn't to begin.
        kills = self.runner.kills
        source = request.get("source")
        if not isinstance(source, dict):
            raise LoadError("a run has a source")
        key = json.dumps(source, sort_keys=True)
        if self._linked[0] != key:
            message, image = await self._builders.ask(self._placed(source) | {"call": "link"}, _LINK)
            if "error" in message:
                return message
            self._linked = key, image, message["ok"]["functions"]
        _, image, functions = self._linked
        begun = {name: value for name, value in request.items() if name != "source"}
        message, _ = await self.runner.ask(begun, image, _RUN, kills=kills)
        if "ok" in message:
            message["ok"]["functions"] = functions
        return message

    def close(self) -> None:
        """End what runs for the page. Requests that wait for it fail, and nobody reads their answers."""
        self.runner.close()
