"""Bytes and files of objects as images; the format is recognized."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from armexec.errors import LoadError
from armexec.files import read_file
from armexec.objects.cache import ObjectCache
from armexec.objects.formats.kinds import what_is
from armexec.objects.image import Image

if TYPE_CHECKING:
    from armexec.objects.linking import Part

__all__ = ["is_shared_library", "link", "link_files", "load_file", "load_image", "read_part"]


def load_image(data: bytes, name: str = "<bytes>", search: Sequence[str] | None = None) -> Image:
    """The image of an ELF or Mach-O relocatable object, or of an ELF shared library with those that it needs.

    These are looked for in the folders `search`; with None they are left out.

    Raises:
        LoadError: it is anything else, or for another processor than AArch64, or a library that it needs isn't found.
    """
    if is_shared_library(data):
        if search is not None:
            from armexec.objects.dynamic.search import load_library

            return load_library(data, name, search)
        from armexec.objects.dynamic.image import LibraryImage
        from armexec.objects.dynamic.read import read_library

        return LibraryImage([read_library(data, name)])
    return Image(name, [read_part(data, name)])


def is_shared_library(data: bytes) -> bool:
    """Whether bytes begin as a shared library does: an ELF file of type ET_DYN."""
    return data[:4] == b"\x7fELF" and data[16:18] in (b"\x03\0", b"\0\x03")


def link(objects: Iterable[tuple[bytes, str]]) -> Image:
    """One image of several relocatable objects of one format, each given as its bytes and its name.

    An undefined symbol refers to the definition in another object. A strong definition wins over a common one, and that
    over a weak one.

    Raises:
        LoadError: an object can't be read, there is none, their formats differ, or a name has two strong definitions.
    """
    parts = [read_part(data, name) for data, name in objects]
    if not parts:
        raise LoadError("there is no object to link: give at least one")
    return Image(", ".join(part.name for part in parts), parts)


def read_part(data: bytes, name: str) -> Part:
    """The content of a relocatable object as a Part. Raises LoadError for other bytes."""
    if is_shared_library(data):
        raise LoadError(f"{name}: a shared library, which isn't linked with other files: load it by itself")
    if data[:4] == b"\x7fELF":
        from armexec.objects.formats.elf import read_elf

        return replace(read_elf(data, name), cache=ObjectCache(data))
    if data[:4] == b"\xcf\xfa\xed\xfe":
        from armexec.objects.formats.macho import read_macho

        return replace(read_macho(data, name), cache=ObjectCache(data))
    raise LoadError(f"{name}: {what_is(data)}")


def load_file(path: str | os.PathLike[str]) -> Image:
    """The image of an object file. Raises LoadError also if it can't be read."""
    return load_image(*_file(path))


def link_files(paths: Iterable[str | os.PathLike[str]]) -> Image:
    """One image of several object files, as `link` makes it. Raises LoadError also if one can't be read."""
    return link(_file(path) for path in paths)


def _file(path: str | os.PathLike[str]) -> tuple[bytes, str]:
    return read_file(path), os.fspath(path)
