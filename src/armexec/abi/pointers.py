"""Arguments for pointer parameters as addresses: ints, arrays, buffers, text, ctypes objects, None."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import replace
from math import prod
from numbers import Integral, Number
from typing import Any

from armexec.abi.buffers import address_of
from armexec.abi.elements import Element, buffer_element, check_element, ctypes_element, interface_element
from armexec.abi.lending import InSandbox, Kept, LentOwners, lent, refuse_pointers
from armexec.abi.lists import copy_list
from armexec.abi.owners import Owners
from armexec.abi.values.codec import Buffer, Codec, codec, codec_for
from armexec.abi.values.structs import StructValue, address_of_value, struct_class
from armexec.errors import SignatureError
from armexec.objects import CType, Prototype

__all__ = ["CTYPES", "FunctionPointer", "has_function_pointers", "pointer_argument"]

FunctionPointer: type[Any] = type(ctypes.pythonapi.Py_IsInitialized).__mro__[1]
"""The class of ctypes' function pointers."""
CTYPES = (
    ctypes._SimpleCData,
    ctypes._Pointer,
    FunctionPointer,
    ctypes.Array,
    ctypes.Structure,
    ctypes.Union,
)
"""The classes of ctypes' objects."""
_TEXT = {ctypes.c_char_p: ctypes.c_char, ctypes.c_wchar_p: ctypes.c_wchar}


def pointer_argument(ctype: CType, value: Any, alive: list[Any]) -> int:
    """The address to pass for the pointer type `ctype`. Objects that own its memory are added to `alive`.

    - An int is an address, and None is null. For a reference to a scalar a number is a value: a copy is passed if the
      reference accepts one; the same goes for a list of a vector's numbers.
    - NumPy arrays, `array.array`, `bytearray` and all other contiguous buffers are passed without a copy. Bytes and
      read-only buffers need a const target.
    - A callable is passed for a function pointer. What has an index (`__index__`) is an address.
    - A list is copied into an array (a `ListCopy` in `alive`), and back after the call if the target isn't const. A
      tuple is copied; it needs a const target.
    - A str is passed as UTF-8 that ends with a null character; it needs a target of const char.
    - A value of a struct or union is passed by its address, for a pointer to its type, to a base class, to void or
      to bytes. A dict of the members, and a tuple for a C++ reference, is copied; the target must be const.
    - ctypes arrays, structures and simple objects are passed by their address, ctypes pointers by their value.

    Raises:
        SignatureError: the value can't be passed; the message says what can.
    """
    if value is None:
        return 0
    if ctype.is_reference and (isinstance(value, Number) or _is_numpy_scalar(value)):
        return _copied(ctype, value, alive)
    if isinstance(value, Integral) and not isinstance(value, bool):
        # NumPy's integers too.
        if 0 <= int(value) < 1 << 64:
            return int(value)
        raise SignatureError(f"{value} is not an address")
    target = ctype.target
    if target is not None and target.kind == "function" and callable(value) and not isinstance(value, CTYPES):
        return _function_address(ctype, value, alive)
    if hasattr(type(value), "__index__") and not isinstance(value, Number) and not hasattr(value, "shape"):
        # It is an address, such as that of a callback.
        if isinstance(alive, InSandbox) and callable(value):
            raise SignatureError(f"{value!r:.60} is outside of the sandbox: pass it for a function pointer")
        alive.append(value)
        return int(value.__index__())
    if target is not None and target.fields is not None and _is_members(ctype, value):
        if isinstance(alive, LentOwners):
            # Its members may be pointers, which are lent too.
            _check_constant(ctype, target)
            return alive.place(codec(target).pack(value, alive))
        value = _made(ctype, target, value)
    constant = target is not None and target.const
    if isinstance(value, StructValue):
        _check_struct(target, value)
        alive.append(value)
        if value._alive and not is_in_sandbox(value):
            refuse_pointers(alive, f"this {type(value).__name__}")
        return lent(alive, address_of_value(value), value.ctype.size, is_writable=not constant)
    if isinstance(value, CTYPES):
        return _ctypes_address(target, value, alive)
    if isinstance(value, Number) or _is_numpy_scalar(value):
        raise SignatureError(_unusable(value))
    if isinstance(value, str):
        data = _text(target, value)
        alive.append(data)
        place = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
        return lent(alive, place, len(data), is_writable=False)
    if isinstance(value, list | tuple):
        if ctype.temporary and target is not None and target.kind == "vector" and not _is_nested(value):
            return _copied(ctype, value, alive)
        copy = copy_list(target, value, alive)
        alive.append(copy)
        return lent(alive, copy.address, len(copy.data), is_writable=copy.values is not None)
    # NumPy arrays come first: not every dtype has a buffer.
    interface = getattr(value, "__array_interface__", None)
    if isinstance(interface, dict):
        if interface.get("strides") is not None:
            raise SignatureError("the array isn't contiguous: pass numpy.ascontiguousarray(...)")
        address, read_only = interface["data"]
        if read_only and not constant:
            raise SignatureError("the array is read-only, and what it points to isn't const")
        typestr = str(interface["typestr"])
        check_element(target, interface_element(typestr, str(getattr(value, "dtype", typestr))))
        alive.append(value)
        size = prod(interface["shape"]) * int(getattr(value, "itemsize", 0) or typestr[2:])
        return lent(alive, int(address), size, is_writable=not constant)
    try:
        view = memoryview(value)
    except TypeError:
        raise SignatureError(_unusable(value)) from None
    if not view.c_contiguous:
        raise SignatureError("the memory isn't contiguous")
    if view.readonly and not constant:
        raise SignatureError(
            f"{type(value).__name__} can't change, and what it points to isn't const: pass a bytearray or an array"
        )
    check_element(target, buffer_element(view.format, view.itemsize))
    # While the view exists, the buffer isn't moved.
    alive.append(view)
    return lent(alive, address_of(view), view.nbytes, is_writable=not (constant or view.readonly))


