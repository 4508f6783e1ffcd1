"""Prototypes and types from DWARF."""
