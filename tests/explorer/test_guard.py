"""Who may ask the server."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from .conversation import HOME, OWN, PORT, TOKEN, conversation


def test_the_page_and_its_files_are_served(client: TestClient) -> None:
    index = client.get(f"/{TOKEN}/")
    assert index.status_code == 200
    assert "static/page.js" in index.text
    for name, kind in (("page.js", "text/javascript"), ("page.css", "text/css"), ("icon.svg", "image/svg+xml")):
        assert f"static/{name}" in index.text
        file = client.get(f"/{TOKEN}/static/{name}")
        assert (file.status_code, file.headers["content-type"].partition(";")[0]) == (200, kind)


def test_answers_tell_browsers_to_keep_the_page_to_itself(client: TestClient) -> None:
    headers = client.get(f"/{TOKEN}/").headers
    assert not [name for name in headers if name.startswith("access-control")]
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    sources = [word for word in policy.replace(";", " ").split() if word.startswith(("http", "ws", "*"))]
    assert sorted(sources) == [f"ws://127.0.0.1:{PORT}", f"ws://localhost:{PORT}"]
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/", "/wrong/", f"/{TOKEN}x/", f"/{TOKEN[:-1]}/", "//", f"/x/{TOKEN}/", "/static/page.js"]
)
def test_without_the_token_there_is_nothing(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    "name",
    ["..%2f__init__.py", "%2e%2e/serving/server.py", "server.py", "LICENSES.txt", "..%5cmessages.py", "", "a%00b.js"],
)
def test_other_files_arent_served(client: TestClient, name: str) -> None:
    assert client.get(f"/{TOKEN}/static/{name}").status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": f"evil.example:{PORT}"}, 421),
        ({"host": f"127.0.0.1:{PORT + 1}"}, 421),
        ({"host": f"127.0.0.1.evil.example:{PORT}"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": f"http://localhost:{PORT}"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_other_hosts_and_pages_are_refused(client: TestClient, headers: dict[str, str], status: int) -> None:
    assert client.get(f"/{TOKEN}/", headers=headers).status_code == status
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"/{TOKEN}/ws", headers=OWN | headers):
        pass


def test_a_websocket_needs_an_origin_and_the_token(client: TestClient) -> None:
    for path, headers in ((f"/{TOKEN}/ws", {"host": OWN["host"]}), ("/wrong/ws", OWN), ("/ws", OWN)):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(path, headers=headers):
            pass


def test_localhost_is_this_machine_too(client: TestClient) -> None:
    host = f"localhost:{PORT}"
    assert client.get(f"/{TOKEN}/", headers={"host": host, "origin": f"http://{host}"}).status_code == 200
    with client.websocket_connect(f"/{TOKEN}/ws", headers={"host": host, "origin": f"http://{host}"}) as socket:
        socket.send_json({"id": 1, "call": "hello"})
        assert socket.receive_json()["ok"]["examples"]


def test_nothing_can_be_posted(client: TestClient) -> None:
    assert client.post(f"/{TOKEN}/", headers={"origin": HOME}).status_code == 405


@pytest.mark.parametrize("message", ["", "{", "[]", "1", '{"call": "hello"}', '{"id": "1"}', "[" * 100_000])
def test_what_is_no_request_ends_that_page_alone(client: TestClient, message: Any) -> None:
    with conversation(client) as other:
        with conversation(client) as page:
            page.socket.send_text(message)
            with pytest.raises(WebSocketDisconnect):
                page.socket.receive_json()
        assert other.ask("hello")["examples"]
