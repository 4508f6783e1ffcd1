"""A worker: a process that runs one module or one program for another process."""

from __future__ import annotations

from armexec.isolation.worker.worker import run

__all__ = ["run"]
