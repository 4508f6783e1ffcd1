"""C++ exceptions that leave the guest, as exceptions of Python. Source: `libraries/exceptions.s`."""

from __future__ import annotations

import re
import struct
from typing import Any

from armexec.engines.faults import place_of
from armexec.errors import GuestException
from armexec.libraries.names import is_cxx_name
from armexec.memory import AccessError, HostMemory, SandboxMemory, string_at
from armexec.objects import Image
from armexec.objects.names import source_name

__all__ = ["LeavingExceptions", "type_name"]

# Itanium C++ ABI, 5.1.5.2: the builtin types of which a value is told, as formats of `struct`.
_NUMBERS = {
    "b": "?",
    "a": "b",
    "c": "B",
    "h": "B",
    "s": "h",
    "t": "H",
    "i": "i",
    "j": "I",
    "l": "q",
    "m": "Q",
    "x": "q",
    "y": "Q",
    "f": "f",
    "d": "d",
}
_TEXTS = ("PKc", "Pc")
_STRING = "NSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEE"
_LONG_STRING = "std::basic_string<char, std::char_traits<char>, std::allocator<char>>"
_LOCAL = re.compile(r"Z(.+)E(\d+)(\w+)")
_MOST_NOTES = 16
_MOST_TEXT = 1 << 20


class LeavingExceptions:
    """The exceptions of one image at `base` that are on their way out. `memory` is the guest's."""

    def __init__(self, image: Image, base: int, memory: HostMemory | SandboxMemory) -> None:
        self._image = image
        self._memory = memory
        self._base = base
        # Its destructor may call Python, and that another function that throws.
        self._leaving: list[GuestException] = []

    def caught(self, name: int, text: int, thrown: int, frames: int) -> int:
        """The system call CAUGHT."""
        memory = self._memory
        mangled = (_text(name, memory) or "").removeprefix("*")
        what = _text(text, memory)
        value = _value(mangled, thrown, memory)
        shown = what if what is not None else value
        kind = f"C++ exception {type_name(mangled)}" if mangled else "exception that isn't of C++"
        message = kind + (f": {shown}" if shown is not None else "") + ", thrown"
        (count,) = struct.unpack("<q", memory.read(frames, 8))
        addresses = struct.unpack(f"<{count}Q", memory.read(frames + 8, 8 * count))
        image, base = self._image, self._base

        def find() -> dict[str, Any]:
            # Instructions that call, in the author's own functions; if there are none, the outermost.
            calls = [address - 4 for address in addresses if 0 < address - base <= image.size]
            own = [pc for pc in calls if _is_own(image, pc - base)] or calls[-1:] or [0]
            first, *others = (place_of(image, base, pc, memory) for pc in own[: _MOST_NOTES + 1])
            notes = [f"called from {_shown(place)}" for place in others]
            return {"pc": own[0], "message": message, **first, **({"__notes__": notes} if notes else {})}

        self._leaving.append(
            GuestException.found_later(find, type=type_name(mangled) if mangled else "", what=what, value=value)
        )
        return 0

    def leave(self) -> int:
        """The system call LEAVE. Raises GuestException."""
        raise self._leaving.pop()


def type_name(mangled: str) -> str:
    """The name of a type as in the source: `std::runtime_error` for `St13runtime_error`."""
    text = source_name("_ZTI" + mangled)
    if text.startswith("typeinfo for "):
        return text.removeprefix("typeinfo for ").replace("std::__1::", "std::").replace(_LONG_STRING, "std::string")
    local = _LOCAL.fullmatch(mangled)
    if local is not None and int(local[2]) <= len(local[3]):
        return f"{source_name('_Z' + local[1])}::{local[3][: int(local[2])]}"
    return mangled


def _is_own(image: Image, offset: int) -> bool:
    """Whether the author's own function is there, and not one that comes from headers of the C++ library."""
    return any(f.offset <= offset < f.offset + f.extent and not is_cxx_name(f.name) for f in image.own_functions)


def _shown(place: dict[str, str]) -> str:
    return ", ".join(text for text in (place["function"], place["source"]) if text)


def _text(address: int, memory: HostMemory | SandboxMemory) -> str | None:
    if not address:
        return None
    try:
        return string_at(address, memory).decode("utf-8", "backslashreplace")
    except AccessError:
        return None


def _value(mangled: str, address: int, memory: HostMemory | SandboxMemory) -> Any:
    """The number or text that was thrown; None for other types."""
    try:
        if mangled in _NUMBERS:
            format = "<" + _NUMBERS[mangled]
            return struct.unpack(format, memory.read(address, struct.calcsize(format)))[0]
        if mangled in _TEXTS:
            return _text(int.from_bytes(memory.read(address, 8), "little"), memory)
        if mangled == _STRING:
            # libc++: up to 22 characters are in the object, behind twice their number.
            data = memory.read(address, 24)
            size = data[0] >> 1
            text = data[1 : 1 + size]
            if data[0] & 1:
                _, size, at = struct.unpack("<QQQ", data)
                text = memory.read(at, min(size, _MOST_TEXT))
            return text.decode("utf-8", "backslashreplace")
    except AccessError:
        return None
    return None
