"""C text into prototypes and types."""

from __future__ import annotations

from armexec.abi.declarations.reader import parse_prototype, parse_type, parse_types

__all__ = ["parse_prototype", "parse_type", "parse_types"]
