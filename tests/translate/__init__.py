"""The translation of guest code to host code."""
