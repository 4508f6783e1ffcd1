"""Calls from Python without ctypes: C functions for Python's vectorcall protocol, one for each list of types.

A Python function of `abi.calls` checks the arguments and ctypes passes them on; that takes twice as long as a bare
ctypes call. A function made here takes Python's arguments as they are on the interpreter's stack. Where they are just
as many plain ints in range and floats as are wanted, it calls the guest at once; everything else, such as arrays and
wrong arguments, it leaves to that Python function. It takes a tenth of a microsecond.

Python's C API, "Common Object Structures": PyMethodDef, METH_FASTCALL. It is used where the first field after the
reference count of an object is its type, which is so in CPython with a GIL.
"""

from __future__ import annotations

import ctypes
import platform
import sysconfig
import threading
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from .kept import kept_object
from .link import HostCode
from .tiers import submit
from .watch import linked_shared

__all__ = ["Passed", "Returned", "make_later"]

_METH_FASTCALL, _METH_KEYWORDS = 0x80, 0x02
_TYPE_AT = 8
"""Where an object's type is, in bytes."""
_TIER = "O1"
_LLONG_MAX = (1 << 63) - 1


@dataclass(frozen=True)
class Passed:
    """A parameter: an integer from `low` to `high` in `bits` bits, or a floating-point number of 32 or 64 bits."""

    bits: int
    low: int = 0
    high: int = 0
    is_float: bool = False


@dataclass(frozen=True)
class Returned:
    """A result: of `kind` "void", "bool", "signed", "unsigned" or "float", in `bits` bits."""

    kind: str
    bits: int = 0


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("ml_name", ctypes.c_char_p),
        ("ml_meth", ctypes.c_void_p),
        ("ml_flags", ctypes.c_int),
        ("ml_doc", ctypes.c_char_p),
    )


def _is_possible() -> bool:
    """Whether this Python has objects as they are expected to be."""
    if platform.python_implementation() != "CPython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return False
    return ctypes.c_void_p.from_address(id(_TYPE_AT) + _TYPE_AT).value == id(int)


_new_function: Any = None
_codes: dict[Hashable, HostCode] = {}
_lock = threading.Lock()


def make_later(
    parameters: tuple[Passed, ...],
    result: Returned,
    address: int,
    slow: Callable[..., Any],
    install: Callable[[Any], None],
) -> None:
    """Have `install` called with a function that calls the entry stub at `address`, as `slow` does.

    That is done in the background, unless there is code for such types already. What `install` is a method of is held
    weakly, and nothing is done for what is gone.
    """
    if not _is_possible():
        return
    key = parameters, result
    with _lock:
        code = _codes.get(key)
    if code is not None:
        install(_function(code, address, slow))
    else:
        submit(_Making(parameters, result, address, slow, install))


class _Making:
    """The job of making one."""

    def __init__(
        self,
        parameters: tuple[Passed, ...],
        result: Returned,
        address: int,
        slow: Callable[..., Any],
        install: Callable[[Any], None],
    ) -> None:
        self._types = parameters, result
        self._address = address
        # It holds the image.
        self._slow = weakref.ref(slow)
        self._install = install

    def run(self, stopping: Callable[[], bool]) -> None:
        if self._slow() is None or stopping():
            return
        with _lock:
            code = _codes.get(self._types)
        if code is None:
            objects = {"PyLong_Type": int, "PyFloat_Type": float, "_Py_NoneStruct": None}
            symbols = {name: id(value) for name, value in objects.items()}
            text = _text(*self._types)
            data = kept_object(text, tier=_TIER)
            code = HostCode(data, symbols, ["call"])
            linked_shared(code, data, text, _TIER)
            with _lock:
                code = _codes.setdefault(self._types, code)
        slow = self._slow()
        if slow is not None:
            self._install(_function(code, self._address, slow))


def _function(code: HostCode, address: int, slow: Callable[..., Any]) -> Any:
    """A function of Python's. All that it needs lives as long as it does."""
    global _new_function  # noqa: PLW0603
    if _new_function is None:
        prototype = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
        _new_function = prototype(("PyCFunction_NewEx", ctypes.pythonapi))
    name = getattr(slow, "__name__", "function").encode()
    documentation = (getattr(slow, "__doc__", None) or "").encode()
    method = _MethodDef(name, code.address("call"), _METH_FASTCALL | _METH_KEYWORDS, documentation)
    return _new_function(ctypes.addressof(method), (slow, address, method, code), None)


def _c_type(parameter: Passed) -> str:
    if parameter.is_float:
        return "double" if parameter.bits == 64 else "float"
    return f"i{parameter.bits}"


