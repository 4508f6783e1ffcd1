"""armexec cache: what is kept, and removing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from armexec.store import Store
from cli.program import armexec


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("ARMEXEC_CACHE", raising=False)
    return tmp_path


def _rows(*arguments: str) -> dict[str, str]:
    done = armexec("cache", *arguments)
    assert (done.status, done.err) == (0, "")
    return {name.strip(): value for name, _, value in (line.partition("  ") for line in done.out.splitlines())}


def test_it_shows_what_is_kept(folder: Path) -> None:
    assert _rows()["in all"].strip() == "0 entries, 0 bytes"
    Store("objects").put(Store.key("a"), bytes(50))
    Store("translations").put(Store.key("b"), bytes(50))
    Store("translations").put(Store.key("c"), bytes(50))
    rows = _rows("info")
    assert rows["place"].strip() == str(folder)
    assert rows["compiled objects"].strip().startswith("1 entry")
    assert rows["translations"].strip().startswith("2 entries")
    assert rows["translations"].strip().endswith("of at most 512.00 MiB")
    assert rows["in all"].strip().startswith("3 entries")


def test_it_can_be_cleared(folder: Path) -> None:
    Store("objects").put(Store.key("a"), b"x")
    assert _rows("clear")["removed"].strip().startswith("1 entry")
    assert Store("objects").get(Store.key("a")) is None
    assert _rows("info")["in all"].strip() == "0 entries, 0 bytes"


def test_it_says_when_it_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_CACHE", "off")
    assert "off" in _rows()["place"]
