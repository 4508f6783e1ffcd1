"""C functions that call what Python calls: with the host's convention, with the GIL or without, from any thread.

Nothing can be raised through C. So where the guest fails, the result is 0 or a NaN, and the exception is kept for the
thread (`c_functions/pending.py`): Python raises it as soon as the thread is back. Until then calls do nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from armexec.translate.codegen.link import HostCode
from armexec.translate.codegen.support_code import shared_code
from armexec.translate.support.load import load

__all__ = ["CType", "c_thunk", "thunk_text"]

_TIER = "O1"


class CType(NamedTuple):
    """A scalar of C: an LLVM type, and for integers whether it is signed."""

    llvm: str
    signed: bool = False

    @property
    def inner(self) -> str:
        """The type by which what Python calls takes it."""
        return {"float": "double", "ptr": "i64"}.get(self.llvm, self.llvm)


def c_thunk(
    parameters: Sequence[CType], result: CType | None, symbols: dict[str, int], *, in_python: bool = False
) -> HostCode:
    """The function `call` of C, in executable memory.

    `symbols`: `entry` is what it calls, with the GIL, with integers and doubles, and it gives 64 bits or a double; with
    `in_python` that is `function`, an object of Python's; and what `support/vectorcall/c_thunk.ll` needs.

    Raises:
        HostError: LLVM isn't there.
    """
    return shared_code(thunk_text(parameters, result, in_python=in_python), symbols, ["call"], _TIER)


def _python_entry(parameters: Sequence[CType], inner: str) -> str:
    """`entry` that calls a function of Python: numbers become objects, and its result a number. What it raises stays
    set."""
    count = len(parameters)
    lines = [f"%values = alloca [{max(count, 1)} x ptr]"]
    for n, kind in enumerate(parameters):
        if kind.inner == "double":
            lines.append(f"%o{n} = call ptr @PyFloat_FromDouble(double %v{n})")
        else:
            extend, sign = ("sext", "Long") if kind.signed else ("zext", "UnsignedLong")
            value = f"%v{n}"
            if kind.inner != "i64":
                lines.append(f"%w{n} = {extend} {kind.inner} %v{n} to i64")
                value = f"%w{n}"
            lines.append(f"%o{n} = call ptr @PyLong_From{sign}Long(i64 {value})")
        lines += [f"%at{n} = getelementptr ptr, ptr %values, i64 {n}", f"store ptr %o{n}, ptr %at{n}"]
    drops = [f"call void @drop(ptr %o{n})" for n in range(count)]
    declared = ", ".join(f"{kind.inner} %v{n}" for n, kind in enumerate(parameters))
    as_double = inner == "double"
    unboxed = (
        "%number = call double @PyFloat_AsDouble(ptr %found)"
        if as_double
        else "%number = call i64 @PyLong_AsUnsignedLongLongMask(ptr %found)"
    )
    zero = "0.0" if as_double else "0"
    return "\n".join(
        (
            "@function = external global i8",
            "declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)",
            "declare ptr @PyFloat_FromDouble(double)",
            "declare ptr @PyLong_FromLongLong(i64)",
            "declare ptr @PyLong_FromUnsignedLongLong(i64)",
            "declare double @PyFloat_AsDouble(ptr)",
            "declare i64 @PyLong_AsUnsignedLongLongMask(ptr)",
            f"define internal {inner} @entry({declared}) nounwind {{",
            *lines,
            f"%found = call ptr @PyObject_Vectorcall(ptr @function, ptr %values, i64 {count}, ptr null)",
            *drops,
            "%raised = icmp eq ptr %found, null",
            "br i1 %raised, label %nothing, label %some",
            "some:",
            "%is_none = icmp eq ptr %found, @none",
            "br i1 %is_none, label %empty, label %take",
            "take:",
            unboxed,
            "call void @Py_DecRef(ptr %found)",
            f"ret {inner} %number",
            "empty:",
            "call void @Py_DecRef(ptr %found)",
            "br label %nothing",
            "nothing:",
            f"ret {inner} {zero}",
            "}",
        )
    )


def thunk_text(parameters: Sequence[CType], result: CType | None, *, in_python: bool = False) -> str:
    """The module of `c_thunk`."""
    taken = ", ".join(f"{kind.llvm} %a{i}" for i, kind in enumerate(parameters))
    lines = []
    for i, kind in enumerate(parameters):
        if kind.llvm == "float":
            lines.append(f"  %p{i} = fpext float %a{i} to double")
        elif kind.llvm == "ptr":
            lines.append(f"  %p{i} = ptrtoint ptr %a{i} to i64")
    changed = ("float", "ptr")
    given = ", ".join(f"{kind.inner} %{'p' if kind.llvm in changed else 'a'}{i}" for i, kind in enumerate(parameters))
    inner = "double" if result is not None and result.inner == "double" else "i64"
    declared = ", ".join(kind.inner for kind in parameters)
    outer, attribute, convert, failed = "void", "", "", ""
    if result is not None:
        outer = result.llvm
        convert = {
            "float": "  %result = fptrunc double %r to float",
            "double": "",
            "ptr": "  %result = inttoptr i64 %r to ptr",
            "i64": "",
        }.get(outer, f"  %result = trunc i64 %r to {outer}")
        if outer in ("i8", "i16", "i32"):
            # A caller may rely on it.
            attribute = "signext " if result.signed else "zeroext "
        failed = {"float": "0x7FF8000000000000", "double": "0x7FF8000000000000", "ptr": "null"}.get(outer, "0")
    ends = f"{outer} {'%result' if convert else '%r'}" if result is not None else "void"
    nothing = f"{outer} {failed}" if result is not None else "void"
    body = "\n".join(lines)
    entry = _python_entry(parameters, inner) if in_python else f"declare {inner} @entry({declared})"
    return f"""{load("vectorcall/c_thunk")}
{entry}

define {attribute}{outer} @call({taken}) nounwind {{
  %gil = call i32 @PyGILState_Ensure()
  %waits = call i1 @must_wait()
  br i1 %waits, label %refused, label %go
go:
{body}
  %r = call {inner} @entry({given})
  %failed = call i1 @failed()
{convert}
  call void @PyGILState_Release(i32 %gil)
  br i1 %failed, label %nothing, label %out
out:
  ret {ends}
refused:
  call void @PyGILState_Release(i32 %gil)
  br label %nothing
nothing:
  ret {nothing}
}}
"""
