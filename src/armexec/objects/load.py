"""Bytes and files of objects as images; the format is recognized."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from armexec.errors import LoadError
from armexec.files import read_file
from armexec.objects.cache import ObjectCache
from armexec.objects.formats.kinds import what_is
from armexec.objects.image import Image

if TYPE_CHECKING:
    from armexec.objects.linking import Part

__all__ = ["link", "link_files", "load_file", "load_image", "read_part"]


def load_image(data: bytes, name: str = "<bytes>") -> Image:
    """The image of an ELF or Mach-O relocatable object for AArch64. Raises LoadError for anything else."""
    return Image(name, [read_part(data, name)])


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
