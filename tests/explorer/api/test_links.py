"""Client states, short links, and the page that they open."""

from __future__ import annotations

import base64
import json
import urllib.parse
import zlib
from typing import Any

import pytest
from starlette.testclient import TestClient

from ..conversation import TOKEN
from .client import JSON, Client

SOURCE = "int main(void) { return 42; } // ä €\n"
SESSION: dict[str, Any] = {
    "id": 1,
    "language": "c",
    "source": SOURCE,
    "compilers": [{"id": "c-linux", "options": "-O3 -Wall", "filters": {"binary": True}, "libs": [], "tools": []}],
    "executors": [{"arguments": "one two", "compiler": {"id": "c-linux"}, "stdin": "in"}],
}
LAYOUT: dict[str, Any] = {
    "settings": {},
    "content": [
        {
            "type": "row",
            "content": [
                {
                    "type": "stack",
                    "content": [
                        {
                            "type": "component",
                            "componentName": "codeEditor",
                            "componentState": {"id": 1, "source": SOURCE, "lang": "c"},
                        },
                    ],
                },
                {
                    "type": "component",
                    "componentName": "compiler",
                    "componentState": {
                        "id": 1,
                        "source": 1,
                        "compiler": "c-linux",
                        "options": "-O3 -Wall",
                        "filters": {"binary": True},
                        "libs": [],
                    },
                },
                {
                    "type": "component",
                    "componentName": "executor",
                    "componentState": {
                        "source": 1,
                        "compiler": "c-linux",
                        "options": "",
                        "execArgs": "one two",
                        "execStdin": "in",
                    },
                },
                {"type": "component", "componentName": "ast", "componentState": {"id": 1}},
            ],
        }
    ],
}


def page_state(client: TestClient, path: str) -> Any:
    """What the page is opened with."""
    found = client.get(path)
    assert found.status_code == 302, found.text
    page, _, state = found.headers["location"].partition("#")
    assert page == f"/{TOKEN}/"
    packed = base64.urlsafe_b64decode(state + "=" * (-len(state) % 4))
    return json.loads(zlib.decompress(packed, -zlib.MAX_WBITS))


@pytest.mark.parametrize(
    "state", [{"sessions": [SESSION]}, LAYOUT, {"config": LAYOUT}, {"config": {"sessions": [SESSION]}}]
)
def test_a_link_keeps_a_state(ce: Client, state: Any) -> None:
    name = ce.shorten(state)
    assert len(name) == 12
    assert ce.shorten(state) == name
    found = ce.get(f"/api/shortlinkinfo/{name}")
    (session,) = found["sessions"]
    assert (session["id"], session["language"], session["source"]) == (1, "c", SOURCE)
    (compiler,) = session["compilers"]
    assert (compiler["id"], compiler["options"]) == ("c-linux", "-O3 -Wall")
    assert compiler["filters"]["binary"] is True
    assert compiler["filters"]["labels"] is True
    assert (compiler["libs"], compiler["tools"]) == ([], [])
    (executor,) = session["executors"]
    assert (executor["arguments"], executor["stdin"]) == ("one two", "in")
    assert ce.get(f"/z/{name}") == found
    assert ce.text(f"/z/{name}/code/1") == SOURCE
    assert ce.http.get(f"/z/{name}/code/2").status_code == 404


def test_a_link_opens_the_page(ce: Client) -> None:
    name = ce.shorten({"sessions": [SESSION]})
    assert page_state(ce.http, f"/z/{name}") == {
        "k": "c",
        "n": "source.c",
        "s": SOURCE,
        "o": [{"opt": "-O3", "target": "linux", "flags": "-Wall"}],
        "a": "one two",
        "i": "in",
    }


def test_the_page_compares_two_compilers(ce: Client) -> None:
    compilers = [{"id": "cxx-linux", "options": ""}, {"id": "cxx-apple", "options": "-O2"}, {"id": "cxx-bare"}]
    name = ce.shorten({"sessions": [{"source": SOURCE, "compilers": compilers, "filename": "a/shapes.cc"}]})
    found = page_state(ce.http, f"/z/{name}")
    assert (found["k"], found["n"], found["c"]) == ("c++", "shapes.cc", True)
    assert [(one["opt"], one["target"]) for one in found["o"]] == [("-O0", "linux"), ("-O2", "apple")]


def test_links_of_other_servers_open_by_their_language(ce: Client) -> None:
    state = {"sessions": [SESSION | {"compilers": [{"id": "armg1220", "options": "-O2"}], "executors": []}]}
    assert page_state(ce.http, f"/z/{ce.shorten(state)}")["k"] == "c"
    state["sessions"][0]["language"] = "rust"
    found = ce.http.get(f"/z/{ce.shorten(state)}")
    assert (found.status_code, "rust" in found.text) == (400, True)


