"""Shared libraries (ELF, ET_DYN): read, found with their dependencies, and linked into one image."""
