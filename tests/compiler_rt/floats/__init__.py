"""Conversions, complex numbers and binary128."""
