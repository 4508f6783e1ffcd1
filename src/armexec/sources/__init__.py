"""Files and texts of every kind that armexec takes: C, C++, assembly, words, raw code and objects, as images."""

from __future__ import annotations

from armexec.sources.kinds import KINDS, kind_of_code, kind_of_file
from armexec.sources.source import Source

__all__ = ["KINDS", "Source", "kind_of_code", "kind_of_file"]
