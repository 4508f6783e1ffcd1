"""What stands behind a ufunc of armexec's, and how it is found again."""

from __future__ import annotations

import ctypes
from typing import Any

from armexec.arrays.loops import BoundLoop
from armexec.arrays.numpy_api import fields_of, new_ufunc

__all__ = ["Kernel", "origin"]


class Kernel:
    """What the loop of a ufunc needs. The ufunc holds it, and it lives as long; it doesn't hold the ufunc.

    `function` is the Function that it was made from, `signature` that of a generalized ufunc, None for others.
    """

    __slots__ = ("__weakref__", "_address", "_fields", "_needed", "_pointers", "function", "signature")

    def __init__(self, function: Any, signature: str | None) -> None:
        self.function = function
        self.signature = signature
        # The code, the image, what the loops call: all that there were, since some may still run.
        self._needed: list[object] = []
        # The loop, and its last argument.
        self._pointers = (ctypes.c_void_p * 2)()
        self._address = 0
        self._fields: Any = None

    def set_loop(self, loop: BoundLoop) -> None:
        """Have this loop called from now on."""
        self._needed.append(loop.needed)
        # At once: NumPy reads both while it has the GIL.
        self._pointers[:] = [loop.address, loop.data]

    def make(self, types: list[int], outputs: int, name: str, doc: str, core: str | None) -> Any:
        """The `numpy.ufunc`. `types`: the numbers of NumPy's types, inputs first. `core`: the core dimensions of a
        generalized ufunc. Raises HostError."""
        numbers = (ctypes.c_byte * len(types))(*types)
        texts = name.encode(), doc.encode(), None if core is None else core.encode()
        made = new_ufunc(self._pointers, numbers, len(types) - outputs, outputs, *texts)
        # NumPy keeps the addresses only.
        self._fields = numbers, texts
        self._address = id(made)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))
        fields_of(made).obj = id(self)
        return made

    @property
    def ufunc(self) -> Any:
        """The ufunc. It is there as long as the kernel is, since nothing else holds this for long."""
        return ctypes.cast(self._address, ctypes.py_object).value


def _kernel_of(ufunc: object) -> Kernel | None:
    """The kernel of a ufunc; None for other ufuncs, and for what is none."""
    import numpy as np

    if type(ufunc) is not np.ufunc:
        return None
    address = fields_of(ufunc).obj
    if not address:
        return None
    # Of NumPy's own, frompyfunc's are the only ones with an object.
    found = ctypes.cast(address, ctypes.py_object).value
    return found if isinstance(found, Kernel) else None


def origin(ufunc: object) -> tuple[Any, str | None] | None:
    """The Function that a `numpy.ufunc` was made from, and the signature if it is a generalized one, else None.

    None for what isn't armexec's: `origin(np.add)`.
    """
    kernel = _kernel_of(ufunc)
    return None if kernel is None else (kernel.function, kernel.signature)
