"""Blocks that were executed, as DynamoRIO's drcov has them in version 2: what Lighthouse and Ghidra's plugins read."""

from __future__ import annotations

import struct
from typing import BinaryIO

from armexec.tracing.recorded_run import RecordedRun

__all__ = ["write"]

_LARGEST = 0xFFFF


def write(trace: RecordedRun, file: BinaryIO) -> None:
    """Write the blocks of a trace that are in images."""
    images = trace.places.images
    head = [
        "DRCOV VERSION: 2",
        "DRCOV FLAVOR: drcov",
        f"Module Table: version 2, count {len(images)}",
        "Columns: id, base, end, entry, checksum, timestamp, path",
    ]
    for number, (image, base) in enumerate(images):
        head.append(f"{number}, 0x{base:x}, 0x{base + image.size:x}, 0x0, 0x0, 0x0, {image.name}")
    blocks = []
    for start, count in trace.counts().blocks:
        for number, (image, base) in enumerate(images):
            if 0 <= start - base < image.size:
                blocks.append(struct.pack("<IHH", start - base, min(4 * count, _LARGEST), number))
    head.append(f"BB Table: {len(blocks)} bbs")
    file.write("\n".join([*head, ""]).encode() + b"".join(blocks))
