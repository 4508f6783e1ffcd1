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


def c_thunk(parameters: Sequence[CType], result: CType | None, symbols: dict[str, int]) -> HostCode:
    """The function `call` of C, in executable memory.

    `symbols`: `entry` is what it calls, with the GIL, with integers and doubles, and it gives 64 bits or a double; what
    `support/vectorcall/c_thunk.ll` needs beside.

    Raises:
        HostError: LLVM isn't there.
    """
    return shared_code(thunk_text(parameters, result), symbols, ["call"], _TIER)


def thunk_text(parameters: Sequence[CType], result: CType | None) -> str:
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
    return f"""{load("vectorcall/c_thunk")}
declare {inner} @entry({declared})

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
