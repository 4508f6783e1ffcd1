"""Traces: every instruction of a call, a program or a Cpu, with what it has read and written."""

from __future__ import annotations

from armexec.tracing.open import trace
from armexec.tracing.traces import Trace

__all__ = ["Trace", "trace"]
