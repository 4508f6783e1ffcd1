"""The meaning of SIMD and floating-point instructions, on Python ints."""
