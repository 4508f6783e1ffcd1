"""Soft float: to come."""
from __future__ import annotations
class SoftFloat:
    def _soft(self, name, *operands, width=0):
        raise NotImplementedError(name)
    def _soft_compare(self, a, b, *, signal, when):
        raise NotImplementedError("compare")
