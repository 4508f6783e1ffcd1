"""Imports: what the undefined symbols of an image stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, TypeAlias

from armexec.errors import LoadError
from armexec.objects.names import bare_name, source_name

if TYPE_CHECKING:
    from armexec.engines import Engine, LoadedImage
    from armexec.objects import Image, Prototype

__all__ = ["Import", "Imports"]


class Provider(Protocol):
    """A Module."""

    @property
    def engine(self) -> str: ...

    @property
    def image(self) -> Image: ...

    @property
    def loaded(self) -> LoadedImage: ...


Import: TypeAlias = "SupportsIndex | Callable[..., Any] | Provider"
"""An address, a Function, a callable, or a Module that defines the symbol."""


class Imports:
    """The imports of one image, by the names of symbols: linkage names, or as in the source.

    `keep` is what they refer to: it lives as long as the code that uses it. `bind` makes the address of a callable,
    given the symbol's linkage name, and what is to be kept.
    """

    def __init__(
        self,
        image: Image,
        given: Mapping[str, Import],
        engine: Engine,
        bind: Callable[[str, Callable[..., Any]], tuple[int, object]],
    ) -> None:
        self.keep: list[object] = []
        self._image = image
        self._given = given
        self._engine = engine
        self._bind = bind
        self._found: dict[str, int | None] = {}

    def has(self, name: str) -> bool:
        """Whether a symbol of that linkage name is given."""
        return self._key(name) is not None

    def _key(self, name: str) -> str | None:
        source = source_name(name)
        return next((key for key in (name, source, bare_name(source)) if key in self._given), None)

    def resolve(self, name: str) -> int | None:
        """The address of a symbol by its linkage name, None if it isn't given.

        Raises:
            LoadError: what is given for it has no address here.
        """
        if name not in self._found:
            key = self._key(name)
            self._found[name] = None if key is None else self._address(name, key, self._given[key])
        return self._found[name]

    def _address(self, name: str, key: str, value: Any) -> int:
        owner = getattr(value, "module", value)
        if hasattr(owner, "loaded") and hasattr(owner, "image"):
            if owner.loaded.sandbox is not self._engine.sandbox:
                if owner is value:
                    raise LoadError(
                        f"the import {key!r} is a module in another sandbox, or in none, and {self._image.name} can't"
                        " reach it: give functions of it, which are then called by Python"
                    )
                address, kept = self._bind(name, value)
                self.keep += [kept, value]
                return address
            if owner.engine != self._engine.name:
                raise LoadError(
                    f"the import {key!r} is code of the engine {str(owner.engine)!r}, and {self._image.name} is loaded"
                    f" for {self._engine.name!r}: load both for one engine"
                )
            prototype = getattr(value, "prototype", None) if owner is not value else self._image.prototype(name)
            self._check_convention(key, prototype, owner.image)
            self.keep.append(value)
            if owner is not value:
                return int(value.address)
            symbol = owner.image.find(key if key != name else name)
            if symbol.offset is None:
                raise LoadError(f"the import {key!r}: {owner.name} has a number of that name, and no address")
            return int(owner.loaded.base) + int(symbol.offset)
        if callable(value):
            address, kept = self._bind(name, value)
            self.keep += [kept, value]
            return address
        try:
            number = value.__index__()
        except (AttributeError, TypeError):
            raise LoadError(
                f"the import {key!r} is a function, a callable, a module or an address, not {value!r:.60}"
            ) from None
        if not 0 <= number < 1 << 64:
            raise LoadError(f"the import {key!r} is {number:#x}, which is no address")
        return int(number)

    def _check_convention(self, key: str, prototype: Prototype | None, other: Image) -> None:
        """Raises LoadError if code for another system wants arguments where this image's doesn't put them."""
        from armexec.abi import can_call

        if prototype is not None and not can_call(self._image, other, prototype):
            raise LoadError(
                f"the import {key!r} is code for another system, {other.name}, whose calling convention has other"
                f" places for `{prototype}` than that of {self._image.name}: compile both for one target"
            )
