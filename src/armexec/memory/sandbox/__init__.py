"""Sandboxes: reserved addresses, beyond which a guest can't reach."""

from .lent import Block
from .memory import SandboxMemory
from .sandbox import Sandbox

__all__ = ["Block", "Sandbox", "SandboxMemory"]
