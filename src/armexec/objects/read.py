"""The bytes of an object as a Part; the format is recognized."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from armexec.errors import LoadError
from armexec.objects.cache import ObjectCache
from armexec.objects.formats.kinds import what_is

if TYPE_CHECKING:
    from armexec.objects.linking import Part

__all__ = ["is_dylib", "is_shared_library", "read_part"]


def is_shared_library(data: bytes) -> bool:
    """Whether bytes begin as a shared library does: an ELF file of type ET_DYN, or Mach-O's MH_DYLIB or MH_BUNDLE."""
    return (data[:4] == b"\x7fELF" and data[16:18] in (b"\x03\0", b"\0\x03")) or is_dylib(data)


def is_dylib(data: bytes) -> bool:
    """Whether bytes begin as a dynamic library or a bundle of macOS does."""
    return data[:4] == b"\xcf\xfa\xed\xfe" and data[12:16] in (b"\x06\0\0\0", b"\x08\0\0\0")


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
