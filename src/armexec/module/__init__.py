"""Modules and functions: code in memory that Python calls, and what it calls in Python."""

from __future__ import annotations

from armexec.module.function import Function
from armexec.module.module import Module, UnknownFunction

__all__ = ["Function", "Module", "UnknownFunction"]
