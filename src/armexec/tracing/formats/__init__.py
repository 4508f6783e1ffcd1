"""Traces as files for other tools."""

from __future__ import annotations

from armexec.tracing.formats.save import FORMATS, save

__all__ = ["FORMATS", "save"]
