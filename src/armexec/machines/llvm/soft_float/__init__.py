"""Floating point by integers on the translating machine."""
