"""The text of functions for Python's vectorcall protocol, see `vectorcall`.

Python's C API, "Buffer Protocol": Py_buffer's layout and flags; the `struct` module, "Format Characters".
"""

from __future__ import annotations

from armexec.translate.python_calls.call_types import CallTypes, Passed, Returned
from armexec.translate.python_calls.frame_ir import (
    TYPE_AT,
    Frame,
    Slice,
    helpers,
    put_number,
    result_number,
    result_struct,
    start,
    take_struct,
)
from armexec.translate.support.load import load

__all__ = ["CLASSES_AT", "TYPE_AT", "text"]

_FUNCTION_AT, _STUB_AT, _THREAD_POINTER_AT, _THREAD_AT, _STATE_AT, _MEMORY_AT, CLASSES_AT = 0, 1, 2, 3, 6, 7, 8
"""Where the tuple of a function has what it calls, its sandbox's address, and the classes of the structs that it takes
and returns."""
_SANDBOX_SIZE = 1 << 32
_LLONG_MAX = (1 << 63) - 1
_BUFFER_SIZE = 80
_OBJ, _ITEMSIZE, _READONLY, _NDIM, _FORMAT = 8, 24, 32, 36, 40
"""Where fields of Py_buffer are, in bytes."""
_WRITABLE, _C_CONTIGUOUS_WITH_FORMAT = 0x1, 0x4 | 0x38


def _c_type(parameter: Passed) -> str:
    if parameter.is_float:
        return "double"
    return f"i{parameter.bits}"


