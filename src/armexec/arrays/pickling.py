"""Ufuncs in pickles: those of armexec's are sent as their functions, and others as NumPy does it."""

from __future__ import annotations

import copyreg
from typing import Any

import numpy as np

from armexec.arrays.kernel import origin

__all__ = ["register"]


def _ufunc_again(function: Any, signature: str | None) -> Any:
    """The ufunc of a pickle."""
    return function.ufunc if signature is None else function.gufunc(signature)


def register() -> None:
    """Have pickle, and all that asks `copyreg`, send armexec's ufuncs."""
    numpys = copyreg.dispatch_table.get(np.ufunc)

    def pickled(ufunc: Any) -> Any:
        found = origin(ufunc)
        if found is not None:
            return _ufunc_again, found
        return numpys(ufunc) if numpys is not None else ufunc.__name__

    copyreg.pickle(np.ufunc, pickled)
