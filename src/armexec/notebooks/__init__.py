"""Jupyter and IPython: cells of C, C++ and assembly, exceptions, and a widget that steps through a call."""

from __future__ import annotations

from armexec.notebooks.magics import load
from armexec.notebooks.stepping import step

__all__ = ["load", "step"]
