"""Loops of ufuncs as host code."""
