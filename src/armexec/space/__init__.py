"""The memory that a guest sees: mappings at addresses of its own, with protections and hooks."""

from .space import AddressSpace

__all__ = ["AddressSpace"]
