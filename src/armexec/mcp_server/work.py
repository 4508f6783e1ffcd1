"""The processes of the server: builders that all calls share, and a confined process for each run."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from armexec.errors import Error
from armexec.explorer.serving.processes import Builder, Builders, Runner

__all__ = ["Limits", "Refused", "Work"]

_BUILD, _LINK = 20.0, 900.0
"""Seconds for requests; to link may mean to build the C++ library first."""
_START = 20.0
"""Seconds beside the time limit for a run: the code is loaded and translated, or interpreted after the limit."""
_MOST_RUNS = 4
"""Processes that run guests at the same time."""
_LARGEST = 4 << 20
"""Characters of an answer."""
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Limits:
    """What the guest may use in each call: seconds, and instructions."""

    time_limit: float = 10.0
    instruction_limit: int = 1_000_000_000


class Refused(Error):
    """What a process has answered instead of a result."""


class _Builder(Builder):
    module = "armexec.mcp_server.builds.process"


class _Runner(Runner):
    module = "armexec.mcp_server.runs.process"


class Work:
    """What the tools have done, by requests that are answered by values of JSON."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._builders = Builders(_Builder)
        self._runs = asyncio.Semaphore(_MOST_RUNS)

    async def start(self) -> None:
        """Start what the first call would wait for."""
        with contextlib.suppress(Error):
            await self.build({"call": "explain_word", "text": "d503201f"})

    async def build(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of a builder. Raises Error."""
        message, _ = await _to_its_end(self._builders.ask(request, _BUILD))
        return _answer(message)

    async def run(self, source: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of a new process that runs what a builder has linked. Raises Error."""
        message, image = await _to_its_end(self._builders.ask({**source, "call": "link"}, _LINK))
        _answer(message)
        limits = {"time_limit": self.limits.time_limit, "instruction_limit": self.limits.instruction_limit}
        async with self._runs:
            runner = _Runner()
            try:
                whole = {**request, **limits, "text": source["text"]}
                message, _ = await runner.ask(whole, image, self.limits.time_limit + _START)
            finally:
                # Also of a call that the client has cancelled.
                await _to_its_end(asyncio.to_thread(runner.close))
        return _answer(message)

    async def close(self) -> None:
        """End the processes."""
        await asyncio.to_thread(self._builders.close)


async def _to_its_end(work: Coroutine[Any, Any, _Result]) -> _Result:
    """The result of what goes on where this call is cancelled: a conversation with a process has its answer."""
    return await asyncio.shield(asyncio.ensure_future(work))


def _answer(message: dict[str, Any]) -> dict[str, Any]:
    """What a process has answered. Raises Refused."""
    error = message.get("error")
    if error is not None:
        kind, text = str(error.get("kind", "")), str(error.get("message", ""))
        raise Refused(text if kind in ("GuestFailed", "") else f"{kind}: {text}")
    found = message["ok"]
    if not isinstance(found, dict) or len(json.dumps(found)) > _LARGEST:
        raise Refused("the answer is larger than answers may be")
    return found
