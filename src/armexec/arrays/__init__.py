"""Functions of the guest over NumPy arrays: true ufuncs, and generalized ones (docs/decisions/0042-ufuncs.md)."""

from __future__ import annotations

from armexec.arrays.kernel import origin
from armexec.arrays.pickling import register
from armexec.arrays.target import Target
from armexec.arrays.ufuncs import Ufuncs

__all__ = ["Target", "Ufuncs", "origin"]

register()
