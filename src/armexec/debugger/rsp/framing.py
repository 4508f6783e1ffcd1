"""Packets as bytes: `$data#checksum` (GDB manual, "Remote Protocol", "Overview")."""

from __future__ import annotations

import re

__all__ = ["PacketReader", "escaped", "packet"]

_ESCAPE = 0x7D
_SPECIAL = re.compile(rb"[}$#*]")
INTERRUPT = b"\x03"
_MOST = 1 << 20
"""Bytes of a packet. Debuggers send less than they are told, and whoever sends more is none."""


def escaped(data: bytes) -> bytes:
    """Binary data as it is sent."""
    return _SPECIAL.sub(lambda found: bytes((_ESCAPE, found[0][0] ^ 0x20)), data)


def packet(data: bytes) -> bytes:
    """A packet of data that is escaped where it has to be."""
    return b"$" + data + b"#%02x" % (sum(data) & 0xFF)


class PacketReader:
    """Takes bytes as they come, and gives packets: `packets` has those that are complete, without escapes; `is_bad` is
    called for each with another checksum, `is_good` for each other. An interrupt is the packet `INTERRUPT`.
    """

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[bytes | None]:
        """The packets that are complete now; None for one with a wrong checksum."""
        self._data += data
        found: list[bytes | None] = []
        while self._data:
            first = self._data[0]
            if first == INTERRUPT[0]:
                found.append(INTERRUPT)
                del self._data[0]
                continue
            if first != ord("$"):
                # Acknowledgements, and what isn't understood.
                del self._data[0]
                continue
            end = self._data.find(b"#")
            if end < 0 or len(self._data) < end + 3:
                if len(self._data) > _MOST:
                    self._data.clear()
                break
            content = bytes(self._data[1:end])
            checksum = bytes(self._data[end + 1 : end + 3])
            del self._data[: end + 3]
            good = checksum.lower() == b"%02x" % (sum(content) & 0xFF)
            found.append(_unescaped(content) if good else None)
        return found


def _unescaped(data: bytes) -> bytes:
    if _ESCAPE not in data:
        return data
    out = bytearray()
    values = iter(data)
    for value in values:
        out.append(next(values, 0) ^ 0x20 if value == _ESCAPE else value)
    return bytes(out)
