"""SIMD and floating-point instructions, by class of the manual's index."""
