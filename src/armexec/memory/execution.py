"""The right of this process to make written memory executable, as JIT compilers do."""

from __future__ import annotations

import ctypes
import sys

from .kernel import real_kernel
from .kernel_calls import Kernel
from .protection import Protection
from .strategies import LINUX_MAP_ANONYMOUS, MAP_PRIVATE

__all__ = ["execution_refused"]

_PR_GET_MDWE = 66  # linux/prctl.h; Linux 6.3


def execution_refused(kernel: Kernel | None = None) -> str:
    """The reason why this process may not make memory executable, and what to do; empty if it may.

    It is tried at each call, since processes may give up rights. On macOS `strategies.choose` tries it instead.
    """
    kernel = kernel or real_kernel()
    if kernel.system != "linux":
        return ""
    size = kernel.page_size
    try:
        address = kernel.mmap(0, size, Protection.READ | Protection.WRITE, MAP_PRIVATE | LINUX_MAP_ANONYMOUS)
    except OSError as error:
        return f"there is no memory: {error.strerror} (errno {error.errno})"
    try:
        if kernel.instruction_cache:
            kernel.clear_cache(address, size)
        kernel.mprotect(address, size, Protection.READ | Protection.EXECUTE)
    except OSError as error:
        return (
            f"this process may not make memory executable that it has written: {error.strerror} (errno {error.errno}),"
            f' because of {_reason()}; run it without, or use engine="reference"'
        )
    finally:
        kernel.munmap(address, size)
    return ""


def _reason() -> str:
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(_PR_GET_MDWE, 0, 0, 0, 0) > 0:
        return "PR_SET_MDWE (systemd's MemoryDenyWriteExecute)"
    return "SELinux's execmem, a seccomp filter or the like"
