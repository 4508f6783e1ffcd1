"""Chained fixups (LC_DYLD_CHAINED_FIXUPS): each word to be written says where the next one is.

Source: Apple's mach-o/fixup-chains.h.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence

from armexec.errors import LoadError
from armexec.objects.dylib.fixups import Bind, Fixup, Rebase

__all__ = ["chained_fixups"]

_POINTER_64, _POINTER_64_OFFSET = 2, 6
_SIGNED = {1, 7, 9, 10, 11, 12}
"""The formats of arm64e, whose pointers are signed."""
_IMPORT, _IMPORT_ADDEND, _IMPORT_ADDEND64 = 1, 2, 3
_COMPRESSED = 1
_NONE, _MULTI = 0xFFFF, 0x8000
_STRIDE = 4
_MOST_IMPORTS = 1 << 24
_LARGEST_NAMES = 1 << 28
_MASK36 = (1 << 36) - 1


def chained_fixups(
    data: bytes, name: str, segments: Sequence[tuple[int, int]], base: int, read: Callable[[int, int], bytes]
) -> Iterator[Fixup]:
    """The fixups in the content of the command.

    `segments` are the addresses and sizes of the segments, `base` the first one's address; `read` gives bytes of the
    library by their address.

    Raises:
        LoadError: they are malformed, or pointers are signed. Also struct.error for what is cut off.
    """
    _, starts, imports_at, names_at, count, kind, names_kind = struct.unpack_from("<7I", data)
    names = data[names_at:]
    if names_kind == _COMPRESSED:
        try:
            names = zlib.decompressobj().decompress(names, _LARGEST_NAMES)
        except zlib.error as error:
            raise _bad(name, f"the names of its imports: {error}") from None
    imports = list(_imports(data, name, imports_at, count, kind, names))
    (segment_count,) = struct.unpack_from("<I", data, starts)
    if segment_count > len(segments):
        raise _bad(name, f"fixups for {segment_count} segments of {len(segments)}")
    for number, offset in enumerate(struct.unpack_from(f"<{segment_count}I", data, starts + 4)):
        if offset:
            yield from _segment(data, name, starts + offset, segments[number], base, imports, read)


def _bad(name: str, text: str) -> LoadError:
    return LoadError(f"{name}: corrupted Mach-O file: {text}")


def _imports(data: bytes, name: str, at: int, count: int, kind: int, names: bytes) -> Iterator[Bind]:
    sizes = {_IMPORT: 4, _IMPORT_ADDEND: 8, _IMPORT_ADDEND64: 16}
    if kind not in sizes:
        raise LoadError(f"{name}: its imports have the format {kind}, which armexec doesn't know")
    if count > _MOST_IMPORTS or at + sizes[kind] * count > len(data):
        raise _bad(name, f"{count} imports, more than the file holds")
    for number in range(count):
        addend = 0
        if kind == _IMPORT_ADDEND64:
            word, addend = struct.unpack_from("<Qq", data, at + 16 * number)
            ordinal, weak, where = _signed(word & 0xFFFF, 16), word >> 16 & 1, word >> 32
        else:
            (word,) = struct.unpack_from("<I", data, at + sizes[kind] * number)
            if kind == _IMPORT_ADDEND:
                (addend,) = struct.unpack_from("<i", data, at + 8 * number + 4)
            ordinal, weak, where = _signed(word & 0xFF, 8), word >> 8 & 1, word >> 9
        end = names.find(b"\0", where)
        if end < 0:
            raise _bad(name, f"the name of import {number}, which isn't in the file")
        yield Bind(0, names[where:end].decode("utf-8", "backslashreplace"), ordinal, addend, bool(weak))


def _signed(value: int, bits: int) -> int:
    """Ordinals from -15 on are negative ones."""
    return value - (1 << bits) if value >= (1 << bits) - 15 else value


def _segment(
    data: bytes,
    name: str,
    at: int,
    segment: tuple[int, int],
    base: int,
    imports: Sequence[Bind],
    read: Callable[[int, int], bytes],
) -> Iterator[Fixup]:
    _, page, kind, _, _, pages = struct.unpack_from("<IHHQIH", data, at)
    if kind in _SIGNED:
        raise LoadError(f"{name}: its pointers are signed, as those of arm64e are: compile for arm64")
    if kind not in (_POINTER_64, _POINTER_64_OFFSET):
        raise LoadError(f"{name}: its fixups have the pointer format {kind}, which armexec doesn't know")
    start, size = segment
    if page not in (0x1000, 0x4000) or (pages - 1) * page >= max(size, 1):
        raise _bad(name, f"fixups for {pages} pages of {page} bytes in a segment of {size}")
    for number, first in enumerate(struct.unpack_from(f"<{pages}H", data, at + 22)):
        if first == _NONE:
            continue
        if first & _MULTI:
            raise _bad(name, "several chains of fixups in a page, as only 32-bit files have them")
        offset = page * number + first
        while True:
            if offset + 8 > size:
                raise _bad(name, f"a fixup at {start + offset:#x}, outside of its segment")
            word = int.from_bytes(read(start + offset, 8), "little")
            yield _fixup(name, word, start + offset, base if kind == _POINTER_64_OFFSET else 0, imports)
            step = word >> 51 & 0xFFF
            if not step:
                break
            offset += _STRIDE * step


def _fixup(name: str, word: int, address: int, base: int, imports: Sequence[Bind]) -> Fixup:
    if not word >> 63:
        # The upper byte is a tag.
        return Rebase(address, (word & _MASK36) + base | (word >> 36 & 0xFF) << 56)
    number = word & 0xFFFFFF
    if number >= len(imports):
        raise _bad(name, f"a fixup at {address:#x} of import {number}, which isn't there")
    return imports[number]._replace(address=address, addend=imports[number].addend + (word >> 24 & 0xFF))
