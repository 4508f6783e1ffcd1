"""Images in an address space: where their code and data are, and what their symbols are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from armexec.errors import LoadError
from armexec.memory.guest.page_table import PAGE
from armexec.objects import Image
from armexec.objects.names import source_name

__all__ = ["PlacedImage", "place_image"]


class PlacedImage(Mapping[str, int]):
    """An image in an address space. As a mapping, it gives the address of each defined symbol by its name.

    A name is the linkage name, the name as in the source or, where only one symbol has it, the bare name.
    """

    def __init__(self, image: Image, base: int) -> None:
        self.image = image
        self.base = base
        """The address of the image's first byte."""
        self.end = base + image.size
        """The address behind its last."""

    def __getitem__(self, name: str) -> int:
        """The address of a symbol.

        Raises:
            LoadError, which is a KeyError too: there is none of that name, or more than one.
        """
        try:
            symbol = self.image.find(name)
        except LoadError as error:
            raise UnknownSymbol(str(error)) from None
        if symbol.offset is None:
            raise UnknownSymbol(f"{self.image.name}: {name!r} is a number, and no address")
        return self.base + symbol.offset

    def __iter__(self) -> Iterator[str]:
        found = (s for s in self.image.symbols if s.offset is not None and s.binding != "local" and s.name)
        return iter(dict.fromkeys(source_name(self.image.linkage_name(symbol)) for symbol in found))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def symbol_at(self, address: int) -> str:
        """The name of what an address belongs to, with the distance: "fn+0x8"; empty where that isn't known."""
        found = self.image.symbol_at(address - self.base)
        if found is None:
            return ""
        name = source_name(self.image.linkage_name(found[0]))
        return f"{name}+0x{found[1]:x}" if found[1] else name

    def __repr__(self) -> str:
        return f"<PlacedImage {self.image.name!r} at 0x{self.base:x}-0x{self.end:x}>"


class UnknownSymbol(LoadError, KeyError):
    """No symbol of an image has that name. The message gives the nearest names."""

    def __str__(self) -> str:
        return str(self.args[0])


class Space(Protocol):
    """What images are placed in: an `AddressSpace`."""

    def map(self, address: int, size: int, protection: str, *, data: bytes) -> int: ...

    def unmap(self, address: int, size: int) -> None: ...

    def room(self, size: int, align: int) -> int: ...

    def host_function(self, callback: Callable[..., Any]) -> int: ...


def place_image(
    space: Space, image: Image, address: int | None, imports: Mapping[str, int | Callable[..., Any]]
) -> PlacedImage:
    """Map an image's segments, relocated for where they are. See `AddressSpace.load`."""
    if image.undefined():
        from armexec.compiler_rt import complete

        image = complete(image)
    # These may map pages.
    resolved = {name: space.host_function(value) if callable(value) else value for name, value in imports.items()}
    base = space.room(image.size, max(image.align, PAGE)) if address is None else address
    if base % image.align:
        raise LoadError(f"{image.name}: 0x{base:x} isn't a multiple of its alignment, 0x{image.align:x}")

    def resolve(name: str) -> int | None:
        found = resolved.get(name)
        return resolved.get(source_name(name)) if found is None else found

    segments = sorted(image.segments, key=lambda segment: segment.offset)
    contents = dict(image.place(base, resolve))
    mapped: list[tuple[int, int]] = []
    try:
        for segment in segments:
            protection = "rx" if segment.executable else "rw" if segment.writable else "r"
            data = contents.get(segment.offset, b"")
            at = space.map(base + segment.offset, segment.size, protection, data=data)
            mapped.append((at, segment.size))
    except BaseException:
        for at, size in mapped:
            space.unmap(at, size)
        raise
    return PlacedImage(image, base)
