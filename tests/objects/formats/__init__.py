"""Kinds of object files, and what each says of functions."""
