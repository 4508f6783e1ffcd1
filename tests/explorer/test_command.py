"""`armexec explore` as a command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.cli.program import armexec as program

import armexec
from armexec.explorer.open_page import opened_file
from armexec.explorer.serving.server import application

from .conversation import HOME, PORT, TOKEN, conversation

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_it_prints_its_address_and_ends_by_ctrl_c(tmp_path: Path) -> None:
    file = tmp_path / "f.s"
    file.write_text("f: ret\n")
    command = [sys.executable, "-m", "armexec", "explore", "--no-browser", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        try:
            assert url.startswith("http://127.0.0.1:")
            with urllib.request.urlopen(url) as page:
                assert b"page.js" in page.read()
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(url[:-2] + "/")
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


def test_other_machines_cant_connect() -> None:
    from armexec.explorer.serving.server import listen

    with listen(0) as connection:
        assert connection.getsockname()[0] == "127.0.0.1"
        with pytest.raises(armexec.HostError, match="port"):
            listen(connection.getsockname()[1])


def test_a_link_is_opened_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    from armexec.explorer.serving import server

    told: list[str] = []

    def served(connection: socket.socket, hello: dict[str, object], ready: object, **_: object) -> None:
        connection.close()
        assert hello["opened"] is None
        assert callable(ready)
        ready("http://127.0.0.1:1/token/")

    monkeypatch.setattr(server, "serve", served)
    from armexec.explorer.open_page import explore

    explore("http://127.0.0.1:9/other/#q1YqAA", browser=False, told=told.append)
    assert told == ["http://127.0.0.1:1/token/#q1YqAA"]


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [("missing.c", None, "missing.c"), ("f.o", b"\x7fELF", "not object"), ("f.c", b"\xff\xfe", "not UTF-8")],
)
def test_files_that_it_cant_show(tmp_path: Path, name: str, contents: bytes | None, message: str) -> None:
    if contents is not None:
        (tmp_path / name).write_bytes(contents)
    done = program("explore", "--no-browser", str(tmp_path / name))
    assert done.status == 1
    assert message in done.err


def test_a_file_that_it_shows() -> None:
    found = opened_file(str(ROOT / "examples" / "fn.cpp"))
    assert (found["name"], found["kind"]) == ("fn.cpp", "c++")
    assert "return num" in found["text"]


def test_a_file_that_is_opened_finds_what_it_includes(tmp_path: Path) -> None:
    (tmp_path / "own.h").write_text("#define ANSWER 42\n")
    file = tmp_path / "f.c"
    file.write_text('#include "own.h"\nint f(void) {\n    return ANSWER;\n}\n')
    opened = opened_file(str(file))
    hello = {"opened": opened, "examples": []}
    with TestClient(application(TOKEN, PORT, hello), base_url=HOME) as client, conversation(client) as page:
        source = {name: opened[name] for name in ("kind", "text", "name")}
        assert {row[3] for row in page.ask("build", **source)["rows"]} == {3}
        source["text"] = source["text"].replace("42", "").replace("ANSWER", "ANSWER + 1")
        assert page.ask("start", source=source, arguments=[])["result"]["text"] == "43"
        assert "own.h" in page.failure("build", **(source | {"name": "g.c"}))["message"]


def test_the_founding_files_are_the_examples() -> None:
    from armexec.explorer.examples import EXAMPLES

    for example in EXAMPLES:
        file = ROOT / "examples" / example["name"]
        if example["name"].startswith("fn."):
            assert example["text"] == file.read_text(encoding="utf-8")


def test_the_lock_file_names_no_registry() -> None:
    lock = (ROOT / "explorer-page" / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert '"integrity"' in lock


def test_the_bundle_is_committed_whole() -> None:
    static = ROOT / "src" / "armexec" / "explorer" / "static"
    assert {"index.html", "page.js", "page.css", "icon.svg", "LICENSES.txt"} <= set(os.listdir(static))
    assert (static / "index.html").read_bytes() == (ROOT / "explorer-page" / "src" / "index.html").read_bytes()
