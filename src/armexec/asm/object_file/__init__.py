"""Assembled code as object files, and the debug information that directives describe."""
