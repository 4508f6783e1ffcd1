"""The SDK's own client, for tests that aren't coroutines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal


class Asker:
    """A client that is connected to a server."""

    def __init__(self, portal: BlockingPortal, client: Any) -> None:
        self.portal = portal
        self.client = client

    def whole(self, tool: str, **arguments: Any) -> Any:
        """The whole result of a call."""
        return self.portal.call(self.client.call_tool, tool, arguments)

    def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured content of a call that succeeds."""
        result = self.whole(tool, **arguments)
        assert not result.is_error, result.content[0].text
        found: dict[str, Any] = result.structured_content
        return found

    def failure(self, tool: str, **arguments: Any) -> str:
        """The text of a call that fails."""
        result = self.whole(tool, **arguments)
        assert result.is_error, result.structured_content
        return str(result.content[0].text)


@contextmanager
def connected(server: Any) -> Iterator[Asker]:
    """A client of a server, or of a transport."""
    from mcp.client import Client

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as client:
        yield Asker(portal, client)
