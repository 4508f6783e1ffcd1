"""Runs that record each instruction: by the interpreter, and by blocks."""
