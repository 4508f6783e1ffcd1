"""Requests that mustn't be answered, and those that are none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from armexec.explorer.api import routes

from ..conversation import HOME, PORT, TOKEN
from .client import JSON, Client, shown

PATHS = ("/api/languages", "/z/nothing", "/clientstate/e30", "/source/builtin/list")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": HOME}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"host": "evil.example"}, 421),
        ({"host": f"evil.example:{PORT}"}, 421),
        ({"host": f"127.0.0.1:{PORT + 1}"}, 421),
    ],
)
def test_pages_and_other_hosts_are_refused(http: TestClient, path: str, headers: dict[str, str], status: int) -> None:
    found = http.get(path, headers=headers)
    assert found.status_code == status
    assert TOKEN not in found.text + str(found.headers)


def test_a_page_cant_compile_or_keep_a_link(http: TestClient) -> None:
    for path in ("/api/compiler/c-linux/compile", "/api/shortener"):
        assert http.post(path, content="int x;", headers={"origin": "https://evil.example"}).status_code == 403
        options = http.options(
            path, headers={"origin": "https://evil.example", "access-control-request-method": "POST"}
        )
        assert options.status_code == 403


def test_no_answer_may_be_read_by_other_pages(http: TestClient) -> None:
    for path in PATHS:
        headers = http.get(path).headers
        assert not [name for name in headers if name.startswith("access-control")]
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"


def test_an_address_that_is_typed_is_opened(http: TestClient) -> None:
    assert http.get("/api/version", headers={"sec-fetch-site": "none"}).status_code == 200


def test_the_page_still_needs_its_secret_part(http: TestClient) -> None:
    assert http.get("/").status_code == 404
    assert http.get("/static/page.js").status_code == 404
    assert http.get(f"/{TOKEN}/").status_code == 200
    assert http.get(f"/{TOKEN}/api/languages").status_code == 404
    assert http.get("/apix/languages").status_code == 404


def test_without_the_option_there_is_no_api(client: TestClient) -> None:
    for path in PATHS:
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b'"x"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"source": "int x;"}',
        b'{"options": {}}',
        b'{"source": 3, "options": {}}',
        b'{"source": "x", "options": "-O2"}',
        b'{"source": "x", "options": {"userArguments": ["-O2"]}}',
        b'{"source": "x", "options": {"filters": "labels"}}',
        b'{"source": "x", "options": {"executeParameters": {"args": 3}}}',
        b'{"source": "x", "options": {"executeParameters": {"args": "\'"}}}',
        b'{"source": "x", "options": {"executeParameters": {"stdin": []}}}',
        b'{"source": "x", "options": {"tools": [3]}}',
        b'{"source": "x", "options": {}, "files": [{"filename": 3}]}',
        b'{"source": "x", "options": {}, "files": "x"}',
        b'{"source": "x", "options": {}, "x": NaN}',
    ],
    ids=range(20),
)
def test_rubbish(ce: Client, body: bytes) -> None:
    headers = {**JSON, "content-type": "application/json"}
    found = ce.http.post("/api/compiler/c-linux/compile", content=body, headers=headers)
    assert found.status_code == 400
    assert found.json()["error"]


@pytest.mark.parametrize("source", ["", "\0", "\ud800", "((((" * 5000, '#include "/dev/zero"', "\n" * 1000])
@pytest.mark.parametrize("compiler", ["c-linux", "cxx-apple", "asm-linux", "words"])
def test_rubbish_in_a_source_is_a_message(ce: Client, compiler: str, source: str) -> None:
    body = {"source": source, "options": {}}
    # httpx sends no surrogates.
    import json

    headers = {**JSON, "content-type": "application/json"}
    found = ce.http.post(f"/api/compiler/{compiler}/compile", content=json.dumps(body), headers=headers)
    assert found.status_code == 200
    answer = found.json()
    if answer["code"]:
        assert shown(answer["stderr"])[0]
        assert not shown(answer["stderr"])[0].startswith("armexec failed")


def test_a_text_that_isnt_utf_8(ce: Client) -> None:
    found = ce.http.post("/api/compiler/c-linux/compile", content=b"int \xff;")
    assert (found.status_code, "byte 4" in found.text) == (400, True)


def test_large_sources(ce: Client) -> None:
    huge = ce.post("c-linux", {"source": "int x;\n" * 300_000, "options": {}})
    assert (huge.status_code, "at most" in huge.json()["error"]) == (413, True)
    larger = ce.http.post("/api/compiler/c-linux/compile", content=b" " * (5 << 20), headers=JSON)
    assert (larger.status_code, "bytes" in larger.json()["error"]) == (413, True)
    kept = ce.http.post("/api/shortener", content=b" " * (5 << 20), headers=JSON)
    assert kept.status_code == 413


def test_long_assembly_is_cut(ce: Client) -> None:
    answer = ce.compile(
        'int f(void) { __asm__(".rept 30000\\nnop\\n.endr"); return 1; }', filters={"binaryObject": True}
    )
    assert (answer["truncated"], len(answer["asm"])) == (True, 20_000)


def test_a_compilation_that_takes_too_long_is_ended(ce: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_BUILD", 0.0)
    answer = ce.compile("int f(void) { return 12345; }")
    assert (answer["timedOut"], answer["code"], answer["okToCache"]) == (True, -1, False)
    assert "was ended" in shown(answer["stderr"])[0]
    monkeypatch.undo()
    assert ce.compile("int f(void) { return 12345; }")["code"] == 0


def test_too_many_compilations(ce: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_MOST", 0)
    found = ce.post("c-linux", {"source": "int x;", "options": {}})
    assert (found.status_code, "too many" in found.json()["error"]) == (503, True)
    monkeypatch.undo()
    assert ce.compile("int x;")["code"] == 0


def test_many_clients_at_once(ce: Client) -> None:
    def one(number: int) -> Any:
        return ce.compile(f"int f(void) {{ return {number}; }}", userArguments="-O1")

    with ThreadPoolExecutor(8) as pool:
        for number, answer in enumerate(pool.map(one, range(16))):
            assert f"#{number}" in answer["asm"][1]["text"] or (number == 0 and "wzr" in answer["asm"][1]["text"])
