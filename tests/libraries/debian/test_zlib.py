"""zlib: what it compresses Python's zlib reads, and the other way round."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

import armexec
from engines import AVAILABLE

TAKES = "unsigned char *, unsigned long *, const unsigned char *, unsigned long"


@pytest.mark.parametrize("engine", AVAILABLE)
def test_round_trip(library: Callable[[str], Path], search: list[Path], engine: str) -> None:
    if engine == "native" and search:
        pytest.skip("glibc has thread-local variables, which the native engine refuses")
    size = 60_000 if engine != "reference" else 300
    data = random.Random(1).randbytes(size // 10) + b"a line of text, again and again\n" * (size // 40)
    with armexec.load(library("libz.so.1"), search=search, engine=engine) as m:
        crc32 = m["crc32"].with_signature("unsigned long(unsigned long, const unsigned char *, unsigned)")
        assert crc32(0, data, len(data)) == zlib.crc32(data)
        packed, length = bytearray(len(data) + 1000), bytearray(8)
        length[:] = len(packed).to_bytes(8, "little")
        assert m["compress2"].with_signature(f"int({TAKES}, int)")(packed, length, data, len(data), 9) == 0
        packed = packed[: int.from_bytes(length, "little")]
        assert zlib.decompress(bytes(packed)) == data
        back = bytearray(len(data))
        length[:] = len(back).to_bytes(8, "little")
        packed = bytearray(zlib.compress(data, 1))
        assert m["uncompress"].with_signature(f"int({TAKES})")(back, length, packed, len(packed)) == 0
        assert back == data
        assert m.missing == {} or engine == "native"


def test_formatted_output(library: Callable[[str], Path], search: list[Path], tmp_path: Path) -> None:
    """gzprintf uses a checked function of glibc (__vsnprintf_chk), and files, which there are none of."""
    with armexec.load(library("libz.so.1"), search=search, engine="translated") as m:
        opened = m["gzopen"].with_signature("void *(const char *, const char *)")
        with pytest.raises(armexec.SystemCallDenied, match="no folder was given for it"):
            opened("/data/file.gz", "wb")
        # The library can still be called.
        assert m["zlibVersion"].with_signature("const char *()").returning(str)().startswith("1.")
        assert m["gzopen"].with_signature("void *(const char *, const char *)")("/dev/null", "wb")
