"""GDB's remote serial protocol: gdb and lldb attach to a session."""

from __future__ import annotations

from armexec.debugger.rsp.server import serve, serve_streams
from armexec.debugger.rsp.state import symbol_file

__all__ = ["serve", "serve_streams", "symbol_file"]
