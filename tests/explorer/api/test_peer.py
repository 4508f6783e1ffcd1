"""Whose programs may use the API."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from armexec.explorer.serving import peer

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
CLIENT, SERVER = ("127.0.0.1", 0xC001), ("127.0.0.1", 0x2800)
OWN = "   0: 0100007F:2800 0100007F:C001 01 00000000:00000000 00:00000000 00000000  {own}        0 1 1 x\n"
NEAR = "   1: 0100007F:C001 0100007F:2800 {state} 00000000:00000000 00:00000000 00000000  {user}        0 2 1 x\n"
MAPPED = (
    "   1: 0000000000000000FFFF00000100007F:C001 0000000000000000FFFF00000100007F:2800 01 00000000:00000000"
    " 00:00000000 00000000  {user}        0 2 1 x\n"
)


def answer(monkeypatch: pytest.MonkeyPatch, folder: Path, *tables: str) -> bool:
    paths = []
    for number, text in enumerate(tables):
        path = folder / f"table{number}"
        path.write_text(HEADER + text)
        paths.append(str(path))
    monkeypatch.setattr(peer, "_TABLES", tuple(paths))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return peer.is_another_users(CLIENT, SERVER)


@pytest.mark.parametrize(
    ("user", "state", "refused"),
    [(1000, "01", False), (1001, "01", True), (0, "01", False), (1000, "05", False), (0, "06", True)],
)
def test_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: int, state: str, refused: bool) -> None:
    table = OWN.format(own=1000) + NEAR.format(user=user, state=state)
    assert answer(monkeypatch, tmp_path, table) is refused


def test_a_client_that_has_gone_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert answer(monkeypatch, tmp_path, OWN.format(own=1000))


def test_a_table_that_tells_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not answer(monkeypatch, tmp_path, "")
    assert not answer(monkeypatch, tmp_path)
    monkeypatch.setattr(peer, "_TABLES", (str(tmp_path / "missing"),))
    assert not peer.is_another_users(CLIENT, SERVER)
    assert not peer.is_another_users(("testclient", 50000), SERVER)


@pytest.mark.parametrize(("user", "refused"), [(1000, False), (1001, True)])
def test_ipv4_within_ipv6(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: int, refused: bool) -> None:
    assert answer(monkeypatch, tmp_path, OWN.format(own=1000), MAPPED.format(user=user)) is refused


def test_a_connection_of_ones_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            assert not peer.is_another_users(client.getsockname(), server.getsockname())
