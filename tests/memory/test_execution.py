"""Processes that may not make memory executable: an error that says so, and no end of the process."""

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
    except (armexec.HostError, NameError) as error:
        print(type(error).__name__, error)
print(armexec.function(words(10), "long()", engine="reference")())
"""


@needs_processes
@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
@pytest.mark.parametrize("when", ["before", "after"])
def test_under_mdwe_there_is_an_error_and_the_reference_works(when: str) -> None:
    done = subprocess.run([sys.executable, "-c", CODE, when], capture_output=True, text=True, timeout=60, check=False)
    if "not here" in done.stdout:
        pytest.skip("this kernel doesn't know PR_SET_MDWE")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    start = ["7", "7"] if when == "after" else []
    assert lines[: len(start)] == start
    assert lines[-1] == "10"
    errors = lines[len(start) : -1]
    assert len(errors) == 2
    for line in errors[0 if when == "after" else 1 :]:
        assert line.startswith("HostError")
        assert "PR_SET_MDWE" in line
        assert 'engine="reference"' in line


def test_models() -> None:
    assert execution_refused(LinuxModel()) == ""
    assert "may not make memory executable" in execution_refused(LinuxModel(mdwe=True))
    assert "may not make memory executable" in execution_refused(LinuxModel(execmem_denied=True))
    assert "no memory" in execution_refused(LinuxModel(fail_at=1))
    assert execution_refused(DarwinModel()) == ""
