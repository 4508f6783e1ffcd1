"""A static Linux program that holds an image, runs its kernel at each request, and answers with result and time."""

from __future__ import annotations

import struct
from importlib.resources import files

from armexec.asm import assemble
from armexec.objects import Image

__all__ = ["REPLY", "REQUEST", "make_program"]

REQUEST = struct.Struct("<Q")
"""A request, which the program reads: the kernel's argument."""
REPLY = struct.Struct("<QQ")
"""An answer, which it writes: the result, and the nanoseconds of processor time."""

_START = 0x400000
_BASE = 0x10000000
_READ, _WRITE, _EXECUTE = 4, 2, 1
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_ALIGN = 0x10000  # the largest page of AArch64


def make_program(image: Image, offset: int) -> bytes:
    """An ELF file for AArch64 Linux whose `_start` (sources/start.s) calls the function at `offset` of the image.

    Nothing is linked: the image is placed here, as armexec places it in memory. Raises LoadError.
    """
    text = files("armexec.bench").joinpath("sources", "start.s").read_text(encoding="utf-8")
    # The kernel's address is in the last eight bytes.
    start = assemble(text, address=_START, file="start.s").bytes + (_BASE + offset).to_bytes(8, "little")
    parts = [(_START, start, len(start), _READ | _EXECUTE)]
    for segment, (at, data) in zip(image.segments, image.place(_BASE, lambda _: None), strict=True):
        flags = _READ | (_WRITE if segment.writable else 0) | (_EXECUTE if segment.executable else 0)
        parts.append((_BASE + at, data, segment.size, flags))
    end = _HEADER.size + len(parts) * _SEGMENT.size
    headers, body = b"", b""
    for address, data, size, flags in parts:
        # The kernel maps files by pages: offset and address must agree below the page size.
        body += bytes((address - end - len(body)) % _ALIGN)
        headers += _SEGMENT.pack(1, flags, end + len(body), address, address, len(data), size, _ALIGN)
        body += data
    magic = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    sizes = (_HEADER.size, _SEGMENT.size, len(parts), 64, 0, 0)
    return _HEADER.pack(magic, 2, 183, 1, _START, _HEADER.size, 0, 0, *sizes) + headers + body
