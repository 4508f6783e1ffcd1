"""Thread-local storage of an image: where each template is in the block that a thread has.

Source: ELF for the Arm 64-bit Architecture (AAELF64), "Thread-local storage", and Drepper, "ELF Handling For
Thread-Local Storage": variant 1. The thread pointer (TPIDR_EL0) is the address of two words that belong to the thread,
and the variables follow, at offsets that are the same in all threads.
"""

from __future__ import annotations

from typing import NamedTuple

from armexec.errors import LoadError

__all__ = ["BlockLayout", "Template", "ThreadLocalBlock"]

_THREAD_CONTROL_BLOCK = 16
_LARGEST = 1 << 30


class Template(NamedTuple):
    """The initial contents of `size` bytes at `place` of the block, of which the rest is zero: those at `offset` of the
    image, once it is relocated.
    """

    place: int
    offset: int
    size: int


class ThreadLocalBlock(NamedTuple):
    """What a thread has, in bytes: `size` from the thread pointer on, which is a multiple of `align`."""

    size: int
    align: int
    templates: tuple[Template, ...]


class BlockLayout:
    """Gives segments of thread-local variables their places."""

    def __init__(self) -> None:
        self._end = _THREAD_CONTROL_BLOCK
        self._align = _THREAD_CONTROL_BLOCK
        self._templates: list[Template] = []

    def add(self, offset: int, data_size: int, size: int, align: int, address: int = 0) -> int:
        """The place, from the thread pointer, of a segment of `size` bytes.

        Its contents are `data_size` bytes at `offset` of the image. It is placed as `address` is relative to `align`.
        Raises LoadError for more than a gibibyte.
        """
        place = self._end + (address - self._end) % align
        self._end = place + size
        self._align = max(self._align, align)
        if self._end > _LARGEST:
            raise LoadError(f"thread-local variables take {self._end} bytes, and each thread may have {_LARGEST}")
        self._templates.append(Template(place, offset, data_size))
        return place

    @property
    def count(self) -> int:
        """The number of segments so far."""
        return len(self._templates)

    def move(self, first: int, distance: int) -> None:
        """Move the contents of the segments from number `first` on in the image, and not in the block."""
        self._templates[first:] = [t._replace(offset=t.offset + distance) for t in self._templates[first:]]

    def finished(self) -> ThreadLocalBlock | None:
        """The block, or None without any variables."""
        if self._end == _THREAD_CONTROL_BLOCK:
            return None
        return ThreadLocalBlock(self._end, self._align, tuple(self._templates))
