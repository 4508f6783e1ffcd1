"""One server for all tests: its processes take a second to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .client import Asker, connected


@pytest.fixture(scope="package")
def server() -> Iterator[Asker]:
    from armexec.mcp_server.server import make_server
    from armexec.mcp_server.work import Limits

    with connected(make_server(Limits(time_limit=60.0, instruction_limit=5_000_000))) as client:
        yield client
