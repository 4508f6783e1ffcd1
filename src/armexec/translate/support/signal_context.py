"""IR for a handler of signals: what it is told of the thread that it interrupts."""

from __future__ import annotations

from armexec.translate.support.load import load

__all__ = ["context_text"]


def context_text(machine: str, system: str) -> str:
    """IR of `@context_pc`, `@context_sp`, `@context_link`, `@context_is_write` and `@fault_address` of a host.

    `machine` and `system` are as `platform.machine` and `sys.platform` name them.
    """
    if system == "darwin":
        return load("signals/ucontext_darwin")
    return load(f"signals/ucontext_linux_{'x86_64' if machine == 'x86_64' else 'aarch64'}")
