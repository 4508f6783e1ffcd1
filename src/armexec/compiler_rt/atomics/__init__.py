"""Atomic operations that compilers call functions for."""

from __future__ import annotations

from armexec.compiler_rt.atomics.outlined import outlined_atomics

__all__ = ["outlined_atomics"]
