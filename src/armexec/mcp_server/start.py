"""`serve`: the server on standard input and output."""

from __future__ import annotations

from importlib.util import find_spec

from armexec.errors import HostError

__all__ = ["serve"]


def serve(time_limit: float, instruction_limit: int) -> None:
    """Serve one client on standard input and output until it closes them.

    Args:
        time_limit: seconds that the guest may run in each call of a tool.
        instruction_limit: instructions that it may execute.

    Raises:
        HostError: the package `mcp` isn't there.
    """
    if find_spec("mcp") is None or find_spec("mcp.server.mcpserver") is None:
        raise HostError("armexec mcp needs the package mcp, version 2 or newer: pip install 'armexec[mcp]'")
    from armexec.isolation.server.client import fork_server

    # It starts while the rest is imported.
    fork_server()
    from armexec.mcp_server.server import make_server
    from armexec.mcp_server.work import Limits

    make_server(Limits(time_limit, instruction_limit)).run("stdio")
