"""Debug information that is read from an object when it is first asked for, and that can be pickled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from armexec.objects.debug_info.dwarf import DebugInfo
    from armexec.objects.layout import PlacedSection

__all__ = ["ElfDebug", "ObjectDebug", "without_ranges"]


class _Object(Protocol):
    """An object's file."""

    @property
    def name(self) -> str: ...

    def debug_info(self, placed: Sequence[PlacedSection], places: Any) -> DebugInfo | None: ...

    def for_debug_info(self) -> bytes | None: ...


class ObjectDebug:
    """Makes the debug information of an object from the places of its sections."""

    def __init__(self, read: Callable[[bytes, str], _Object], made: _Object, places: Any) -> None:
        """Keep an object, which `read` makes again in another process. `places` is handed to its `debug_info`."""
        self._read = read
        self._made: _Object | None = made
        self._places = places
        self._name = made.name
        self._data: bytes | None = None

    def __call__(self, placed: Sequence[PlacedSection]) -> DebugInfo | None:
        """The debug information; None without any. Raises LoadError where it is malformed."""
        made = self._object()
        return made.debug_info(placed, self._places) if made is not None else None

    def _object(self) -> Any:
        if self._made is None and self._data is not None:
            self._made = self._read(self._data, self._name)
        return self._made

    def __getstate__(self) -> dict[str, Any]:
        data = self._data if self._made is None else self._made.for_debug_info()
        return self.__dict__ | {"_made": None, "_data": data}


class ElfDebug(ObjectDebug):
    """The same of an ELF object, whose debug sections debuggers get too."""

    def contents(self, placed: Sequence[PlacedSection], base: int, begins: Mapping[str, int]) -> dict[str, bytes]:
        """The debug sections by name, for an image at `base`, and behind others by `begins`. Raises LoadError."""
        made = self._object()
        found: dict[str, bytes] = made.debug_contents(placed, self._places, base, begins) if made is not None else {}
        return found


def without_ranges(data: bytes, ranges: Iterable[tuple[int, int]]) -> bytes:
    """Bytes with zeros in ranges, given by their offsets and sizes."""
    kept = bytearray(data)
    for offset, size in ranges:
        kept[offset : offset + size] = bytes(size)
    return bytes(kept)
