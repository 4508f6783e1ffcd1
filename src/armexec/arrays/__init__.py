"""Functions of the guest over NumPy arrays: true ufuncs, and generalized ones (docs/decisions/0042-ufuncs.md)."""

from __future__ import annotations

from armexec.arrays.kernel import Kernel, kernel_of, origin
from armexec.arrays.make import make_ufunc, remake_loop
from armexec.arrays.pickling import register
from armexec.arrays.target import Target

__all__ = ["Kernel", "Target", "kernel_of", "make_ufunc", "origin", "remake_loop"]

register()
