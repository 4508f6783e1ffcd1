"""Entering and leaving translated code: traps, faults, signals, code found while it runs."""
