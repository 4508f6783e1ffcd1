"""Mapping of images into memory, for all engines."""

from __future__ import annotations

from collections.abc import Sequence

from armexec.engines.code import add_code, add_image
from armexec.engines.guards import add_guards
from armexec.errors import LoadError
from armexec.memory import Protection, Region, Sandbox, allocate, page_size
from armexec.objects import Image, Resolve

__all__ = ["map_image"]


def map_image(
    image: Image,
    resolve: Resolve,
    *,
    executable: bool,
    leave: int | None = None,
    patches: Sequence[tuple[int, bytes]] = (),
    sandbox: Sandbox | None = None,
) -> Region:
    """Map writable pages, copy the relocated image into them, and give each segment its protection.

    `executable` makes the code executable for the host; otherwise it is only readable. `leave` is the address that
    branches to undefined symbols go to, instead of to an undefined instruction. `patches` are bytes to be written at
    offsets: over the image, or behind it, where they are code. With a `sandbox` the image is in that, and relocated for
    its addresses.

    Raises:
        LoadError: a symbol can't be resolved, a relocation doesn't reach, or the host's pages are too large.
        HostError: the host refuses the memory.
    """
    page = page_size()
    end = -(-image.size // page) * page
    size = max((offset + len(data) for offset, data in patches), default=0)
    base = 0
    if sandbox is None:
        region = allocate(max(end, size), executable=executable, align=image.align)
    else:
        region, base = sandbox.allocate(max(end, size), align=image.align), sandbox.base
    try:
        for offset, data in image.place(region.address - base, resolve, leave):
            if data:
                region.write(offset, data)
        for offset, data in patches:
            region.write(offset, data)
        parts = _parts(image, page, executable=executable)
        if region.size > end:
            parts.append((end, region.size - end, Protection.READ | Protection.EXECUTE))
        region.seal(parts)
        add_image(image, region)
        add_code(image, region)
        if sandbox is None:
            add_guards(image, region)
    except BaseException:
        region.close()
        raise
    return region


def _parts(image: Image, page: int, *, executable: bool) -> list[tuple[int, int, Protection]]:
    """The protections of whole pages of the host: offset, size, protection.

    Shared libraries may be made for smaller pages than the host's. What is in one page with variables stays writable,
    as dynamic linkers have it. Raises LoadError for code in such a page.
    """
    parts: list[tuple[int, int, Protection]] = []
    has_code = False  # the last part
    for segment in sorted(image.segments, key=lambda segment: segment.offset):
        protection = Protection.READ
        if segment.writable:
            protection |= Protection.WRITE
        elif segment.executable and executable:
            protection |= Protection.EXECUTE
        start = segment.offset // page * page
        end = -(-(segment.offset + segment.size) // page) * page
        if parts and start < parts[-1][0] + parts[-1][1]:
            before, size, known = parts.pop()
            shared = known | protection
            has_code = has_code or segment.executable
            # Code must not change, whether or not the host executes it.
            if Protection.WRITE in shared and has_code:
                raise LoadError(
                    f"{image.name}: at {segment.offset:#x} it has code and variables in one page of this host, of"
                    f" {page >> 10} KiB: link it with -z max-page-size={page}"
                )
            if start > before:
                parts.append((before, start - before, known))
            # The page that both have.
            parts.append((start, before + size - start, shared))
            start = before + size
        if end > start:
            parts.append((start, end - start, protection))
            has_code = segment.executable
    return parts
