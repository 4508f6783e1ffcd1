"""Objects made known to gdb, by its JIT compilation interface (GDB manual, "JIT Compilation Interface").

A debugger puts a breakpoint into a function `__jit_debug_register_code`, which does nothing, and when that is called
reads `__jit_debug_descriptor`, the head of a list of objects. It finds both in the symbols of the files that a process
has mapped, so they can't be made here: LLVM's are used, as LLVM itself would. Where LLVM is a part of llvmlite's
library, they are local to it: neither the dynamic linker nor ctypes knows them, but its symbol table does, which is
what debuggers read.
"""

from __future__ import annotations

import ctypes
import weakref
from functools import cache
from pathlib import Path
from typing import Any

from armexec.errors import HostError
from armexec.translate.codegen.link import HostCode
from armexec.translate.codegen.llvm import llvm
from armexec.translate.observe.elf_symbols import local_symbols

__all__ = ["register"]

_DESCRIPTOR, _FUNCTION = "__jit_debug_descriptor", "__jit_debug_register_code"
_REGISTER, _UNREGISTER = 1, 2


class _Entry(ctypes.Structure):
    """`struct jit_code_entry`."""


_Entry._fields_ = [
    ("next_entry", ctypes.POINTER(_Entry)),
    ("prev_entry", ctypes.POINTER(_Entry)),
    ("symfile_addr", ctypes.c_void_p),
    ("symfile_size", ctypes.c_uint64),
]


class _Descriptor(ctypes.Structure):
    """`struct jit_descriptor`, of version 1."""

    _fields_ = (
        ("version", ctypes.c_uint32),
        ("action_flag", ctypes.c_uint32),
        ("relevant_entry", ctypes.POINTER(_Entry)),
        ("first_entry", ctypes.POINTER(_Entry)),
    )


class _Interface:
    """The two symbols of this process. Raises HostError if there are none."""

    def __init__(self) -> None:
        path = llvm().ffi.lib._lib_handle._name
        function, descriptor = _find(path)
        self.descriptor = _Descriptor.from_address(descriptor)
        self.tell = ctypes.CFUNCTYPE(None)(function)
        if self.descriptor.version != 1:
            raise HostError(f"ARMEXEC_GDB: {path} has version {self.descriptor.version} of gdb's JIT interface, not 1")
        # Whoever else has LLVM register code (MCJIT does) holds this lock while it does.
        self.lock: Any = llvm().ffi.lib._lock


def _find(path: str) -> tuple[int, int]:
    """The addresses of the function and the descriptor in a library that is mapped, or in one that it needs."""
    library = ctypes.CDLL(path)
    try:
        found = {name: ctypes.addressof(ctypes.c_char.in_dll(library, name)) for name in (_FUNCTION, _DESCRIPTOR)}
    except ValueError:
        anchor = "LLVMPY_GetVersionInfo"
        offsets = local_symbols(Path(path), (_FUNCTION, _DESCRIPTOR, anchor))
        if len(offsets) < 3:
            raise HostError(
                f"ARMEXEC_GDB: {path} has no {_FUNCTION} that gdb could find: llvmlite was built or stripped so"
            ) from None
        base = ctypes.addressof(ctypes.c_char.in_dll(library, anchor)) - offsets[anchor]
        found = {name: base + offsets[name] for name in (_FUNCTION, _DESCRIPTOR)}
    return found[_FUNCTION], found[_DESCRIPTOR]


@cache
def _interface() -> _Interface:
    return _Interface()


_registered: dict[int, tuple[_Entry, ctypes.Array[ctypes.c_char]]] = {}
"""What debuggers may read, by the addresses of the entries."""


def register(code: HostCode, object: bytes | None) -> None:
    """Show debuggers an ELF object for code, as long as this lives. Raises HostError if there is no interface."""
    interface = _interface()
    if object is None:
        return
    data = ctypes.create_string_buffer(object, len(object))
    entry = _Entry()
    entry.symfile_addr, entry.symfile_size = ctypes.addressof(data), len(object)
    key = ctypes.addressof(entry)
    descriptor = interface.descriptor
    with interface.lock:
        _registered[key] = entry, data
        entry.next_entry = descriptor.first_entry
        if descriptor.first_entry:
            descriptor.first_entry.contents.prev_entry = ctypes.pointer(entry)
        descriptor.first_entry = ctypes.pointer(entry)
        _tell(interface, entry, _REGISTER)
    # At the end of the process nothing is to be undone; the list is read by nobody then.
    weakref.finalize(code, _unregister, key).atexit = False


def _unregister(key: int) -> None:
    interface = _interface()
    with interface.lock:
        entry, _data = _registered.pop(key)
        if entry.prev_entry:
            entry.prev_entry.contents.next_entry = entry.next_entry
        else:
            interface.descriptor.first_entry = entry.next_entry
        if entry.next_entry:
            entry.next_entry.contents.prev_entry = entry.prev_entry
        _tell(interface, entry, _UNREGISTER)


def _tell(interface: _Interface, entry: _Entry, action: int) -> None:
    interface.descriptor.relevant_entry = ctypes.pointer(entry)
    interface.descriptor.action_flag = action
    interface.tell()
