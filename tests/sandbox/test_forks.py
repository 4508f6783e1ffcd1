"""A child process has sandboxes of its own."""

from __future__ import annotations

import os

import numpy as np
import pytest

import armexec


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this host doesn't fork")
def test_a_child_goes_on_with_its_copy() -> None:
    mod = armexec.compile("long v = 1; long add(const long *p) { return v += *p; }", "c", sandbox=True)
    kept = mod.empty(1, np.int64)
    kept[0] = 5
    assert mod.add([1]) == 2
    child = os.fork()
    if not child:
        good = mod.add(kept) == 7 and mod.add([3]) == 10
        another = armexec.function("add x0, x0, #1; ret", "long(long)", sandbox=True)
        os._exit(0 if good and another(4) == 5 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert mod.add(kept) == 7
