"""Ctrl-C while LLVM works: it is raised at once, and nothing of LLVM's is left in the middle."""

from __future__ import annotations

import subprocess
import sys

from engines import needs_processes

pytestmark = needs_processes

CODE = r"""
import sys, threading
import armexec
from armexec.translate.codegen import llvm

TEXT = "define i64 @f(i64 %x) { %y = add i64 %x, 1 ret i64 %y }"
assert llvm.compile_object(TEXT, tier="O2")
count = 0


def interrupted(at):
    # An exception where a function begins, which is where Python looks for signals: one of a handler may come there, in
    # the main thread.
    seen = 0

    def trace(frame, event, argument):
        nonlocal seen
        name = frame.f_code.co_filename
        if "armexec" in name or "llvmlite" in name:
            seen += 1
            if seen == at:
                raise KeyboardInterrupt
        return None

    sys.settrace(trace)
    try:
        llvm.compile_object(TEXT, tier="O2")
        return seen >= at
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)


while interrupted(count + 1):
    count += 1
    assert llvm.compile_object(TEXT, tier="O2")
print("done", count)
"""


def test_an_exception_in_each_function() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    word, count = done.stdout.split()
    assert word == "done"
    assert int(count) >= 3
