"""The main loop of a builder process of `armexec mcp`."""

from __future__ import annotations

from typing import Any

from armexec.explorer.builds.build import Request, link
from armexec.explorer.builds.confinement import confine
from armexec.explorer.builds.process import serve_by
from armexec.mcp_server.builds.code import assembled, compiled, disassembled
from armexec.mcp_server.builds.confinement import readable
from armexec.mcp_server.builds.instructions import explained, isa_coverage, looked_up
from armexec.mcp_server.options import checked_options

__all__ = ["serve"]

_ANSWERS = {
    "compile": compiled,
    "assemble": assembled,
    "disassemble": disassembled,
    "explain_word": explained,
    "lookup_instruction": looked_up,
    "isa_coverage": isa_coverage,
}


def serve(descriptor: int) -> None:
    """Confine this process, and answer requests from a socket, one after the other, until it is closed."""
    confine(readable())
    serve_by(descriptor, _answer)


def _answer(request: dict[str, Any]) -> tuple[Any, bytes]:
    call = request.get("call")
    if call == "link":
        checked_options(request["flags"])
        return link(Request.of(request))
    return _ANSWERS[str(call)](request), b""
