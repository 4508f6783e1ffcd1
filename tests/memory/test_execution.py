"""Processes that may not make written memory executable: code comes out of a file in memory there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from armexec.memory import execution_refused
from engines import needs_processes

from .kernels import DarwinModel, LinuxModel

CODE = """
import ctypes, sys
import armexec
refuse = lambda: ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)
words = lambda number: [0xD2800000 | number << 5, 0xD65F03C0]
if sys.argv[1] == "before":
    if refuse():
        print("not here")
        raise SystemExit
else:
    first = armexec.function(words(7), "long()", engine="translated")
    print(first())
    later = armexec.function(words(8), "long()", engine="translated")
    if refuse():
        print("not here")
        raise SystemExit
    print(first())
for use in (lambda: later(), lambda: armexec.function(words(9), "long()", engine="translated")()):
    try:
        print(use())
    except NameError:
        pass
with open("/proc/self/maps") as maps:
    assert not [line for line in maps if line.split()[1].startswith("rwx")]
print(armexec.function(words(10), "long()", engine="reference")())
"""


@needs_processes
@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
@pytest.mark.parametrize("when", ["before", "after"])
def test_under_mdwe_code_is_translated_and_runs(when: str) -> None:
    done = subprocess.run([sys.executable, "-c", CODE, when], capture_output=True, text=True, timeout=60, check=False)
    if "not here" in done.stdout:
        pytest.skip("this kernel doesn't know PR_SET_MDWE")
    assert done.returncode == 0, done.stderr
    expected = ["7", "7", "8", "9", "10"] if when == "after" else ["9", "10"]
    assert done.stdout.splitlines() == expected


def test_models() -> None:
    assert execution_refused(LinuxModel()) == ""
    assert execution_refused(LinuxModel(mdwe=True)) == ""
    assert execution_refused(LinuxModel(execmem_denied=True)) == ""
    assert "may not make memory executable" in execution_refused(LinuxModel(mdwe=True, has_memfd=False))
    assert execution_refused(DarwinModel()) == ""