def _function_address(ctype: CType, value: Any, alive: list[Any]) -> int:
    """The address of a callable. Raises SignatureError."""
    alive.append(value)
    if isinstance(alive, Owners):
        return alive.address_of_function(ctype, value)
    if hasattr(type(value), "__index__"):
        return int(value.__index__())
    raise SignatureError(
        f"{value!r:.60} has no address here: give armexec.callback(function, signature), and keep it as long as the"
        " guest may call it"
    )


def has_function_pointers(prototype: Prototype) -> bool:
    """Whether a callable may be passed somewhere in the arguments: for a pointer, or in a struct."""
    seen: set[int] = set()

    def has(ctype: CType | None) -> bool:
        if ctype is None or id(ctype) in seen:
            return False
        seen.add(id(ctype))
        if ctype.kind == "pointer" and ctype.target is not None and ctype.target.kind == "function":
            return True
        return has(ctype.target) or any(has(field.type) for field in ctype.fields or ())

    return any(has(parameter.type) for parameter in prototype.parameters)


def _is_members(ctype: CType, value: Any) -> bool:
    """Whether a value is the members of one struct: a dict, and a tuple for a reference."""
    return isinstance(value, dict) or (isinstance(value, tuple) and ctype.name in ("&", "&&"))


def _made(ctype: CType, target: CType, value: Any) -> StructValue:
    """A struct's value out of its members, for a pointer or reference to const. Raises SignatureError."""
    made = struct_class(target)
    if isinstance(value, dict) and not all(isinstance(name, str) for name in value):
        raise SignatureError(f"{value!r:.60} has keys that are no names of members")
    _check_constant(ctype, target)
    return made(**value) if isinstance(value, dict) else made(*value)


def _check_constant(ctype: CType, target: CType) -> None:
    """Raises SignatureError if a copy of a struct won't do, since the function may change it."""
    if not (target.const or ctype.name == "&&"):
        name = struct_class(target).__name__
        raise SignatureError(f"what it points to isn't const: give a {name}, which the function can change")


def _check_struct(target: CType | None, value: StructValue) -> None:
    """Raises SignatureError if a pointer to the target can't have the address of a struct's value."""
    if target is None or target.kind == "void" or (target.kind == "int" and target.size == 1):
        return
    if target.kind in ("struct", "union") and _begins_with(value.ctype, target):
        return
    raise SignatureError(f"a value of `{value.ctype}` isn't what a pointer to `{target}` points to")


def is_in_sandbox(value: StructValue) -> bool:
    """Whether it is a view of a sandbox's variable."""
    return isinstance(value._alive, Kept)


