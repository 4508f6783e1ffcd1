"""Programs that clients have executed: linked by a builder, run in a confined process of their own."""

from __future__ import annotations

import asyncio
from typing import Any

from armexec.errors import Error, WorkerCrashed
from armexec.explorer.api.answers import executed, not_built
from armexec.explorer.api.catalogue import Kind
from armexec.explorer.api.requests import Compilation
from armexec.explorer.messages import failure
from armexec.explorer.serving.processes import Builders, Runner

__all__ = ["Programs"]

_LINK = 900.0
"""Seconds: it may mean to build the C++ library first."""
_RUN = 20.0
"""Seconds that a program may run."""
_START = 15.0
"""Seconds more for what comes before and after."""
_MOST = 2
"""Programs that run at once."""


class Programs:
    """Runs programs, a few at a time."""

    def __init__(self, builders: Builders) -> None:
        self._builders = builders
        self._turns = asyncio.Semaphore(_MOST)

    async def run(self, asked: Compilation, kind: Kind) -> dict[str, Any]:
        """Link a source and run its main; the result as clients read it."""
        try:
            message, image = await self._builders.ask(asked.builder_request("api link", kind), _LINK)
        except WorkerCrashed as error:
            return not_built({"code": -1, "stderr": [{"text": str(error)}]})
        if "error" in message:
            return not_built({"code": -1, "stderr": [{"text": message["error"]["message"]}]})
        built = message["ok"]
        if built["code"] != 0:
            return not_built(built)
        request = {"call": "execute", "arguments": asked.arguments, "input": asked.input, "seconds": _RUN}
        async with self._turns:
            runner = Runner()
            try:
                message, _ = await runner.ask(request, image, _RUN + _START)
            except Error as error:
                message = {"error": failure(error)}
            finally:
                await asyncio.to_thread(runner.close)
        return executed(message.get("ok", message), built)
