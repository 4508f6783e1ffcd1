"""The host code of functions of Python that the guest calls, for lists of integers and floating-point numbers.

It has the type of host code that is found by a guest address (support/runtime/find_code.ll). The slot of such a
function (support/runtime/host_function.ll) has a pair: the function, and one that makes an int in range or a float of
a result of any other class, or raises.
"""

from __future__ import annotations

from armexec.callbacks.address_range import CALLED_AT
from armexec.cpu.registers import REGISTERS
from armexec.machines.traps import TrapKind
from armexec.translate.guest_state import OFFSETS
from armexec.translate.python_calls.call_types import Passed, Returned
from armexec.translate.python_calls.frame_ir import TYPE_AT
from armexec.translate.support.host_environment import pinned
from armexec.translate.support.load import load

__all__ = ["text"]

_LLONG_MAX = (1 << 63) - 1
_ROOM_BEFORE = 1 << 63


def text(arguments: tuple[Returned, ...], result: Passed | None) -> str:
    """A module with `i1 @callback(ptr %state, i64 %pc, i64 %link)`.

    Arguments and result change their roles: Python gets the former and gives the latter. `result`: None for void.
    """
    count = len(arguments)
    lines = [
        load("vectorcall/callback"),
        "define i1 @callback(ptr %state, i64 %pc, i64 %link) nounwind {",
        # Python puts what a method is bound to before the arguments (PY_VECTORCALL_ARGUMENTS_OFFSET).
        f"%room = alloca [{1 + count} x ptr]",
        "%objects = getelementptr ptr, ptr %room, i64 1",
        "%overflow = alloca i32",
    ]
    general = vectors = 0
    for i, argument in enumerate(arguments):
        is_float = argument.kind == "float"
        name = f"v{vectors}" if is_float else f"x{general}"
        vectors, general = vectors + is_float, general + (not is_float)
        lines += _take(i, argument, REGISTERS[name].offset)
    lines += [
        "call void @begin_python(ptr %state, i64 %pc)",
        "call void @take_gil(ptr %state)",
        "%offset = sub i64 %pc, ptrtoint (ptr @host_functions to i64)",
        "%slot = getelementptr i8, ptr @host_function_slots, i64 %offset",
        f"%object_at = getelementptr i8, ptr %slot, i64 {CALLED_AT}",
        "%called = load ptr, ptr %object_at",
        # The function may have gone meanwhile.
        "%is_gone = icmp eq ptr %called, null",
        "br i1 %is_gone, label %leave, label %found",
        "found:",
        "call void @Py_IncRef(ptr %called)",
        "%function = call ptr @PyTuple_GetItem(ptr %called, i64 0)",
    ]
    for i, argument in enumerate(arguments):
        lines += _make(i, argument)
    lines += [
        f"%result = call ptr @PyObject_Vectorcall(ptr %function, ptr %objects, i64 {count | _ROOM_BEFORE}, ptr null)",
        *(f"call void @Py_DecRef(ptr %o{i})" for i in range(count)),
        "%failed = icmp eq ptr %result, null",
        "br i1 %failed, label %raised, label %given",
        "raised:",
        "call void @Py_DecRef(ptr %called)",
        "br label %leave",
        "leave:",
        "%left = call ptr @PyEval_SaveThread()",
        "call void @end_python(ptr %state)",
        f"call preserve_allcc void @trap(ptr %state, i32 {int(TrapKind.EXECUTE)}, i64 %pc, i64 %pc)",
        "unreachable",
        "given:",
        *_convert(result),
        "call void @Py_DecRef(ptr %called)",
        "%saved = call ptr @PyEval_SaveThread()",
        "call void @end_python(ptr %state)",
        *_put(result),
        "%elsewhere = call i1 @return_from_host(ptr %state, i64 %link)",
        "ret i1 %elsewhere",
        "}",
    ]
    return "\n".join(lines)


