"""Bytes or a file -> an image, by the format they are in."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from armexec.errors import LoadError

if TYPE_CHECKING:
    from armexec.objects.image import Image

__all__ = ["load_file", "load_image"]

_KNOWN = {
    b"!<arch>\n": "a static library (ar archive); extract the object you want from it",
    b"\xca\xfe\xba\xbe": "a universal Mach-O file; extract its arm64 part with lipo -thin arm64",
    b"\xce\xfa\xed\xfe": "a 32-bit Mach-O file",
    b"\xfe\xed\xfa\xcf": "a big-endian Mach-O file",
    b"\xfe\xed\xfa\xce": "a 32-bit big-endian Mach-O file",
    b"BC\xc0\xde": "LLVM bitcode; compile without -flto",
    b"\xde\xc0\x17\x0b": "LLVM bitcode; compile without -flto",
    b"MZ": "a Windows executable",
    b"\x64\xaa": "a Windows (COFF) object",
    b"#!": "a script",
}


def load_image(data: bytes, name: str = "<bytes>") -> Image:
    """The image of an ELF or Mach-O relocatable object for AArch64. Raises LoadError for anything else."""
    if data[:4] == b"\x7fELF":
        from armexec.objects.elf import load_elf

        return load_elf(data, name)
    if data[:4] == b"\xcf\xfa\xed\xfe":
        from armexec.objects.macho import load_macho

        return load_macho(data, name)
    if not data:
        raise LoadError(f"{name}: empty")
    what = next((text for magic, text in _KNOWN.items() if data.startswith(magic)), "")
    if not what:
        what = f"no ELF or Mach-O object; it begins with {data[:8].hex(' ')}"
    raise LoadError(f"{name}: {what}")


def load_file(path: str | os.PathLike[str]) -> Image:
    """The image of an object file. Raises LoadError also if it can't be read."""
    name = os.fspath(path)
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise LoadError(f"{name}: a directory")
        if not stat.S_ISREG(mode):  # reading a pipe or a device might never end
            raise LoadError(f"{name}: not a regular file")
        data = Path(path).read_bytes()
    except OSError as e:
        raise LoadError(f"{name}: {e.strerror or e}") from e
    except ValueError as e:  # a NUL in the name
        raise LoadError(f"{name!r}: {e}") from e
    return load_image(data, name)
