"""Calls from Python without ctypes: C functions for Python's vectorcall protocol, one for each list of types.

A Python function of `abi.calls` or `abi.frames` checks the arguments and ctypes passes them on; that takes twice as
long as a bare ctypes call, with structs five times. A function made here takes Python's arguments as they are on the
interpreter's stack. Where they are just as many plain ints in range, floats, buffers and values of structs as are
wanted, it calls the guest at once; everything else, such as lists and wrong arguments, it leaves to that Python
function. It takes a tenth of a microsecond, with structs in and out three.

Python's C API, "Common Object Structures": PyMethodDef, METH_FASTCALL. It is used where the first field after the
reference count of an object is its type, which is so in CPython with a GIL.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from armexec.errors import note_call
from armexec.forks import hold
from armexec.translate.codegen.link import HostCode
from armexec.translate.codegen.support_code import shared_code
from armexec.translate.python_calls.call_types import CallTypes
from armexec.translate.python_calls.vectorcall_ir import CLASSES_AT, TYPE_AT, text
from armexec.translate.tiers import submit

__all__ = ["Callee", "is_possible", "make_later"]

_METH_FASTCALL, _METH_KEYWORDS = 0x80, 0x02
_TIER = "O1"


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("ml_name", ctypes.c_char_p),
        ("ml_meth", ctypes.c_void_p),
        ("ml_flags", ctypes.c_int),
        ("ml_doc", ctypes.c_char_p),
    )


@cache
def is_possible() -> bool:
    """Whether this Python has objects as they are expected to be."""
    # CPython without a GIL has a "t" there; sysconfig says so too, but reads all that Python was built with.
    if sys.implementation.name != "cpython" or "t" in getattr(sys, "abiflags", ""):
        return False
    return ctypes.c_void_p.from_address(id(TYPE_AT) + TYPE_AT).value == id(int)


# What code refers to by its address. The names are those of the slots of values of structs
# (support/vectorcall/struct_value.ll), and of what locks a guest's thread (lock.ll).
_OBJECTS = {
    "PyLong_Type": int,
    "PyFloat_Type": float,
    "PyBytes_Type": bytes,
    "_Py_NoneStruct": None,
    "note_call": note_call,
    **{f"{name.strip('_')}_name": sys.intern(name) for name in ("_data", "_alive", "_base")},
    **{f"{name.strip('_')}_name": sys.intern(name) for name in ("_lock", "acquire", "release")},
}

_new_function: Any = None
_codes: dict[CallTypes, HostCode] = {}
_lock = hold(threading.Lock())


def make_later(
    types: CallTypes,
    callee: Callee,
    slow: Callable[..., Any],
    install: Callable[[Any], None],
) -> None:
    """Have `install` called with a function that calls the callee, as `slow` does.

    That is done in the background, unless there is code for such types already. Meanwhile `slow` is held weakly, and
    nothing is done once it is gone.
    """
    if not is_possible():
        return
    with _lock:
        code = _codes.get(types)
    if code is not None:
        install(_function(code, callee, slow))
    else:
        submit(_Making(types, callee, weakref.ref(slow), install))


@dataclass(frozen=True)
class Callee:
    """What a function calls: the entry stub at `address`.

    `thread_pointer` gives TPIDR_EL0, if the stub takes it. `thread` has the `_lock` that is held meanwhile, if calls
    are serialized. `state` is the address of 16 bytes that are put back where a call fails, or 0. `classes` are those
    of the structs among the parameters, then that of the result. `memory`: where the address 0 of its sandbox is.
    """

    address: int
    thread_pointer: Callable[[], int] | None = None
    thread: object = None
    state: int = 0
    classes: tuple[type, ...] = ()
    memory: int = 0


@dataclass(frozen=True)
class _Making:
    """The job of making one. `slow` holds the image, and is not held on to."""

    types: CallTypes
    callee: Callee
    slow: weakref.ref[Callable[..., Any]]
    install: Callable[[Any], None]

    def run(self, stopping: Callable[[], bool]) -> None:
        if self.slow() is None or stopping():
            return
        with _lock:
            code = _codes.get(self.types)
        if code is None:
            symbols = {name: id(value) for name, value in _OBJECTS.items()}
            code = shared_code(text(self.types), symbols, ["call"], _TIER)
            with _lock:
                code = _codes.setdefault(self.types, code)
        slow = self.slow()
        if slow is not None:
            self.install(_function(code, self.callee, slow))


def _function(code: HostCode, callee: Callee, slow: Callable[..., Any]) -> Any:
    """A function of Python's. All that it needs lives as long as it does."""
    global _new_function  # noqa: PLW0603
    if _new_function is None:
        prototype = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
        _new_function = prototype(("PyCFunction_NewEx", ctypes.pythonapi))
    name = getattr(slow, "__name__", "function").encode()
    documentation = (getattr(slow, "__doc__", None) or "").encode()
    method = _MethodDef(name, code.address("call"), _METH_FASTCALL | _METH_KEYWORDS, documentation)
    own = slow, callee.address, callee.thread_pointer, callee.thread, method, code, callee.state, callee.memory
    needed = *own, *callee.classes
    assert len(needed) == CLASSES_AT + len(callee.classes)
    return _new_function(ctypes.addressof(method), needed, None)
