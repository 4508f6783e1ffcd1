"""zlib: what it compresses Python's zlib reads, and the other way round."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

import armexec
from engines import AVAILABLE

from .combinations import combinations

Search = Callable[[str], list[Path]]
TAKES = "unsigned char *, unsigned long *, const unsigned char *, unsigned long"


BOTH = combinations(("reference", "own"), ("reference", "glibc"))
if "native" in AVAILABLE:
    BOTH.append(pytest.param(("native", "own"), id="native"))  # it has compiler_rt's functions instead


@pytest.mark.parametrize("case", BOTH)
def test_round_trip(library: Callable[[str], Path], search: Search, case: tuple[str, str]) -> None:
    engine, c_library = case
    size = 60_000 if engine != "reference" else 300
    data = random.Random(1).randbytes(size // 10) + b"a line of text, again and again\n" * (size // 40)
    with armexec.load(library("libz.so.1"), search=search(c_library), engine=engine) as m:
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


@pytest.mark.parametrize("case", combinations(("reference", "own")))
def test_files(library: Callable[[str], Path], search: Search, case: tuple[str, str]) -> None:
    """There are no files but for some devices. gzopen formats its messages by a checked function (__snprintf_chk)."""
    engine, c_library = case
    with armexec.load(library("libz.so.1"), search=search(c_library), engine=engine) as m:
        opened = m["gzopen"].with_signature("void *(const char *, const char *)")
        with pytest.raises(armexec.SystemCallDenied, match="no folder was given for it"):
            opened("/data/file.gz", "wb")
        # The library can still be called.
        assert m["zlibVersion"].with_signature("const char *()").returning(str)().startswith("1.")
        assert opened("/dev/null", "wb")
