"""Functions of the guest as functions of C, for SciPy, Numba and whatever takes a pointer to one
(docs/decisions/0020-calls-from-python.md)."""

from __future__ import annotations

from armexec.c_functions.make import CTarget, make_c_function

__all__ = ["CTarget", "make_c_function"]