def _begins_with(ctype: CType, target: CType) -> bool:
    """Whether a type is the target, or a class derived from it, with the base class at its beginning."""
    if target.fields is None:
        return target.tag in ("", ctype.tag)
    if struct_class(ctype) is struct_class(target):
        return True
    bases = [f.type for f in ctype.fields or () if not f.name and f.offset == 0 and f.type.kind == "struct"]
    return any(_begins_with(base, target) for base in bases)


class Pointer(Codec):
    """A pointer: whatever `pointer_argument` takes, and an address as an int."""

    def pack(self, value: Any, alive: list[Any]) -> bytes:
        return pointer_argument(self.ctype, value, alive).to_bytes(8, "little")

    def unpack(self, data: Buffer) -> int:
        return int.from_bytes(data, "little")

    def dtype(self) -> Any:
        import numpy as np

        return np.dtype("<u8")


@codec_for("pointer")
def _pointer(ctype: CType) -> Codec:
    return Pointer(ctype)


def _is_nested(values: list[Any] | tuple[Any, ...]) -> bool:
    return any(isinstance(value, list | tuple) or getattr(value, "shape", ()) for value in values)


def _copied(ctype: CType, value: Any, alive: list[Any]) -> int:
    """The address of a copy of a scalar or a vector. Raises SignatureError."""
    target = ctype.target
    assert target is not None
    if not ctype.temporary:
        raise SignatureError(
            f"it is passed by reference: give a list of one, as [{value!r:.60}], an array or a ctypes object"
            " (an address is a ctypes.c_void_p)"
        )
    try:
        copy = copy_list(replace(target, const=True), (value,), alive)
    except SignatureError as error:
        raise SignatureError(str(error).removeprefix("element 0: ")) from None
    alive.append(copy)
    return lent(alive, copy.address, len(copy.data), is_writable=False)


def _ctypes_address(target: CType | None, value: Any, alive: list[Any]) -> int:
    """The value of a ctypes pointer, the address of another ctypes object. Raises SignatureError."""
    kind = type(value)
    if isinstance(value, FunctionPointer):
        if target is not None and target.kind not in ("function", "void"):
            raise SignatureError(f"a function pointer ({kind.__name__}) doesn't point to {target}")
    elif isinstance(value, ctypes._Pointer):
        check_element(target, ctypes_element(kind._type_))
    elif isinstance(value, ctypes.c_char_p | ctypes.c_wchar_p):
        check_element(target, ctypes_element(next(t for p, t in _TEXT.items() if isinstance(value, p))), single=True)
    elif not isinstance(value, ctypes.c_void_p):
        simple = isinstance(value, ctypes._SimpleCData)
        element: Element = ctypes_element(kind)
        check_element(target, element, single=simple)
        alive.append(value)
        constant = target is not None and target.const
        return lent(alive, ctypes.addressof(value), ctypes.sizeof(value), is_writable=not constant)
    if isinstance(alive, InSandbox) and not isinstance(value, ctypes.c_void_p):
        raise SignatureError(
            f"{kind.__name__} points out of the sandbox, to memory of a size that isn't known: pass a ctypes array, a"
            " NumPy array or bytes"
        )
    return ctypes.cast(value, ctypes.c_void_p).value or 0


def _text(target: CType | None, value: str) -> bytes:
    """Text as a C string. Raises SignatureError."""
    if target is None or not target.const or target.kind != "int" or target.size != 1:
        raise SignatureError("text can only be passed to a const char *: pass a bytearray")
    if "\0" in value:
        raise SignatureError(
            f"the text has a null character at {value.index(chr(0))}, where C would end it: pass bytes, which are"
            " passed as they are"
        )
    try:
        return value.encode() + b"\0"
    except UnicodeEncodeError as error:
        raise SignatureError(f"the text can't be UTF-8 at {error.start}: {error.reason}") from None


def _is_numpy_scalar(value: Any) -> bool:
    # The array interface of a scalar points to a copy. While another thread imports NumPy, there are no scalars yet.
    generic: type[Any] | None = getattr(sys.modules.get("numpy"), "generic", None)
    return generic is not None and isinstance(value, generic) and not isinstance(value, str | bytes)


def _unusable(value: Any) -> str:
    what = type(value).__name__
    if _is_numpy_scalar(value) or isinstance(value, Number):
        return f"it must be an address, an array, a buffer, a list or None, not {what} ({value!r:.60})"
    return f"it must be an address, an array, a buffer, a list or None, not {what}"
