"""Modules whose code runs in a worker process, which can do nothing else."""

from __future__ import annotations

from armexec.isolation.module import IsolatedModule

__all__ = ["IsolatedModule"]
