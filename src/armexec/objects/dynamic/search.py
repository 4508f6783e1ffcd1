"""A shared library with the libraries that it needs, found in folders.

Source: System V ABI (ELF), chapter 5, "Shared Object Dependencies": symbols are looked up in the library itself, then
in its dependencies, breadth first.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from armexec.errors import LoadError
from armexec.files import find_file, read_file
from armexec.objects.dynamic.image import LibraryImage
from armexec.objects.dynamic.library import SharedLibrary
from armexec.objects.dynamic.read import read_library

__all__ = ["load_library"]

# What armexec's own C library, or its compiler_rt, stands in for where it isn't found.
_STOOD_IN_FOR = (
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
    "ld-linux-aarch64.so.1",
)
# musl is its own dynamic linker, which there is none of. armexec's C library is musl too.
_NOT_LOADED = ("libc.so", "libdl.so", "libm.so", "libc.musl-aarch64.so.1", "ld-musl-aarch64.so.1")
_GLIBC, _ITS_LINKER = "libc.so.6", "ld-linux-aarch64.so.1"
_MOST = 1000


def load_library(data: bytes, name: str, folders: Sequence[str] = (), opened: Sequence[str] = ()) -> LibraryImage:
    """The image of a shared library and of all that it needs, and of the libraries `opened` with all that these need.

    The latter are files, or names to be looked for in `folders`: code may open them with dlopen.

    A dependency is looked for in `folders`, and where the library that needs it says by a DT_RUNPATH or DT_RPATH that
    begins with $ORIGIN; never where this system has its own libraries. The C library's names may be missing: armexec's
    own stands in for them, and always for musl's. But glibc's libc.so.6 needs the dynamic linker's library.

    Raises:
        LoadError: a library can't be read or found, or a thread-local variable is defined by none.
    """
    found = _Found(name, folders)
    found.add(read_library(data, name))
    for path in opened:
        found.open(path)
    image = LibraryImage(found.libraries, not_found=found.not_found)
    missing = image.missing_thread_local
    if missing:
        users = ", ".join(dict.fromkeys(user for name in missing for user in image.missing_symbols[name]))
        raise LoadError(
            f"{name}: no library defines the thread-local variable{'s' if len(missing) > 1 else ''}"
            f" {', '.join(missing)}, which {users} uses: give the folder of the one that does with search=[...]"
        )
    return image


class _Found:
    """The libraries in the order in which symbols are looked up; `not_found` are what something stands in for."""

    def __init__(self, name: str, folders: Sequence[str]) -> None:
        self.libraries: list[SharedLibrary] = []
        self.not_found: list[str] = []
        self._name = name
        self._folders = folders
        self._known: set[str] = set()

    def add(self, first: SharedLibrary) -> None:
        """Add a library, and what it needs, breadth first."""
        self._append(first, first.name)
        wanted = [(first, needed) for needed in first.needed]
        for library, needed in wanted:  # grows meanwhile
            if os.path.basename(needed) in self._known:
                continue
            self._known.add(os.path.basename(needed))
            found = _find(library, needed, self._folders)
            if found is None:
                self.not_found.append(os.path.basename(needed))
                continue
            dependency = _read(found, library)
            self._append(dependency, found)
            wanted += [(dependency, further) for further in dependency.needed]

    def open(self, path: str) -> None:
        """Add a library that may be opened, if it isn't there. Raises LoadError."""
        if os.path.basename(path) in self._known:
            return
        found = path if os.path.dirname(path) else find_file(path, self._folders)
        if found is None:
            where = f"which isn't in {', '.join(self._folders)}" if self._folders else "and no folder was given"
            raise LoadError(f"{self._name} may open {path}, {where}: give its folder with search=[...]")
        self.add(read_library(read_file(found), found))

    def _append(self, library: SharedLibrary, path: str) -> None:
        if len(self.libraries) == _MOST:
            raise LoadError(f"{self._name}: it needs more than {_MOST} libraries")
        self._known |= {os.path.basename(path), os.path.basename(library.soname)}
        self.libraries.append(library)


def _find(library: SharedLibrary, needed: str, folders: Sequence[str]) -> str | None:
    # A path is one of the system that the library was made on.
    name = os.path.basename(needed)
    if name in _NOT_LOADED:
        return None
    found = find_file(name, [*folders, *library.runpath])
    may_be_missing = name in _STOOD_IN_FOR and (name != _ITS_LINKER or library.soname != _GLIBC)
    if found is not None or may_be_missing:
        return found
    shown = ", ".join([*folders, *library.runpath])
    where = f"which isn't in {shown}" if shown else "and no folder was given to look for it"
    raise LoadError(f"{library.name} needs {needed}, {where}: give its folder with search=[...]")


def _read(path: str, wanted_by: SharedLibrary) -> SharedLibrary:
    try:
        return read_library(read_file(path), path)
    except LoadError as error:
        raise LoadError(f"{error} (needed by {wanted_by.name})") from None
