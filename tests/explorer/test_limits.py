"""Code that does what it shouldn't, and processes that end: the page is told, and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from armexec.explorer.serving import page as serving
from armexec.isolation.sandbox import abi_version

from .conversation import Conversation, conversation

FN = {"kind": "c", "text": "int fn(int num) { return num; }"}


def result(page: Conversation, source: dict[str, Any] = FN, argument: str = "3") -> str:
    found: str = page.ask("start", source=source, arguments=[argument])["result"]["text"]
    return found


def test_a_call_from_the_page(page: Conversation) -> None:
    built = page.ask("build", **FN)
    found = page.ask("start", source=FN, arguments=["3"])
    assert found["result"]["text"] == "3"
    assert found["end"] == len(built["rows"]) == 5
    assert found["functions"] == [[0, 0, 20]]
    assert page.ask("look", time=2, ranges=[])["frames"][0]["name"] == "fn"
    assert page.ask("go", how="next", time=0)["time"] == 1
    assert page.ask("last_write", register="sp", time=5)["time"] == 3
    assert page.ask("parts", indices=[0])["parts"][0]["begin"] == 0


def test_nothing_runs_before_it_is_started(page: Conversation) -> None:
    assert "nothing runs" in page.failure("look", time=0)["message"]
    assert "no request" in page.failure("unknown")["message"]


def test_new_processes_are_denied(page: Conversation) -> None:
    bomb = {"kind": "assembly", "text": "mov x8, #220\nmov x0, #17\nsvc #0\nb .-4\n"}
    assert page.ask("start", source=bomb, arguments=[])["error"]["kind"] == "SystemCallDenied"
    assert result(page) == "3"


def test_a_process_that_is_killed_is_told_and_replaced(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    runners: list[Any] = []

    class Known(serving.Runner):
        def __init__(self) -> None:
            super().__init__()
            runners.append(self)

    monkeypatch.setattr(serving, "Runner", Known)
    with conversation(client) as page:
        assert result(page) == "3"
        (runner,) = runners
        os.kill(runner.pid, signal.SIGKILL)
        told = page.failure("look", time=1)
        assert told["kind"] == "WorkerCrashed"
        assert "has ended" in told["message"]
        assert result(page, argument="4") == "4"


def test_a_run_that_takes_too_long_is_ended(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with conversation(client) as page:
        assert result(page) == "3"
        monkeypatch.setattr(serving, "_RUN", 0.15)
        forever = {"kind": "c", "text": "void f(void) { for (;;); }"}
        told = page.failure("start", source=forever, arguments=[])
        assert told["kind"] == "WorkerCrashed"
        assert "0.15 s" in told["message"]
        monkeypatch.setattr(serving, "_RUN", 20.0)
        assert result(page) == "3"


@pytest.mark.slow
def test_a_compiler_that_takes_too_long_is_ended(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    doubled = "\n".join(f"#define A{n + 1} A{n} A{n}" for n in range(40))
    mark = f"-DMARK={uuid.uuid4().hex}"
    with conversation(client) as page:
        assert page.ask("build", **FN)["rows"]
        monkeypatch.setitem(serving._BUILD_CALLS, "build", 2.0)
        told = page.failure("build", kind="c", text=f"#define A0 int;\n{doubled}\nA40", flags=mark)
        assert "took more than 2 s" in told["message"]
        end = time.monotonic() + 60
        while mark in _running():
            assert time.monotonic() < end
        monkeypatch.setitem(serving._BUILD_CALLS, "build", 20.0)
        assert page.ask("build", **FN)["rows"]


def _running() -> str:
    """The arguments of all processes. One that was killed may still be there for a moment."""
    return subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout


def test_a_run_can_be_stopped_meanwhile(page: Conversation) -> None:
    assert result(page) == "3"
    forever = {"kind": "c", "text": "void f(void) { for (;;); }"}
    started = page.send("start", source=forever, arguments=[])
    time.sleep(0.3)
    stopped = page.send("stop")
    answers = {answer["id"]: answer for answer in (page.answer(), page.answer())}
    assert "ok" in answers[stopped]
    assert answers[started].get("error", {}).get("kind") == "WorkerCrashed"
    assert result(page) == "3"


def test_a_run_can_be_stopped_before_it_begins(page: Conversation) -> None:
    source = {"kind": "c", "text": "void f(void) { for (;;); }"}
    for _ in range(3):
        started = page.send("start", source=source, arguments=[])
        stopped = page.send("stop")
        answers = {answer["id"]: answer for answer in (page.answer(), page.answer())}
        assert "ok" in answers[stopped]
        assert answers[started].get("error", {}).get("kind") == "WorkerCrashed"
        assert "stopped" in answers[started]["error"]["message"]
        source["text"] += " "
    assert result(page) == "3"


@pytest.mark.skipif(not abi_version(), reason="this kernel has no Landlock")
@pytest.mark.parametrize("option", ["-serialize-diagnostics ", "-ftime-trace="])
def test_options_of_the_compiler_write_no_files(page: Conversation, option: str, tmp_path: Path) -> None:
    page.whole("build", **FN, flags=f"{option}{tmp_path / 'written'}")
    assert list(tmp_path.iterdir()) == []
    assert page.ask("build", **FN)["rows"]


@pytest.mark.parametrize("kind", ["c", "c++", "assembly", "hex"])
@pytest.mark.parametrize("text", ["", "\0\1\2\ufffd\udcff", "\n" * 1000, "((((" * 5000, '#include "/dev/zero"'])
def test_rubbish_is_an_error_and_no_end(page: Conversation, kind: str, text: str) -> None:
    answer = page.whole("build", kind=kind, text=text)
    if "error" in answer:
        assert answer["error"]["message"]
        assert not answer["error"]["message"].startswith("armexec failed")
    assert page.ask("build", **FN)["rows"]


def test_a_source_that_is_too_large(page: Conversation) -> None:
    assert "at most" in page.failure("build", kind="c", text="int x;\n" * 400_000)["message"]


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "fortran"}, {"text": 3}, {"opt": "-O9"}, {"flags": ["-O2"]}, {"target": "moon"}, {"name": "a\0b"}],
)
def test_wrong_options_are_errors(page: Conversation, wrong: dict[str, Any]) -> None:
    assert page.failure("build", **(FN | wrong))["message"]


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        ("look", {"time": "x", "ranges": []}),
        ("look", {"time": 0, "ranges": [["zz", 1]]}),
        ("look", {"time": 0, "ranges": [5]}),
        ("last_write", {"time": 0, "register": "y9"}),
        ("last_write", {"time": 0, "address": "zz"}),
        ("go", {"how": "forwards", "time": 0, "breaks": ["a"]}),
        ("parts", {"indices": ["a"]}),
        ("more", {"count": "x"}),
        ("explain", {"word": 1 << 40}),
        ("explain", {"word": "x"}),
        ("page", {"word": 0xFFFF_FFFF}),
    ],
)
def test_wrong_questions_are_errors(page: Conversation, call: str, wrong: dict[str, Any]) -> None:
    assert result(page) == "3"
    assert page.failure(call, **wrong)["message"]
    assert page.ask("look", time=0, ranges=[])["frames"]


def test_many_pages_have_a_run_each_and_one_too_many_is_refused(client: TestClient) -> None:
    from contextlib import ExitStack

    with ExitStack() as stack:
        pages = [stack.enter_context(conversation(client)) for _ in range(16)]
        with conversation(client) as late, pytest.raises(WebSocketDisconnect) as refused:
            late.socket.receive_json()
        assert "16 pages" in refused.value.reason
        for number, page in enumerate(pages[:4]):
            page.send("start", source=FN, arguments=[str(number)])
        assert [page.answer()["ok"]["result"]["text"] for page in pages[:4]] == ["0", "1", "2", "3"]
    with conversation(client) as page:
        assert page.ask("hello")


def test_too_many_requests_end_the_page(page: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    # With more places, fast builders keep up.
    monkeypatch.setattr(serving, "_WAITING", 2)
    with pytest.raises(WebSocketDisconnect) as ended:  # noqa: PT012
        for _ in range(100):
            page.send("build", **FN)
        for _ in range(100):
            page.answer()
    assert "too many" in ended.value.reason
