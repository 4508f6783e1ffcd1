"""The text of functions for Python's vectorcall protocol, see `vectorcall`.

Python's C API, "Buffer Protocol": Py_buffer's layout and flags; the `struct` module, "Format Characters".
"""

from __future__ import annotations

from dataclasses import dataclass

from armexec.translate.support.load import load

__all__ = ["TYPE_AT", "Passed", "Returned", "text"]

TYPE_AT = 8
"""Where an object's type is, in bytes."""
_LLONG_MAX = (1 << 63) - 1
_BUFFER_SIZE = 80
_OBJ, _ITEMSIZE, _READONLY, _NDIM, _FORMAT = 8, 24, 32, 36, 40
"""Where fields of Py_buffer are, in bytes."""
_WRITABLE, _C_CONTIGUOUS_WITH_FORMAT = 0x1, 0x4 | 0x38


@dataclass(frozen=True)
class Passed:
    """A parameter: an integer from `low` to `high` in `bits` bits, or a floating-point number of 32 or 64 bits.

    `buffers`: it is a pointer, and objects with memory may be given; they needn't be `writable`; ints are `addresses`;
    `element`: the bytes of an element, 0 if any will do, `floats` whether it is a floating-point number.
    """

    bits: int
    low: int = 0
    high: int = 0
    is_float: bool = False
    buffers: bool = False
    addresses: bool = True
    writable: bool = False
    element: int = 0
    floats: bool = False


@dataclass(frozen=True)
class Returned:
    """A result: of `kind` "void", "bool", "signed", "unsigned" or "float", in `bits` bits."""

    kind: str
    bits: int = 0


def _c_type(parameter: Passed) -> str:
    if parameter.is_float:
        return "double"
    return f"i{parameter.bits}"


def text(parameters: tuple[Passed, ...], result: Returned) -> str:
    """A module with `ptr @call(ptr, ptr, i64, ptr)`."""
    views = [i for i, parameter in enumerate(parameters) if parameter.buffers]
    release = [f"call void @PyBuffer_Release(ptr %view{i})" for i in views]
    lines = [
        load("vectorcall/python_api"),
        *((load("vectorcall/buffer_format"),) if views else ()),
        "define ptr @call(ptr %self, ptr %arguments, i64 %count, ptr %names) nounwind {",
        "%overflow = alloca i32",
        # Nothing is to be released of one without an object.
        *(f"%view{i} = alloca [{_BUFFER_SIZE} x i8], align 8" for i in views),
        *(f"%obj{i} = getelementptr i8, ptr %view{i}, i64 {_OBJ}" for i in views),
        *(f"store ptr null, ptr %obj{i}" for i in views),
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
        *_call(parameters, result, release),
        "slow:",
        *release,
        "%function = call ptr @PyTuple_GetItem(ptr %self, i64 0)",
        "%done = call ptr @PyObject_Vectorcall(ptr %function, ptr %arguments, i64 %count, ptr %names)",
        "ret ptr %done",
        "}",
    ]
    return "\n".join(lines)


def _take(i: int, parameter: Passed) -> list[str]:
    """An argument as a C value, `%c{i}`."""
    if parameter.buffers:
        return _take_pointer(i, parameter)
    kind = "@PyFloat_Type" if parameter.is_float else "@PyLong_Type"
    lines = [
        f"p{i}:",
        f"%a{i} = getelementptr ptr, ptr %arguments, i64 {i}",
        f"%o{i} = load ptr, ptr %a{i}",
        f"%k{i} = getelementptr i8, ptr %o{i}, i64 {TYPE_AT}",
        f"%t{i} = load ptr, ptr %k{i}",
        f"%is{i} = icmp eq ptr %t{i}, {kind}",
        f"br i1 %is{i}, label %q{i}, label %slow",
        f"q{i}:",
    ]
    if parameter.is_float:
        lines.append(f"%c{i} = call double @PyFloat_AsDouble(ptr %o{i})")
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


