"""NumPy's C API, as far as ufuncs are made with it.

NumPy reference, "UFunc API" and "ufuncobject.h": the table behind the capsule `_UFUNC_API`, whose slots are part of
NumPy's ABI, and the public fields of PyUFuncObject. Both are the same in NumPy 1.26 and 2.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib import import_module
from typing import Any

from armexec.errors import HostError

__all__ = ["PyUFuncObject", "fields_of", "new_ufunc"]

_CAPSULES = ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath")
"""NumPy 2, NumPy 1."""
_WITH_SIGNATURE = 31
"""The slot of PyUFunc_FromFuncAndDataAndSignature."""
_NO_IDENTITY = -1
"""PyUFunc_None: a reduction needs an element, and isn't reordered."""


class PyUFuncObject(ctypes.Structure):
    """The public fields of a ufunc."""

    _fields_ = (
        ("ob_refcnt", ctypes.c_ssize_t),
        ("ob_type", ctypes.c_void_p),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
        ("ntypes", ctypes.c_int),
        ("reserved1", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.c_void_p),
        ("doc", ctypes.c_char_p),
        ("ptr", ctypes.c_void_p),
        # A reference that the ufunc holds: whatever its loop needs.
        ("obj", ctypes.c_void_p),
    )


def fields_of(ufunc: Any) -> PyUFuncObject:
    """The fields of a ufunc, as a view of its memory: valid while it lives."""
    return PyUFuncObject.from_address(id(ufunc))


@cache
def _maker() -> Any:
    """PyUFunc_FromFuncAndDataAndSignature. Raises HostError."""
    for name in _CAPSULES:
        try:
            capsule = import_module(name)._UFUNC_API
            break
        except (ImportError, AttributeError):
            continue
    else:
        import numpy as np

        raise HostError(f"NumPy {np.__version__} has no table of ufunc functions where it is expected")
    pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    table = pointer(("PyCapsule_GetPointer", ctypes.pythonapi))(capsule, None)
    slot = ctypes.c_void_p.from_address(table + _WITH_SIGNATURE * ctypes.sizeof(ctypes.c_void_p))
    integers = (ctypes.c_int,) * 4
    texts = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
    arrays = (ctypes.c_void_p,) * 3
    return ctypes.PYFUNCTYPE(ctypes.py_object, *arrays, *integers, *texts)(slot.value or 0)


def new_ufunc(
    pointers: Any, types: Any, inputs: int, outputs: int, name: bytes, doc: bytes, signature: bytes | None
) -> Any:
    """A `numpy.ufunc` of one loop.

    All of these stay where they are as long as the ufunc lives. `pointers` is an array with the address of a
    PyUFuncGenericFunction, which may be changed, and what that gets as its last argument; `types` one with the numbers
    of NumPy's types. `signature`: that of a generalized ufunc.

    Raises:
        HostError: this NumPy has no such API.
        ValueError: NumPy can't read the signature.
    """
    return _maker()(
        ctypes.addressof(pointers),
        ctypes.addressof(pointers) + ctypes.sizeof(ctypes.c_void_p),
        ctypes.addressof(types),
        1,
        inputs,
        outputs,
        _NO_IDENTITY,
        name,
        doc,
        0,
        signature,
    )
