"""The right of this process to make written memory executable, as JIT compilers do."""

from __future__ import annotations

import ctypes
import sys

from ..errors import HostError
from .kernel import real_kernel
from .kernel_calls import Kernel
from .strategies import choose

__all__ = ["execution_refused"]

_PR_GET_MDWE = 66  # linux/prctl.h; Linux 6.3


def execution_refused(kernel: Kernel | None = None) -> str:
    """The reason why this process may not make memory executable, and what to do; empty if it may.

    It is tried at each call, since processes may give up rights.
    """
    try:
        choose(kernel or real_kernel())
    except HostError:
        return (
            f"this process may not make memory executable that it has written, because of {_reason()}; run it without,"
            f' or use engine="reference"'
        )
    return ""


def _reason() -> str:
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(_PR_GET_MDWE, 0, 0, 0, 0) > 0:
        return "PR_SET_MDWE (systemd's MemoryDenyWriteExecute)"
    return "SELinux's execmem, a seccomp filter, the hardened runtime or the like"
