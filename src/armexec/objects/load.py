"""Bytes and files of objects and static libraries as images; the format is recognized."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from armexec.errors import LoadError
from armexec.files import read_file
from armexec.objects.formats.archive import MAGIC
from armexec.objects.image import Image
from armexec.objects.linking import Part, members
from armexec.objects.read import is_dylib, is_shared_library, read_part
from armexec.objects.static_library import StaticLibrary

__all__ = ["link", "link_files", "load_file", "load_image", "read_parts"]

_GO = b"__.PKGDEF"
"""The first member of a Go package, which is no library of objects."""


def load_image(
    data: bytes, name: str = "<bytes>", search: Sequence[str] | None = None, opened: Sequence[str] = ()
) -> Image:
    """The image of an ELF or Mach-O relocatable object, of all objects in a static library, of an ELF shared library
    with those that it needs, or of a Mach-O dynamic library by itself.

    Those that an ELF library needs are looked for in the folders `search`; with None they are left out. `opened` are
    libraries that it may open with dlopen.

    Raises:
        LoadError: it is anything else, or for another processor than AArch64, or a library that it needs isn't found.
    """
    if is_dylib(data):
        from armexec.objects.dylib.image import DylibImage
        from armexec.objects.dylib.read import read_dylib

        return DylibImage(read_dylib(data, name))
    if is_shared_library(data):
        if search is not None:
            from armexec.objects.dynamic.search import load_library

            return load_library(data, name, search, opened)
        from armexec.objects.dynamic.image import LibraryImage
        from armexec.objects.dynamic.read import read_library

        return LibraryImage([read_library(data, name)])
    return Image(name, read_parts([(data, name)]))


def link(objects: Iterable[tuple[bytes, str]]) -> Image:
    """One image of several relocatable objects and static libraries, each given as its bytes and its name.

    An undefined symbol refers to the definition in another object. A strong definition wins over a common one, and that
    over a weak one. Of libraries those members are taken that define what is undefined; all, if there is no object.

    Raises:
        LoadError: an object can't be read, there is none, their formats differ, or a name has two strong definitions.
    """
    given = list(objects)
    parts = read_parts(given)
    if not parts:
        raise LoadError("there is no object to link: give at least one")
    return Image(", ".join(name for _, name in given), parts)


def read_parts(given: Iterable[tuple[bytes, str]]) -> list[Part]:
    """The contents of objects and of what they need of static libraries, each given as its bytes and its name; of
    libraries alone, all. Raises LoadError for other bytes."""
    parts, libraries = [], []
    for data, name in given:
        if data.startswith(MAGIC) and not data.startswith(_GO, len(MAGIC)):
            libraries.append(StaticLibrary(data, name))
        else:
            parts.append(read_part(data, name))
    if parts:
        return [*parts, *members(parts, libraries)]
    found = [part for library in libraries for part in library.parts()]
    if libraries and not found:
        raise LoadError(f"{libraries[0].name}: the static library has no object")
    return found


def load_file(path: str | os.PathLike[str]) -> Image:
    """The image of an object file. Raises LoadError also if it can't be read."""
    return load_image(*_file(path))


def link_files(paths: Iterable[str | os.PathLike[str]]) -> Image:
    """One image of several object files, as `link` makes it. Raises LoadError also if one can't be read."""
    return link(_file(path) for path in paths)


def _file(path: str | os.PathLike[str]) -> tuple[bytes, str]:
    return read_file(path), os.fspath(path)
