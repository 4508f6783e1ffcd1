"""SIMD and floating-point instructions, by class of the manual's index."""

from __future__ import annotations

from . import (  # noqa: F401
    aes,
    copy,
    float,
    general_moves,
    integer,
    loads_stores,
    loads_stores_pair,
    modified_immediate,
    permute,
    products,
    sha,
    structures_multiple,
    structures_single,
)
