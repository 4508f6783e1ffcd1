"""SIMD and floating-point instructions, by class of the manual's index."""

from __future__ import annotations

from . import (  # noqa: F401
    aes,
    copy,
    float_by_element,
    float_conversions,
    float_pairs,
    float_scalar,
    float_three_same,
    float_two_register,
    float_vector_conversions,
    general_moves,
    integer_by_element,
    integer_shift_immediate,
    integer_three_different,
    integer_three_same,
    integer_two_register,
    loads_stores,
    loads_stores_pair,
    modified_immediate,
    permute,
    products,
    sha,
    structures_multiple,
    structures_single,
)
