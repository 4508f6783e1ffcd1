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


def load_library(data: bytes, name: str, folders: Sequence[str] = ()) -> LibraryImage:
    """The image of a shared library and of all that it needs.

    A dependency is looked for in `folders`, and where the library that needs it says by a DT_RUNPATH or DT_RPATH that
    begins with $ORIGIN; never where this system has its own libraries. The C library's names may be missing: armexec's
    own stands in for them, and always for musl's. But glibc's libc.so.6 needs the dynamic linker's library.

    Raises:
        LoadError: a library can't be read or found, or a thread-local variable is defined by none.
    """
    libraries = [read_library(data, name)]
    known = {os.path.basename(name), os.path.basename(libraries[0].soname)}
    not_found: list[str] = []
    wanted = [(library, needed) for library in libraries for needed in library.needed]
    for library, needed in wanted:  # grows meanwhile
        if os.path.basename(needed) in known:
            continue
        known.add(os.path.basename(needed))
        found = _find(library, needed, folders)
        if found is None:
            not_found.append(os.path.basename(needed))
            continue
        if len(libraries) == _MOST:
            raise LoadError(f"{name}: it needs more than {_MOST} libraries")
        dependency = _read(found, library)
        known |= {os.path.basename(found), os.path.basename(dependency.soname)}
        libraries.append(dependency)
        wanted += [(dependency, further) for further in dependency.needed]
    image = LibraryImage(libraries, not_found=not_found)
    missing = image.missing_thread_local
    if missing:
        users = ", ".join(dict.fromkeys(user for name in missing for user in image.missing_symbols[name]))
        raise LoadError(
            f"{name}: no library defines the thread-local variable{'s' if len(missing) > 1 else ''}"
            f" {', '.join(missing)}, which {users} uses: give the folder of the one that does with search=[...]"
        )
    return image


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
