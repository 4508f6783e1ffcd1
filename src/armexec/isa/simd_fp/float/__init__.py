"""Floating-point instructions, scalar and on vectors."""

from __future__ import annotations

from . import (  # noqa: F401
    by_element,
    conversions,
    pairs,
    scalar,
    three_same,
    two_register,
    vector_conversions,
)
