"""Mapping of images into memory, for all engines."""

from __future__ import annotations

from armexec.engines.code import add_code
from armexec.memory import Protection, Region, allocate, page_size
from armexec.objects import Image, Resolve

__all__ = ["map_image"]


def map_image(image: Image, resolve: Resolve, *, executable: bool, leave: int | None = None) -> Region:
    """Map writable pages, copy the relocated image into them, and give each segment its protection.

    `executable` makes the code executable for the host; otherwise it is only readable. `leave` is the address that
    branches to undefined symbols go to, instead of to an undefined instruction.

    Raises:
        LoadError: a symbol can't be resolved, or a relocation doesn't reach.
        HostError: the host refuses the memory.
    """
    region = allocate(image.size, executable=executable, align=image.align)
    try:
        for offset, data in image.place(region.address, resolve, leave):
            if data:
                region.write(offset, data)
        parts = []
        page = page_size()
        for segment in image.segments:
            protection = Protection.READ
            if segment.writable:
                protection |= Protection.WRITE
            elif segment.executable and executable:
                protection |= Protection.EXECUTE
            parts.append((segment.offset, -(-segment.size // page) * page, protection))
        region.seal(parts)
        add_code(image, region)
    except BaseException:
        region.close()
        raise
    return region
