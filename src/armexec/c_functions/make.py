"""A function of the guest as a function of C: a function pointer that the host can call."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple

from armexec.abi import passes_scalars_in_registers
from armexec.c_functions.pending import symbols
from armexec.c_functions.types import ctypes_of
from armexec.engines import LoadedImage, SupportsFastCalls
from armexec.errors import SignatureError
from armexec.objects import Prototype
from armexec.translate.python_calls.c_thunk import CType, c_thunk

__all__ = ["CTarget", "make_c_function"]


class CTarget(NamedTuple):
    """What is called: the function at an offset of an image in memory, None where that is another process's; or, where
    more than that is to be done, `call`, a function of Python."""

    prototype: Prototype
    call: Callable[..., Any]
    loaded: LoadedImage | None
    offset: int
    has_limits: bool

    @property
    def reaches_memory(self) -> bool:
        """Whether addresses of this process mean the same to it."""
        return self.loaded is not None and self.loaded.sandbox is None

    def entry_stub(self) -> Any:
        """The function of ctypes that takes the scalars; None where the function of Python has to be called."""
        if not isinstance(self.loaded, SupportsFastCalls) or self.has_limits:
            return None
        if not passes_scalars_in_registers(self.prototype):
            return None
        bound = self.loaded.bind(self.offset, self.prototype)
        # Code with thread-local variables gets its thread pointer from Python.
        return bound if isinstance(bound, ctypes._CFuncPtr) else None


def make_c_function(target: CTarget) -> Any:
    """A function of ctypes, whose address C can call. All that it needs lives as long as it does.

    Raises:
        SignatureError: its types can't be passed.
        HostError: LLVM isn't there.
    """
    result, parameters = ctypes_of(target.prototype)
    if not target.reaches_memory:
        for kind in (*parameters, result):
            if _llvm(kind) == "ptr":
                raise SignatureError(
                    f"`{target.prototype}`: the code is confined, and doesn't reach the memory of C's pointers"
                )
    kinds = [CType(_llvm(kind), _is_signed(kind)) for kind in parameters]
    of_result = None if result is None else CType(_llvm(result), _is_signed(result))
    entry = target.entry_stub()
    if entry is None:
        # Not a callback of ctypes: the system's library may put those into memory that is writable and executable.
        called = {"function": id(target.call)}
    else:
        address = ctypes.cast(entry, ctypes.c_void_p).value
        assert address is not None
        called = {"entry": address}
    code = c_thunk(kinds, of_result, symbols() | called, in_python=entry is None)
    made: Any = ctypes.CFUNCTYPE(result, *parameters)(code.address("call"))
    made.needed = code, entry, target.call
    return made


def _llvm(kind: Any) -> str:
    if kind is None:
        return ""
    if kind in (ctypes.c_float, ctypes.c_double):
        return "float" if kind is ctypes.c_float else "double"
    if kind is ctypes.c_void_p or issubclass(kind, ctypes._Pointer):
        return "ptr"
    return f"i{8 * ctypes.sizeof(kind)}"


def _is_signed(kind: Any) -> bool:
    return kind in (ctypes.c_int8, ctypes.c_int16, ctypes.c_int32, ctypes.c_int64)