def test_links_live_on_the_disk(ce: Client) -> None:
    from armexec.explorer.api.links import Links

    name = ce.shorten({"sessions": [SESSION | {"source": "kept"}]})
    found = Links().find(name)
    assert found is not None
    assert found["sessions"][0]["source"] == "kept"
    assert Links().find("nothing") is None


def test_links_without_a_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    from armexec.explorer.api.links import Links

    monkeypatch.setenv("ARMEXEC_CACHE", "off")
    links = Links()
    names = [links.add({"number": number}) for number in range(300)]
    assert links.find(names[-1]) == {"number": 299}
    assert links.find(names[0]) is None


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_states_in_an_address(ce: Client, deflate: bool, encode: Any) -> None:
    # Each of the alphabets' special characters comes up.
    data = json.dumps({"sessions": [SESSION | {"source": "~~~???>>>ÿÿÿ" * 3}]}, ensure_ascii=False).encode()
    text = urllib.parse.quote(encode(zlib.compress(data) if deflate else data).decode(), safe="/=")
    assert page_state(ce.http, f"/clientstate/{text}")["s"] == "~~~???>>>ÿÿÿ" * 3
    assert ce.get(f"/clientstate/{text}")["sessions"][0]["language"] == "c"


def test_the_language_of_a_state_may_be_missing(ce: Client) -> None:
    # As cexpl and Neovim send it.
    name = ce.shorten({"sessions": [{"id": 1, "source": "x", "compilers": [{"id": "cxx-linux"}]}]})
    (session,) = ce.get(f"/api/shortlinkinfo/{name}")["sessions"]
    assert (session["language"], session["executors"], session["compilers"][0]["options"]) == ("c++", [], "")


def test_a_link_that_there_isnt(ce: Client) -> None:
    for path in ("/api/shortlinkinfo/nothing", "/z/nothing", "/z/..%2f..", "/z/nothing/code/1"):
        found = ce.http.get(path, headers=JSON)
        assert (found.status_code, bool(found.json()["error"])) == (404, True)


def _packed(state: bytes) -> str:
    return base64.urlsafe_b64encode(state).decode()


@pytest.mark.parametrize(
    "state",
    [
        "",
        "%%",
        "!!!!",
        "e30",
        _packed(b"[]"),
        _packed(b"{"),
        _packed(b"\x78\x9c\x00\x00"),
        _packed(zlib.compress(b'{"sessions": [' + b" " * (8 << 20))),
        _packed(b'{"sessions": [3]}'),
        _packed(b'{"sessions": []}'),
        _packed(b'{"sessions": [{"compilers": [1]}]}'),
    ],
    ids=range(11),
)
def test_rubbish_in_an_address(ce: Client, state: str) -> None:
    found = ce.http.get(f"/clientstate/{state}", headers=JSON)
    assert found.status_code == 400
    assert found.json()["error"]


def _deep() -> Any:
    content: list[Any] = [
        {"type": "component", "componentName": "codeEditor", "componentState": {"id": 1, "source": "x", "lang": "c"}}
    ]
    for _ in range(300):
        content = [{"type": "row", "content": content}]
    return {"content": content}


def test_a_deep_layout(ce: Client) -> None:
    assert ce.get(f"/z/{ce.shorten(_deep())}")["sessions"][0]["source"] == "x"


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        3,
        {},
        {"sessions": "x"},
        {"sessions": [None]},
        {"sessions": [{"executors": [{"compiler": 3}]}]},
        {"content": []},
        {"content": [3, {"content": 5}, {"componentName": [], "componentState": 1}]},
        {"config": {}},
        {"sessions": [SESSION] * 65},
    ],
    ids=range(11),
)
def test_states_that_are_none(ce: Client, state: Any) -> None:
    found = ce.http.post("/api/shortener", json=state, headers=JSON)
    assert found.status_code == 400
    assert found.json()["error"]


def test_strange_values_in_a_state(ce: Client) -> None:
    strange: dict[str, Any] = {
        "id": True,
        "source": ["x"],
        "language": 3,
        "compilers": [{"id": 3, "options": {}, "filters": [], "libs": "x"}],
        "executors": [{"arguments": 3, "stdin": []}],
        "filename": 4,
    }
    (session,) = ce.get(f"/api/shortlinkinfo/{ce.shorten({'sessions': [strange]})}")["sessions"]
    assert (session["id"], session["source"], session["language"]) == (1, "", "")
    assert session["compilers"][0]["options"] == ""
    assert session["executors"][0]["arguments"] == ""
    assert "filename" not in session


def test_surrogates(ce: Client) -> None:
    found = ce.http.post(
        "/api/shortener", content=rb'{"sessions": [{"language": "c", "source": "\ud800"}]}', headers=JSON
    )
    name = found.json()["url"].rpartition("/")[2]
    assert ce.get(f"/api/shortlinkinfo/{name}")["sessions"][0]["source"] == "\ud800"
    assert page_state(ce.http, f"/z/{name}")["s"] == "\ud800"
    assert ce.text(f"/z/{name}/code/1") == "?"
