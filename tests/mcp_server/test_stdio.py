"""`armexec mcp` as clients start it: a process that is spoken to by its standard streams."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from .client import connected

pytest.importorskip("mcp.server.mcpserver", reason="mcp isn't installed")

COMMAND = [sys.executable, "-m", "armexec", "mcp"]


def _client(*options: str) -> Any:
    from mcp.client.stdio import StdioServerParameters, stdio_client

    return connected(stdio_client(StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], *options])))


def test_a_conversation() -> None:
    with _client("--instruction-limit", "1000") as server:
        assert server.client.server_info.name == "armexec"
        assert len(server.portal.call(server.client.list_tools).tools) == 9
        found = server.ask("run", source="int fn(int x) { return 2 * x; }", arguments=[21])
        assert found["result"] == "42"
        assert "1000 instructions" in server.failure("run", source="void f(void) { for (;;); }", language="c")
        # What the guest writes to standard output isn't taken for the protocol.
        puts = '.globl main\nmain: mov x0, #1\nadr x1, t\nmov x2, #3\nmov x8, #64\nsvc #0\nret\nt: .ascii "{}\\n"'
        assert server.ask("run", source=puts, language="assembly")["stdout"] == "{}"


def test_it_ends_with_its_input_and_survives_what_is_no_message() -> None:
    lines = ["rubbish", "{}", '{"jsonrpc": "2.0", "id": 1}', "[" * 10_000, "\x00"]
    hello = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    given = "\n".join([*lines, json.dumps(hello)]) + "\n"
    done = subprocess.run(COMMAND, input=given, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert next(answer for answer in answers if answer.get("id") == 7)["result"]["serverInfo"]["name"] == "armexec"


@pytest.mark.parametrize("wrong", [["--time-limit", "0"], ["--time-limit", "x"], ["--instruction-limit", "0"]])
def test_wrong_limits(wrong: list[str]) -> None:
    done = subprocess.run([*COMMAND, *wrong], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert wrong[0] in done.stderr


def test_without_the_extra_it_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['mcp'] = None; sys.argv = ['armexec', 'mcp']; from armexec.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "pip install 'armexec[mcp]'" in done.stderr
    assert "Traceback" not in done.stderr
