"""Whose program is at the other end of a connection on this machine, as Linux tells it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["is_another_users"]

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_ESTABLISHED = "01"
Address = tuple[str, int]


class _Socket(NamedTuple):
    """A row of the kernel's tables: ends as hexadecimal text, the state, the user."""

    local: str
    remote: str
    state: str
    user: int


def is_another_users(client: Address, server: Address) -> bool:
    """Whether another user's program has the client's end of a connection. Root may do as this user.

    Where the system doesn't tell, as on macOS, nobody is another user.
    """
    near, far = _text(server), _text(client)
    if near is None or far is None:
        return False
    ends = {(row.local, row.remote): row for row in _sockets()}
    # A table without our own end tells nothing.
    if (near, far) not in ends:
        return False
    row = ends.get((far, near))
    if row is None:
        return True
    # A socket that nobody has any more counts as root's.
    return row.user != os.geteuid() and not (row.user == 0 and row.state == _ESTABLISHED)


def _text(address: Address) -> str | None:
    """An address as the tables have it; None for one that isn't IPv4."""
    try:
        host = socket.inet_aton(address[0])
    except OSError:
        return None
    return f"{int.from_bytes(host, 'little'):08X}:{address[1]:04X}"


def _sockets() -> Iterator[_Socket]:
    for table in _TABLES:
        try:
            with open(table, encoding="ascii") as file:
                rows = file.read().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            # The last 32 bits of an IPv6 address are the IPv4 one where it stands for such.
            local, remote = (field[-13:] for field in fields[1:3])
            yield _Socket(local, remote, fields[3], int(fields[7]))
