"""The founding words on an AArch64 processor, or on qemu's, whatever the host of the tests is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

PROGRAM = """
import ctypes, struct
from armexec.memory import Region, page_size, writable_and_executable, Protection
from armexec.memory.kernel import real_kernel
from armexec.memory.mapped_ranges import MAPPED_RANGES
from armexec.memory.strategies import candidates

words = (0xD10043FF, 0xB9000FE0, 0xB9400FE0, 0x910043FF, 0xD65F03C0)
for strategy in candidates(real_kernel()):
    with Region(real_kernel(), strategy, page_size(), executable=True, mapped=MAPPED_RANGES) as memory:
        memory.write(0, struct.pack("<5I", *words))
        memory.seal([(0, memory.size, Protection.READ | Protection.EXECUTE)])
        fn = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(memory.address)
        print(strategy.name, fn(3), writable_and_executable())
"""


@pytest.mark.native
def test_the_founding_words_print_3_with_every_strategy() -> None:
    launcher = PROJECT / "scripts" / "native-python"
    done = subprocess.run([launcher, "-c", PROGRAM], capture_output=True, text=True, check=False)
    if done.returncode == 127:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["anonymous 3 []", "memfd 3 []"]
