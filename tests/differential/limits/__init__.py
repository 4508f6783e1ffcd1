"""Limits of instructions on random programs."""
