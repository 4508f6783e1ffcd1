"""Memory of Python's that guest code may execute."""

from __future__ import annotations

import mmap
import weakref
from types import TracebackType
from typing import Any, Self

from armexec.abi.buffers import address_of
from armexec.errors import LoadError
from armexec.memory import EXECUTABLE_RANGES

__all__ = ["CodeBuffer"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


class CodeBuffer:
    """Memory in which the guest may execute what it, or Python, has written there: `armexec.CodeBuffer(4096)`.

    It is passed as a pointer to data and as a pointer to a function alike, and as an int it is its address. The guest
    calls code in it as any other. As on the processor, code that was changed is sure to be executed after `ic ivau` and
    `isb` only, as `__builtin___clear_cache` of C does them; Python's `write` does as much.

    Guest code elsewhere in Python's memory isn't executed: a branch there is a MemoryFault. This works on the engines
    "translated" and "reference", to which the memory is data; to the processor itself it never becomes executable.

    It is a context manager. Code in it can be executed until `close`, or until nothing refers to this object.

    >>> import armexec
    >>> code = armexec.CodeBuffer(armexec.assemble("add w0, w0, #1; ret").bytes)
    >>> mod = armexec.compile("int call(int (*fn)(int), int x) { return fn(x); }", "c", engine="translated")
    >>> mod.call(code, 2)
    3
    """

    def __init__(self, memory: Any) -> None:
        """Let the guest execute memory.

        Args:
            memory: how many bytes of new memory; or a contiguous buffer of Python's, such as a NumPy array, a ctypes
                array, a bytearray or bytes.

        Raises:
            LoadError: it is no buffer, it has no bytes, it doesn't begin at a multiple of 4, or it is part of another
                CodeBuffer.
        """
        if isinstance(memory, bool) or (isinstance(memory, int) and memory <= 0):
            raise LoadError(f"a code buffer is made of a size in bytes or of memory, not of {memory!r}")
        try:
            view = memoryview(mmap.mmap(-1, memory) if isinstance(memory, int) else memory)
        except TypeError:
            raise LoadError(
                f"a code buffer is made of a size in bytes or of memory, not of {type(memory).__name__}"
            ) from None
        except (OSError, OverflowError, ValueError) as error:
            raise LoadError(f"there is no memory of {memory!r} bytes: {error}") from None
        if not view.c_contiguous or not view.nbytes:
            raise LoadError("a code buffer is made of memory that is contiguous, and has bytes")
        # While the view exists, the memory stays where it is.
        self._view = view
        self._bytes = view.cast("B") if view.format != "B" or view.ndim != 1 else view
        self._address, self._size = address_of(view), view.nbytes
        begin, end = self._address, self._address + self._size
        if begin % 4:
            raise LoadError(f"code begins at a multiple of 4, and this memory at 0x{begin:x}")
        if EXECUTABLE_RANGES.overlaps(begin, end):
            raise LoadError(f"the memory at 0x{begin:x} is part of another code buffer")
        EXECUTABLE_RANGES.allow(begin, end)
        self._finalizer = weakref.finalize(self, EXECUTABLE_RANGES.forbid, begin, end, gone=True)
        self._finalizer.atexit = False

    @property
    def address(self) -> int:
        """The address of its first byte."""
        return self._address

    def __index__(self) -> int:
        return self._address

    def __len__(self) -> int:
        """Its size in bytes."""
        return self._size

    @property
    def closed(self) -> bool:
        """Whether the guest may execute it no more."""
        return not self._finalizer.alive

    def read(self, offset: int = 0, size: int | None = None) -> bytes:
        """Some bytes as they are now; all from `offset` on by default.

        Raises:
            LoadError: it has no such bytes.
        """
        end = self._size if size is None else offset + size
        self._check(offset, end)
        return bytes(self._bytes[offset:end])

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Change some bytes. The next time that the guest executes them, it executes the new ones.

        Raises:
            LoadError: it has no such bytes, or the memory is read-only.
        """
        content = memoryview(data).cast("B")
        self._check(offset, offset + len(content))
        if self._view.readonly:
            raise LoadError("the memory of this code buffer can't be changed")
        self._bytes[offset : offset + len(content)] = content
        self.clear_cache(offset, offset + len(content))

    def clear_cache(self, begin: int = 0, end: int | None = None) -> None:
        """Take note that bytes have been changed otherwise than by `write`, from offset `begin` to `end`.

        Raises:
            LoadError: it has no such bytes.
        """
        last = self._size if end is None else end
        self._check(begin, last)
        if last > begin:
            EXECUTABLE_RANGES.changed(self._address + begin, self._address + last)

    def _check(self, begin: int, end: int) -> None:
        if not 0 <= begin <= end <= self._size:
            raise LoadError(f"a code buffer of {self._size} bytes has none from {begin} to {end}")

    def close(self) -> None:
        """Let the guest execute it no more. A second `close` does nothing."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"<CodeBuffer {self._size} bytes at 0x{self._address:x}, {state}>"