def _take_pointer(i: int, parameter: Passed) -> list[str]:
    """An address, None, or what has memory of the right kind."""
    flags = _C_CONTIGUOUS_WITH_FORMAT | (_WRITABLE if parameter.writable else 0)
    lines = [
        f"p{i}:",
        f"%a{i} = getelementptr ptr, ptr %arguments, i64 {i}",
        f"%o{i} = load ptr, ptr %a{i}",
        f"%none{i} = icmp eq ptr %o{i}, @_Py_NoneStruct",
        f"br i1 %none{i}, label %n{i}, label %q{i}",
        f"n{i}:",
        f"br label %j{i}",
        f"q{i}:",
        f"%k{i} = getelementptr i8, ptr %o{i}, i64 {TYPE_AT}",
        f"%t{i} = load ptr, ptr %k{i}",
        f"%is{i} = icmp eq ptr %t{i}, @PyLong_Type",
        f"br i1 %is{i}, label %i{i}, label %b{i}",
        f"i{i}:",
        f"%v{i} = call i64 @PyLong_AsLongLongAndOverflow(ptr %o{i}, ptr %overflow)",
        f"%w{i} = load i32, ptr %overflow",
        f"%fits{i} = icmp eq i32 %w{i}, 0",
        f"%low{i} = icmp sge i64 %v{i}, 0",
        f"%address{i} = and i1 %low{i}, %fits{i}",
        f"%in{i} = and i1 %address{i}, {str(parameter.addresses).lower()}",
        f"br i1 %in{i}, label %j{i}, label %slow",
        f"b{i}:",
        f"%got{i} = call i32 @PyObject_GetBuffer(ptr %o{i}, ptr %view{i}, i32 {flags})",
        f"%has{i} = icmp eq i32 %got{i}, 0",
        f"br i1 %has{i}, label %m{i}, label %e{i}",
        f"e{i}:",
        "call void @PyErr_Clear()",
        f"store ptr null, ptr %obj{i}",
        "br label %slow",
        f"m{i}:",
        f"%fp{i} = getelementptr i8, ptr %view{i}, i64 {_FORMAT}",
        f"%f{i} = load ptr, ptr %fp{i}",
        f"%kind{i} = call i32 @kind(ptr %f{i})",
        f"%sp{i} = getelementptr i8, ptr %view{i}, i64 {_ITEMSIZE}",
        f"%s{i} = load i64, ptr %sp{i}",
        f"%known{i} = icmp ne i32 %kind{i}, 0",
    ]
    # A single number, of NumPy's or of ctypes', is no array: whether it will do depends on more than its size.
    lines += [
        f"%dp{i} = getelementptr i8, ptr %view{i}, i64 {_NDIM}",
        f"%d{i} = load i32, ptr %dp{i}",
        f"%is_array{i} = icmp ne i32 %d{i}, 0",
        # Read-only bytes may be how NumPy shows a date.
        f"%rp{i} = getelementptr i8, ptr %view{i}, i64 {_READONLY}",
        f"%r{i} = load i32, ptr %rp{i}",
        f"%may_change{i} = icmp eq i32 %r{i}, 0",
        f"%are_bytes{i} = icmp eq ptr %t{i}, @PyBytes_Type",
        f"%wide{i} = icmp ne i64 %s{i}, 1",
        f"%sure{i} = or i1 %may_change{i}, %are_bytes{i}",
        f"%clear{i} = or i1 %sure{i}, %wide{i}",
        f"%held{i} = and i1 %is_array{i}, %clear{i}",
    ]
    if parameter.element:
        lines += [
            f"%byte{i} = icmp eq i64 %s{i}, 1",
            f"%size{i} = icmp eq i64 %s{i}, {parameter.element}",
            f"%alike{i} = icmp eq i32 %kind{i}, {2 if parameter.floats else 1}",
            f"%same{i} = and i1 %size{i}, %alike{i}",
            f"%either{i} = or i1 %byte{i}, %same{i}",
            f"%fit{i} = and i1 %known{i}, %either{i}",
            f"%right{i} = and i1 %fit{i}, %held{i}",
        ]
    else:
        lines.append(f"%right{i} = and i1 %known{i}, %held{i}")
    lines += [
        f"%buf{i} = load i64, ptr %view{i}",
        f"br i1 %right{i}, label %j{i}, label %slow",
        f"j{i}:",
        f"%c{i} = phi i64 [0, %n{i}], [%v{i}, %i{i}], [%buf{i}, %m{i}]",
        f"br label %p{i + 1}",
    ]
    return lines


def _call(parameters: tuple[Passed, ...], result: Returned, release: list[str]) -> list[str]:
    """Call the stub, and make an object of the result; no object where it has raised something."""
    returned = "double" if result.kind == "float" else "i64"
    arguments = ", ".join(f"{_c_type(parameter)} %c{i}" for i, parameter in enumerate(parameters))
    lines = [
        f"%result = call {returned} %stub({arguments})",
        *release,
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
        return [*lines, "%object = call ptr @PyFloat_FromDouble(double %result)", "ret ptr %object"]
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
