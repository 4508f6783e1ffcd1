"""Jupyter and IPython: cells of C, C++ and assembly."""

from __future__ import annotations

from armexec.notebooks.magics import load

__all__ = ["load"]
