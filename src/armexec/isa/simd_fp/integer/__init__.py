"""Instructions on integers in vectors."""

from __future__ import annotations

from . import (  # noqa: F401
    by_element,
    shift_immediate,
    three_different,
    three_same,
    two_register,
)
