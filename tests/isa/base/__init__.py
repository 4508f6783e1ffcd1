"""The meaning of base instructions, on Python ints."""
