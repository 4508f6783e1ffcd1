"""Functions that Python calls in shared libraries with a C library: glibc's own among them, or musl linked with them.

There is no dynamic linker. What it does before any code of a process runs is done here: the thread with its variables,
`__libc_early_init` of glibc, and the initializers, which get the arguments of main.

Source: glibc 2.36, elf/rtld.c, elf/libc_early_init.c and nptl_db/structs.def; musl 1.2.5, src/env/__init_tls.c; ELF for
the Arm 64-bit Architecture (AAELF64), "Thread-local storage".
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Mapping

from armexec.engines import LoadedImage
from armexec.errors import HostError, LoadError
from armexec.libraries.shared import AT_EXIT, GLIBC_START, SHARED_START
from armexec.objects.dynamic.image import LibraryImage
from armexec.program.functions import CLibrary

__all__ = ["start_shared"]

_THREAD_SIZE, _THREAD_ID = "_thread_db_sizeof_pthread", "_thread_db_pthread_tid"
"""Variables that tell debuggers the size of a thread's structure, which is below the thread pointer, and where in it
the thread's number is."""
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_PT_PHDR, _PT_TLS = 6, 7
_THREAD = 16
"""Bytes of a thread before its variables."""
_LARGEST_THREAD = 1 << 16
_ID = 1000
# What writes to standard output.
_OUTPUT = {
    *("stdout", "_IO_2_1_stdout_", "printf", "vprintf", "puts", "putchar", "putchar_unlocked", "wprintf", "putwchar"),
    *("__printf_chk", "__vprintf_chk", "__wprintf_chk", "psignal"),
}


def start_shared(
    loaded: LoadedImage, files: Mapping[str, str] | None = None, memory_limit: int | None = None
) -> CLibrary | None:
    """Make the C library of shared libraries ready, and call their initializers; None if they have none. The arguments
    are those of `CLibrary`.

    Raises:
        LoadError: a folder of `files` isn't there.
        HostError: the engine can't run an image with a C library.
        ExecutionError: an initializer failed.
    """
    image = loaded.image
    assert isinstance(image, LibraryImage)
    is_glibc = image.defines(GLIBC_START)
    if not is_glibc and not any(s.name == SHARED_START and s.defined for s in image.symbols):
        return None
    if loaded.sandbox is not None:
        # What is done here follows the guest's pointers by the host's addresses.
        raise HostError(
            f"{image.name}: shared libraries with a C library don't run in a sandbox yet: link them into an object, or"
            ' give isolate="process"'
        )
    return _Glibc(loaded, files, memory_limit) if is_glibc else _Musl(loaded, files, memory_limit)


class _SharedCLibrary(CLibrary):
    def _has_output(self) -> bool:
        image = self._loaded.image
        assert isinstance(image, LibraryImage)
        # Of a C library that was itself asked for, everything may be called.
        return GLIBC_START in image.libraries[0].definitions or any(
            s.name in _OUTPUT and not s.defined
            for library in image.libraries
            if GLIBC_START not in library.definitions
            for s in library.symbols
        )

    def _call_initializers(self, stack: int) -> None:
        (count,) = struct.unpack("<Q", ctypes.string_at(stack, 8))
        for offset in self._loaded.image.initializers:
            self._bound_at(offset, 3)(count, stack + 8, stack + 8 * (count + 2))

    def _fill_variables(self, pointer: int) -> None:
        """Give the thread-local variables their initial values, in zeroed memory from the thread pointer on."""
        block = self._loaded.image.thread_local
        for place, offset, length in block.templates if block is not None else ():
            ctypes.memmove(pointer + place, self._loaded.region.read(offset, length), length)

    def _exit(self) -> None:
        for offset in self._loaded.image.finalizers:
            self._bound_at(offset, 1)(0)  # __cxa_finalize(NULL): all of them


class _Musl(_SharedCLibrary):
    """musl, linked with the libraries."""

    def _program_headers(self) -> tuple[int, int]:
        """Headers for musl, which makes room for the thread-local variables of PT_TLS, and copies its contents.

        They say that there are none, since there is one template for each library. The variables begin behind the two
        words of the thread.
        """
        block = self._loaded.image.thread_local
        if block is None:
            return 0, 0
        self._headers = ctypes.create_string_buffer(2 * _PROGRAM_HEADER.size + block.align)
        address = -(-ctypes.addressof(self._headers) // block.align) * block.align
        headers = _PROGRAM_HEADER.pack(_PT_PHDR, 4, 0, 0, 0, 0, 0, 8)
        headers += _PROGRAM_HEADER.pack(_PT_TLS, 4, 0, _THREAD, 0, 0, block.size - _THREAD, block.align)
        ctypes.memmove(address, headers, len(headers))
        return address, 2

    def _make_thread(self, stack: int) -> int:
        pointer = self._bound(SHARED_START, 1)(stack)
        self._fill_variables(pointer)
        return pointer

    def _exit(self) -> None:
        self._bound(AT_EXIT[0], 0)()
        super()._exit()
        self._bound(AT_EXIT[1], 0)()


class _Glibc(_SharedCLibrary):
    """glibc's own libc.so.6, among the libraries of an image."""

    def _make_thread(self, stack: int) -> int:
        block = self._loaded.image.thread_local
        size, align = (block.size, block.align) if block is not None else (16, 16)
        (thread_size,) = self._variable(_THREAD_SIZE, "<I") or (_LARGEST_THREAD,)
        below = -(-min(thread_size, _LARGEST_THREAD) // align) * align
        self._block = ctypes.create_string_buffer(below + size + align)
        pointer = -(-(ctypes.addressof(self._block) + below) // align) * align
        self._fill_variables(pointer)
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

    def _call_initializers(self, stack: int) -> None:
        self._bound(GLIBC_START, 1)(1)
        super()._call_initializers(stack)
