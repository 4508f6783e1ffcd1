"""IR that keeps the host's registers and the top of its stack where the guest is left."""

from __future__ import annotations

import platform

from armexec.translate.guest_state import HOST_STACK_SIZE
from armexec.translate.support.load import load

__all__ = ["host_frame_text"]

_FILES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


def host_frame_text(machine: str | None = None) -> str:
    """IR of `@keep_stack` and `@keep_own`, for this host or another; `machine` is as `platform.machine` names it."""
    own = _FILES.get(machine or platform.machine(), "other")
    return load("host_frame/keep", STACK_SIZE=HOST_STACK_SIZE) + load(f"host_frame/{own}")
