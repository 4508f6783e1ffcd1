"""Traces as files for other tools."""

from __future__ import annotations

from armexec.tracing.formats.save import FORMATS, format_of, save

__all__ = ["FORMATS", "format_of", "save"]
