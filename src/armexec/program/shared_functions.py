"""Functions that Python calls in shared libraries with glibc, whose dynamic linker there is none of.

What the dynamic linker does before any code of a process runs is done here: the thread with its variables,
`__libc_early_init`, and the initializers, which get the arguments of main.

Source: glibc 2.36, elf/rtld.c, csu/libc-tls.c, elf/libc_early_init.c and nptl_db/structs.def; ELF for the Arm 64-bit
Architecture (AAELF64), "Thread-local storage".
"""

from __future__ import annotations

import ctypes
import struct

from armexec.errors import LoadError
from armexec.objects import Image
from armexec.objects.dynamic.image import LibraryImage
from armexec.program.functions import CLibrary

__all__ = ["Glibc", "is_glibc"]

_START = "__libc_early_init"
"""The function of glibc 2.32 and later that the dynamic linker calls before any other of the library."""
_THREAD_SIZE, _THREAD_ID = "_thread_db_sizeof_pthread", "_thread_db_pthread_tid"
"""Variables that tell debuggers the size of a thread's structure, which is below the thread pointer, and where in it
the thread's number is."""
_LARGEST_THREAD = 1 << 16
_ID = 1000
# What writes to standard output.
_OUTPUT = {
    *("stdout", "_IO_2_1_stdout_", "printf", "vprintf", "puts", "putchar", "putchar_unlocked", "wprintf", "putwchar"),
    *("__printf_chk", "__vprintf_chk", "__wprintf_chk", "psignal"),
}


def is_glibc(image: Image) -> bool:
    """Whether one of shared libraries is glibc's libc.so.6."""
    return isinstance(image, LibraryImage) and any(_START in library.definitions for library in image.libraries)


class Glibc(CLibrary):
    """glibc's own libc.so.6, among the libraries of an image."""

    def _make_thread(self, stack: int) -> int:
        loaded = self._loaded
        image = loaded.image
        block = image.thread_local
        size, align = (block.size, block.align) if block is not None else (16, 16)
        (thread_size,) = self._variable(_THREAD_SIZE, "<I") or (_LARGEST_THREAD,)
        below = -(-min(thread_size, _LARGEST_THREAD) // align) * align
        self._block = ctypes.create_string_buffer(below + size + align)
        pointer = -(-(ctypes.addressof(self._block) + below) // align) * align
        for place, offset, length in block.templates if block is not None else ():
            ctypes.memmove(pointer + place, loaded.region.read(offset, length), length)
        _, _, number_at = self._variable(_THREAD_ID, "<III") or (0, 0, thread_size)
        if number_at + 4 <= thread_size <= below:
            ctypes.memmove(pointer - thread_size + number_at, _ID.to_bytes(4, "little"), 4)
        return pointer

    def _variable(self, name: str, code: str) -> tuple[int, ...] | None:
        """The value of a constant of the library, if it has it."""
        try:
            offset = self._loaded.image.find(name).offset
        except LoadError:
            return None
        if offset is None:
            return None
        return struct.unpack(code, self._loaded.region.read(offset, struct.calcsize(code)))

    def _has_output(self) -> bool:
        image = self._loaded.image
        assert isinstance(image, LibraryImage)
        first, *others = image.libraries
        return _START in first.definitions or any(
            s.name in _OUTPUT and not s.defined
            for library in (first, *others)
            if _START not in library.definitions
            for s in library.symbols
        )

    def _call_initializers(self, stack: int) -> None:
        (count,) = struct.unpack("<Q", ctypes.string_at(stack, 8))
        self._bound(_START, 1)(1)
        for offset in self._loaded.image.initializers:
            self._bound_at(offset, 3)(count, stack + 8, stack + 8 * (count + 2))

    def finish(self) -> None:
        for offset in self._loaded.image.finalizers:
            self._bound_at(offset, 1)(0)  # __cxa_finalize(NULL): all of them
