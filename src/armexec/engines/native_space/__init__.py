"""Address spaces on the native engine: the processor runs the guest's code at the guest's own addresses.

See docs/decisions/0016-address-spaces.md.
"""

from .runner import OnProcessor

__all__ = ["OnProcessor"]