def _text(parameters: tuple[Passed, ...], result: Returned) -> str:
    lines = [
        "@PyLong_Type = external global i8",
        "@PyFloat_Type = external global i8",
        "@_Py_NoneStruct = external global i8",
        "declare i64 @PyLong_AsLongLongAndOverflow(ptr, ptr)",
        "declare double @PyFloat_AsDouble(ptr)",
        "declare ptr @PyTuple_GetItem(ptr, i64)",
        "declare ptr @PyLong_AsVoidPtr(ptr)",
        "declare ptr @PyErr_Occurred()",
        "declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)",
        "declare ptr @PyLong_FromLongLong(i64)",
        "declare ptr @PyLong_FromUnsignedLongLong(i64)",
        "declare ptr @PyBool_FromLong(i64)",
        "declare ptr @PyFloat_FromDouble(double)",
        "declare void @Py_IncRef(ptr)",
        "define ptr @call(ptr %self, ptr %arguments, i64 %count, ptr %names) nounwind {",
        "%overflow = alloca i32",
        f"%many = icmp eq i64 %count, {len(parameters)}",
        "%unnamed = icmp eq ptr %names, null",
        "%plain = and i1 %many, %unnamed",
        "br i1 %plain, label %p0, label %slow",
    ]
    for i, parameter in enumerate(parameters):
        lines += _take(i, parameter)
    lines.append(f"p{len(parameters)}:")
    lines += [
        "%where = call ptr @PyTuple_GetItem(ptr %self, i64 1)",
        "%stub = call ptr @PyLong_AsVoidPtr(ptr %where)",
        *_call(parameters, result),
        "slow:",
        "%function = call ptr @PyTuple_GetItem(ptr %self, i64 0)",
        "%done = call ptr @PyObject_Vectorcall(ptr %function, ptr %arguments, i64 %count, ptr %names)",
        "ret ptr %done",
        "}",
    ]
    return "\n".join(lines)


def _take(i: int, parameter: Passed) -> list[str]:
    """An argument as a C value, `%c{i}`."""
    kind = "@PyFloat_Type" if parameter.is_float else "@PyLong_Type"
    lines = [
        f"p{i}:",
        f"%a{i} = getelementptr ptr, ptr %arguments, i64 {i}",
        f"%o{i} = load ptr, ptr %a{i}",
        f"%k{i} = getelementptr i8, ptr %o{i}, i64 {_TYPE_AT}",
        f"%t{i} = load ptr, ptr %k{i}",
        f"%is{i} = icmp eq ptr %t{i}, {kind}",
        f"br i1 %is{i}, label %q{i}, label %slow",
        f"q{i}:",
    ]
    if parameter.is_float:
        lines.append(f"%{'c' if parameter.bits == 64 else 'v'}{i} = call double @PyFloat_AsDouble(ptr %o{i})")
        if parameter.bits == 32:
            lines.append(f"%c{i} = fptrunc double %v{i} to float")
        return [*lines, f"br label %p{i + 1}"]
    lines += [
        f"%v{i} = call i64 @PyLong_AsLongLongAndOverflow(ptr %o{i}, ptr %overflow)",
        f"%w{i} = load i32, ptr %overflow",
        f"%fits{i} = icmp eq i32 %w{i}, 0",
        f"%low{i} = icmp sge i64 %v{i}, {parameter.low}",
        f"%high{i} = icmp sle i64 %v{i}, {min(parameter.high, _LLONG_MAX)}",
        f"%both{i} = and i1 %low{i}, %high{i}",
        f"%in{i} = and i1 %both{i}, %fits{i}",
        f"%c{i} = trunc i64 %v{i} to i{parameter.bits}" if parameter.bits < 64 else f"%c{i} = add i64 %v{i}, 0",
        f"br i1 %in{i}, label %p{i + 1}, label %slow",
    ]
    return lines


def _call(parameters: tuple[Passed, ...], result: Returned) -> list[str]:
    """Call the stub, and make an object of the result; no object where it has raised something."""
    returned = _c_type(Passed(result.bits, is_float=True)) if result.kind == "float" else "i64"
    arguments = ", ".join(f"{_c_type(parameter)} %c{i}" for i, parameter in enumerate(parameters))
    lines = [
        f"%result = call {returned} %stub({arguments})",
        "%error = call ptr @PyErr_Occurred()",
        "%well = icmp eq ptr %error, null",
        "br i1 %well, label %well_done, label %raised",
        "raised:",
        "ret ptr null",
        "well_done:",
    ]
    if result.kind == "void":
        return [*lines, "call void @Py_IncRef(ptr @_Py_NoneStruct)", "ret ptr @_Py_NoneStruct"]
    if result.kind == "float":
        wide = "%result"
        if result.bits == 32:
            lines.append("%wide = fpext float %result to double")
            wide = "%wide"
        return [*lines, f"%object = call ptr @PyFloat_FromDouble(double {wide})", "ret ptr %object"]
    value = "%result"
    if result.bits < 64:
        lines.append(f"%low = trunc i64 %result to i{result.bits}")
        extend = "sext" if result.kind == "signed" else "zext"
        lines.append(f"%value = {extend} i{result.bits} %low to i64")
        value = "%value"
    if result.kind == "bool":
        lines += [f"%set = icmp ne i64 {value}, 0", "%truth = zext i1 %set to i64"]
        return [*lines, "%object = call ptr @PyBool_FromLong(i64 %truth)", "ret ptr %object"]
    make = "PyLong_FromLongLong" if result.kind == "signed" else "PyLong_FromUnsignedLongLong"
    return [*lines, f"%object = call ptr @{make}(i64 {value})", "ret ptr %object"]