def text(types: CallTypes) -> str:
    """A module with `ptr @call(ptr, ptr, i64, ptr)`."""
    parameters, frame = types.parameters, types.frame
    views = [i for i, parameter in enumerate(parameters) if parameter.buffers]
    release = [f"call void @PyBuffer_Release(ptr %view{i})" for i in views]
    lines = [
        load("vectorcall/python_api"),
        load("vectorcall/failed_call"),
        *((load("vectorcall/buffer_format"),) if views else ()),
        *((helpers(),) if frame else ()),
        *((load("vectorcall/lock"),) if types.serialized else ()),
        "define ptr @call(ptr %self, ptr %arguments, i64 %count, ptr %names) nounwind {",
        "%overflow = alloca i32",
        # Nothing is to be released of one without an object.
        *(f"%view{i} = alloca [{_BUFFER_SIZE} x i8], align 8" for i in views),
        *(f"%obj{i} = getelementptr i8, ptr %view{i}, i64 {_OBJ}" for i in views),
        *(f"store ptr null, ptr %obj{i}" for i in views),
        *((f"%struct_view = alloca [{_BUFFER_SIZE} x i8], align 8", *start(frame)) if frame else ()),
        f"%many = icmp eq i64 %count, {len(parameters)}",
        "%unnamed = icmp eq ptr %names, null",
        "%plain = and i1 %many, %unnamed",
        "br i1 %plain, label %p0, label %slow",
    ]
    place = CLASSES_AT
    for i, parameter in enumerate(parameters):
        if frame and parameter.is_struct:
            lines += take_struct(i, parameter.bits // 8, frame.arguments[i], place)
            place += 1
        else:
            lines += _take(i, parameter, sandbox=types.sandbox)
    lines.append(f"p{len(parameters)}:")
    if frame:
        for i, parameter in enumerate(parameters):
            if not parameter.is_struct:
                lines += _put(i, parameter, frame.arguments[i][0])
    lines += [
        *(_thread_pointer() if types.thread_pointer else ()),
        *(_hold() if types.serialized else ()),
        *(_state() if types.keeps_state else ()),
        f"%where = call ptr @PyTuple_GetItem(ptr %self, i64 {_STUB_AT})",
        "%stub = call ptr @PyLong_AsVoidPtr(ptr %where)",
        *_call(types, release),
        *(_result_in_frame(types.result, frame, place) if frame else _result(types.result)),
        "raised:",
        f"%called = call ptr @PyTuple_GetItem(ptr %self, i64 {_FUNCTION_AT})",
        "call void @failed_call(ptr %called, ptr %arguments, i64 %count)",
        "ret ptr null",
        *(("unready:", *release, "ret ptr null") if types.thread_pointer or types.serialized else ()),
        "slow:",
        *release,
        f"%function = call ptr @PyTuple_GetItem(ptr %self, i64 {_FUNCTION_AT})",
        "%done = call ptr @PyObject_Vectorcall(ptr %function, ptr %arguments, i64 %count, ptr %names)",
        "ret ptr %done",
        "}",
    ]
    return "\n".join(lines)


def _take(i: int, parameter: Passed, *, sandbox: bool = False) -> list[str]:
    """An argument as a C value, `%c{i}`."""
    if parameter.buffers:
        return _take_pointer(i, parameter, sandbox=sandbox)
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


def _take_pointer(i: int, parameter: Passed, *, sandbox: bool) -> list[str]:
    """An address, None, or what has memory of the right kind. In a sandbox it is passed by its address there."""
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
    right = f"%right{i}"
    lines.append(f"%{'host' if sandbox else 'buf'}{i} = load i64, ptr %view{i}")
    if sandbox:
        right = f"%inside{i}"
        lines += [
            f"%memory_int{i} = call ptr @PyTuple_GetItem(ptr %self, i64 {_MEMORY_AT})",
            f"%memory{i} = call ptr @PyLong_AsVoidPtr(ptr %memory_int{i})",
            f"%begin{i} = ptrtoint ptr %memory{i} to i64",
            f"%buf{i} = sub i64 %host{i}, %begin{i}",
            f"%within{i} = icmp ult i64 %buf{i}, {_SANDBOX_SIZE}",
            f"%inside{i} = and i1 %within{i}, %right{i}",
        ]
    lines += [
        f"br i1 {right}, label %j{i}, label %slow",
        f"j{i}:",
        f"%c{i} = phi i64 [0, %n{i}], [%v{i}, %i{i}], [%buf{i}, %m{i}]",
        f"br label %p{i + 1}",
    ]
    return lines


def _put(i: int, parameter: Passed, place: Slice) -> list[str]:
    """Put a number that was taken into the frame, an integer extended to the size of its place."""
    if parameter.is_float and parameter.bits == 32:
        # Only where it needn't be rounded: the process may have set another rounding for itself.
        return [
            f"%narrow{i} = fptrunc double %c{i} to float",
            f"%wide{i} = fpext float %narrow{i} to double",
            f"%exact{i} = fcmp oeq double %wide{i}, %c{i}",
            f"br i1 %exact{i}, label %put{i}, label %slow",
            f"put{i}:",
            *put_number(i, "float", f"%narrow{i}", place),
        ]
    if parameter.is_float or parameter.buffers:
        return put_number(i, _c_type(parameter), f"%c{i}", place)
    if place.size == 8:
        return put_number(i, "i64", f"%v{i}", place)
    kind = f"i{8 * place.size}"
    return [f"%low{i}_of = trunc i64 %v{i} to {kind}", *put_number(i, kind, f"%low{i}_of", place)]


def _thread_pointer() -> list[str]:
    """Ask the function of Python for it."""
    return [
        f"%whom = call ptr @PyTuple_GetItem(ptr %self, i64 {_THREAD_POINTER_AT})",
        "%pointer_object = call ptr @PyObject_CallNoArgs(ptr %whom)",
        "%has_pointer = icmp ne ptr %pointer_object, null",
        "br i1 %has_pointer, label %pointed, label %unready",
        "pointed:",
        "%thread_pointer = call ptr @PyLong_AsVoidPtr(ptr %pointer_object)",
        "call void @Py_DecRef(ptr %pointer_object)",
    ]


def _hold() -> list[str]:
    """Hold the lock of the guest's thread."""
    return [
        f"%thread = call ptr @PyTuple_GetItem(ptr %self, i64 {_THREAD_AT})",
        "%lock = call ptr @hold(ptr %thread)",
        "%is_held = icmp ne ptr %lock, null",
        "br i1 %is_held, label %held, label %unready",
        "held:",
    ]


def _state() -> list[str]:
    """What a library keeps of the guest's thread, while the lock is held."""
    return [
        f"%state_at = call ptr @PyTuple_GetItem(ptr %self, i64 {_STATE_AT})",
        "%state = call ptr @PyLong_AsVoidPtr(ptr %state_at)",
        "%before = load <2 x i64>, ptr %state, align 8",
    ]


def _call(types: CallTypes, release: list[str]) -> list[str]:
    """Call the stub; on to `raised` where it has raised something."""
    returned = "double" if types.result.kind == "float" and not types.frame else "i64"
    arguments = [f"{_c_type(parameter)} %c{i}" for i, parameter in enumerate(types.parameters)]
    if types.frame:
        arguments = ["ptr %frame"]
    if types.thread_pointer:
        arguments.append("ptr %thread_pointer")
    return [
        f"%result = call {returned} %stub({', '.join(arguments)})",
        *(("call void @put_back(ptr %state, <2 x i64> %before)",) if types.keeps_state else ()),
        *(("call void @let_go(ptr %lock)",) if types.serialized else ()),
        *release,
        "%error = call ptr @PyErr_Occurred()",
        "%well = icmp eq ptr %error, null",
        "br i1 %well, label %well_done, label %raised",
        "well_done:",
    ]


def _result_in_frame(result: Returned, frame: Frame, place: int) -> list[str]:
    """Make an object of the result that the frame has."""
    if result.kind == "struct":
        return result_struct(result.bits // 8, frame.result, place)
    if result.kind == "void":
        return _result(result, "")
    if result.kind != "float":
        return [*result_number("i64", frame.result[0]), *_result(result, "%got")]
    if result.bits == 64:
        return [*result_number("double", frame.result[0]), *_result(result, "%got")]
    lines = result_number("float", frame.result[0])
    return [*lines, "%wide = call double @widened(float %got)", *_result(result, "%wide")]


def _result(result: Returned, value: str = "%result") -> list[str]:
    """Make an object of a number."""
    if result.kind == "void":
        return ["call void @Py_IncRef(ptr @_Py_NoneStruct)", "ret ptr @_Py_NoneStruct"]
    if result.kind == "float":
        return [f"%object = call ptr @PyFloat_FromDouble(double {value})", "ret ptr %object"]
    lines = []
    if result.bits < 64:
        lines.append(f"%low = trunc i64 {value} to i{result.bits}")
        extend = "sext" if result.kind == "signed" else "zext"
        lines.append(f"%value = {extend} i{result.bits} %low to i64")
        value = "%value"
    if result.kind == "bool":
        lines += [f"%set = icmp ne i64 {value}, 0", "%truth = zext i1 %set to i64"]
        return [*lines, "%object = call ptr @PyBool_FromLong(i64 %truth)", "ret ptr %object"]
    make = "PyLong_FromLongLong" if result.kind == "signed" else "PyLong_FromUnsignedLongLong"
    return [*lines, f"%object = call ptr @{make}(i64 {value})", "ret ptr %object"]
