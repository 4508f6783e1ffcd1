"""Sessions: calls, programs and Cpus that are executed step by step, forwards and back."""

from __future__ import annotations

from armexec.debugger.open import debug, reopened
from armexec.debugger.session import Session

__all__ = ["Session", "debug", "reopened"]
