"""SIMD and floating-point instructions, by class of the manual's index."""

from __future__ import annotations

from . import (  # noqa: F401
    copy,
    general_moves,
    integer_three_same,
    loads_stores,
    loads_stores_pair,
    modified_immediate,
    permute,
    structures_multiple,
    structures_single,
)
