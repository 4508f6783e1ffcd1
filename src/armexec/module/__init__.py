"""Modules and functions: code in memory that Python calls, and what it calls in Python."""

from __future__ import annotations

from armexec.module.module import Function, Module, UnknownFunction

__all__ = ["Function", "Module", "UnknownFunction"]