def _take(i: int, argument: Returned, at: int) -> list[str]:
    """An argument from its register as `%c{i}`: a double or an i64."""
    lines = [f"%p{i} = getelementptr i8, ptr %state, i64 {at}"]
    if argument.kind == "float":
        if argument.bits == 64:
            return [*lines, f"%c{i} = load double, ptr %p{i}"]
        # Widened before the process's environment is back.
        lines += [f"%f{i} = load float, ptr %p{i}", f"%w{i} = fpext float %f{i} to double"]
        return [*lines, f"%c{i} = {pinned('double', f'%w{i}')}"]
    if argument.bits == 64:
        return [*lines, f"%c{i} = load i64, ptr %p{i}"]
    extend = "sext" if argument.kind == "signed" else "zext"
    return [*lines, f"%l{i} = load i{argument.bits}, ptr %p{i}", f"%c{i} = {extend} i{argument.bits} %l{i} to i64"]


def _make(i: int, argument: Returned) -> list[str]:
    """An argument as an object, `%o{i}`."""
    make = {
        "float": "PyFloat_FromDouble(double",
        "bool": "PyBool_FromLong(i64",
        "signed": "PyLong_FromLongLong(i64",
        "unsigned": "PyLong_FromUnsignedLongLong(i64",
    }[argument.kind]
    return [
        f"%o{i} = call ptr @{make} %c{i})",
        f"%at{i} = getelementptr ptr, ptr %objects, i64 {i}",
        f"store ptr %o{i}, ptr %at{i}",
    ]


def _convert(result: Passed | None) -> list[str]:
    """The result as `%number`, a double or an i64."""
    if result is None:
        return ["call void @Py_DecRef(ptr %result)"]
    kind, type_ = ("double", "@PyFloat_Type") if result.is_float else ("i64", "@PyLong_Type")
    take = "double @PyFloat_AsDouble" if result.is_float else "i64 @PyLong_AsUnsignedLongLongMask"
    lines = [
        f"%type_at = getelementptr i8, ptr %result, i64 {TYPE_AT}",
        "%type = load ptr, ptr %type_at",
        f"%is_exact = icmp eq ptr %type, {type_}",
        "br i1 %is_exact, label %exact, label %other",
        "exact:",
    ]
    if result.is_float:
        lines += ["%first = call double @PyFloat_AsDouble(ptr %result)", "br label %fits"]
    else:
        lines += [
            "%first = call i64 @PyLong_AsLongLongAndOverflow(ptr %result, ptr %overflow)",
            "%is_over = load i32, ptr %overflow",
            "%small = icmp eq i32 %is_over, 0",
            f"%low = icmp sge i64 %first, {result.low}",
            f"%high = icmp sle i64 %first, {min(result.high, _LLONG_MAX)}",
            "%both = and i1 %low, %high",
            "%in = and i1 %both, %small",
            "br i1 %in, label %fits, label %other",
        ]
    return [
        *lines,
        "other:",
        "%convert = call ptr @PyTuple_GetItem(ptr %called, i64 1)",
        "%converted = call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr %convert, ptr %result, ptr null)",
        "%refused = icmp eq ptr %converted, null",
        "br i1 %refused, label %wrong, label %right",
        "wrong:",
        "call void @Py_DecRef(ptr %result)",
        "br label %raised",
        "right:",
        f"%second = call {take}(ptr %converted)",
        "call void @Py_DecRef(ptr %converted)",
        "br label %fits",
        "fits:",
        f"%number = phi {kind} [%first, %exact], [%second, %right]",
        "call void @Py_DecRef(ptr %result)",
    ]


def _put(result: Passed | None) -> list[str]:
    """Put the result into its register; the rest of a V register is zero."""
    if result is None:
        return []
    if not result.is_float:
        at = REGISTERS["x0"].offset
        return [f"%to = getelementptr i8, ptr %state, i64 {at}", "store i64 %number, ptr %to"]
    # Rounded in the guest's environment.
    lines = [
        f"%to = getelementptr i8, ptr %state, i64 {OFFSETS['v_registers']}",
        "store <2 x i64> zeroinitializer, ptr %to, align 8",
        f"%own = {pinned('double', '%number')}",
    ]
    if result.bits == 64:
        return [*lines, "store double %own, ptr %to"]
    return [*lines, "%narrow = fptrunc double %own to float", "store float %narrow, ptr %to"]
