"""Elements of arrays and buffers, and the check that a pointer to a C type may point to them.

Sources: the `struct` module, "Format Characters"; PEP 3118; NumPy, "The array interface protocol".
"""

from __future__ import annotations

import ctypes
import platform
import re
import sys
from typing import Any, Literal, NamedTuple

from armexec.errors import SignatureError
from armexec.objects import CType

__all__ = [
    "Element",
    "buffer_element",
    "check_element",
    "ctypes_element",
    "interface_element",
    "typed_element",
]

ElementKind = Literal["int", "bool", "float", "complex", "bytes", "text", "pointer", "struct", "object", "other"]

_FORMATS: dict[str, ElementKind] = {
    **dict.fromkeys("bBhHiIlLqQnN", "int"),
    **dict.fromkeys("efdg", "float"),
    **dict.fromkeys("csp", "bytes"),
    **dict.fromkeys("uwU", "text"),
    **dict.fromkeys("P&", "pointer"),
    "?": "bool",
    "Z": "complex",
    "T": "struct",
    "O": "object",
}
_INTERFACE: dict[str, ElementKind] = {
    "b": "bool",
    "i": "int",
    "u": "int",
    "f": "float",
    "c": "complex",
    "S": "bytes",
    "U": "text",
    "V": "struct",
    "O": "object",
}
_TYPESTR = re.compile(r"([<>|=])(\w)(\d*)")
_WIDE_CHARACTERS = ("wchar_t", "char32_t")


class Element(NamedTuple):
    """The type of an element: kind, size in bytes, whether its byte order is the other one, name in messages."""

    kind: ElementKind
    size: int
    swapped: bool
    name: str


def buffer_element(format: str, size: int) -> Element:
    """The element of a buffer with this format."""
    order = format[:1] if format[:1] in "@=<>!" else ""
    code = format[len(order) :].lstrip("0123456789")[:1]
    return Element(_FORMATS.get(code, "other"), size, _is_swapped(order, size), repr(format))


def interface_element(typestr: str, name: str) -> Element:
    """The element of an array with this type string of the array interface, such as "<f4"."""
    found = _TYPESTR.match(typestr)
    if not found:
        return Element("other", 0, False, name)
    # The elements of text are characters.
    size = {"U": 4, "S": 1}.get(found[2]) or int(found[3] or 0)
    # ml_dtypes' bfloat16 has the type string of a structure.
    kind = "float" if name == "bfloat16" else _INTERFACE.get(found[2], "other")
    return Element(kind, size, _is_swapped(found[1], size), name)


def _is_swapped(order: str, size: int) -> bool:
    return size > 1 and order in ((">", "!") if sys.byteorder == "little" else ("<",))


def ctypes_element(kind: Any) -> Element:
    """The element that memory of this ctypes class holds."""
    while issubclass(kind, ctypes.Array):
        kind = kind._type_
    name, size = kind.__name__, ctypes.sizeof(kind)
    if issubclass(kind, ctypes.Structure | ctypes.Union):
        return Element("struct", size, False, name)
    if not issubclass(kind, ctypes._SimpleCData):
        return Element("pointer", size, False, name)
    # ctypes has a type of the other byte order as an attribute of the native type.
    native = kind if "__ctype_le__" not in vars(kind) else getattr(kind, f"__ctype_{sys.byteorder[0]}e__")
    pointer = kind._type_ in "zZP"
    return Element("pointer" if pointer else _FORMATS.get(kind._type_, "other"), size, kind is not native, name)


def typed_element(target: CType | None) -> CType | None:
    """The type that elements must have for a pointer to `target`; None if any type will do."""
    while target is not None and target.kind == "array":
        target = target.target
    if target is None or target.size == 0 or target.kind not in ("int", "float", "enum", "bool", "pointer"):
        return None
    return None if target.kind == "int" and target.size == 1 else target


def check_element(target: CType | None, element: Element, *, single: bool = False) -> None:
    """Refuse memory whose elements aren't of the type that the parameter points to.

    Single bytes are accepted for every target, and every element for a pointer to void, to a byte or to a structure.

    Args:
        single: the memory is one number, which is no structure and no text.

    Raises:
        SignatureError: the elements have another type.
    """
    if element.kind == "object":
        raise SignatureError(f"the array's elements are Python objects ({element.name}), not {_wanted(target)}")
    wanted = typed_element(target)
    if wanted is None:
        aggregate = target is not None and target.kind in ("struct", "union") and target.size
        if aggregate and element.kind == "struct" and element.size != aggregate:
            raise SignatureError(f"the elements are of {element.name}, {element.size} bytes, not {_wanted(target)}")
        anything = target is None or target.kind == "void"
        text = element.kind == "text" and target is not None and target.size == 1
        if not anything and (text or (single and element.size != target.size)):  # type: ignore[union-attr]
            raise SignatureError(f"the elements are of {element.name}, not {_wanted(target)}")
        return
    if element.size == 1 and element.kind in ("int", "bytes"):
        return
    if not _is_alike(wanted, element):
        raise SignatureError(f"the array's elements are of {element.name}, not {_wanted(target)}")
    if element.swapped:
        raise SignatureError(
            f"the array's elements are of {element.name}, in the other byte order: convert it, as by"
            " array.astype(array.dtype.newbyteorder('='))"
        )


def _is_alike(wanted: CType, element: Element) -> bool:
    if element.size != wanted.size:
        return False
    if wanted.kind == "float":
        if wanted.format == "bfloat16":
            return element.name == "bfloat16" or element.kind == "int"
        if wanted.size == 16 and not _has_binary128():
            return False
        return element.kind == "float" and element.name != "bfloat16"
    if wanted.kind == "bool":
        # NumPy has no bool of several bytes, as Fortran's logical is.
        return element.kind == "bool" or (element.kind == "int" and wanted.size > 1)
    if wanted.kind == "pointer":
        return element.kind in ("pointer", "int")
    return element.kind == "int" or (element.kind == "text" and wanted.name in _WIDE_CHARACTERS)


def _has_binary128() -> bool:
    """Whether the host's own `long double`, which arrays of 16-byte floats hold, is binary128 as the guest's is."""
    return platform.machine() == "aarch64"


def _wanted(target: CType | None) -> str:
    return "an object with memory" if target is None else str(target)
