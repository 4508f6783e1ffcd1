"""Host code from IR text: what LLVM refuses, and that memory comes back."""

from __future__ import annotations

import gc
import resource
import sys
from pathlib import Path

import pytest

from armexec.errors import HostError
from armexec.translate.link import HostCode

FUNCTION = "define i64 @f(i64 %x) {\n%y = add i64 %x, 1\nret i64 %y\n}"


@pytest.mark.parametrize("tier", ["O0", "O2"])
def test_a_value_used_where_it_is_not_known_is_refused(tier: str) -> None:
    text = """
    define i64 @f(i1 %c, i64 %x) {
      br i1 %c, label %a, label %b
    a:
      %y = add i64 %x, 1
      ret i64 %y
    b:
      ret i64 %y
    }"""
    with pytest.raises(HostError, match="does not dominate"):
        HostCode.from_text(text, {}, tier=tier)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_dropped_code_gives_its_memory_back() -> None:
    for _ in range(20):
        HostCode.from_text(FUNCTION, {}).address("f")
    gc.collect()
    before = _resident()
    for _ in range(100):
        HostCode.from_text(FUNCTION, {}).address("f")
    gc.collect()
    assert (_resident() - before) / 100 < 16_000
