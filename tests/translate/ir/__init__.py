"""Blocks as IR text: registers, control flow, NaNs."""
