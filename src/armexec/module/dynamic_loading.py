"""dlopen, dlsym, dlclose, dlerror and dladdr for the code of shared libraries.

What can be opened has been loaded with the image: the libraries that it needs, and those that were named for it. So
their initializers have been called already, and nothing is unloaded. Source: POSIX.1-2024, dlopen; dladdr(3).
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from armexec.engines import LoadedImage
from armexec.memory import HostMemory, string_at

if TYPE_CHECKING:
    from armexec.module.imports import Import
    from armexec.objects import Image
    from armexec.objects.dynamic.image import LibraryImage

__all__ = ["dynamic_loading"]

_SELF = 1
"""The handle of the whole image, which dlopen gives for a null pointer. Those of libraries are their addresses."""
_DEFAULT, _NEXT = 0, (1 << 64) - 1
_WORD = "unsigned long"
_PROTOTYPES = {
    "dlopen": f"{_WORD} dlopen({_WORD}, int)",
    "dlsym": f"{_WORD} dlsym({_WORD}, {_WORD})",
    "dlclose": f"int dlclose({_WORD})",
    "dlerror": f"{_WORD} dlerror()",
    "dladdr": f"int dladdr({_WORD}, {_WORD})",
}


def dynamic_loading(
    image: Image, imports: Mapping[str, Import], engine: str
) -> tuple[Mapping[str, Import], Callable[[LoadedImage], object]]:
    """The imports with these functions, if the image wants them and they aren't among them; and what is to be called
    with the image in memory, before any code of it runs.

    Raises:
        HostError: no addresses are left for callbacks.
    """
    missing = image.missing_symbols if image.is_shared else ()
    wanted = [name for name in _PROTOTYPES if name in missing and name not in imports]
    if not wanted:
        return imports, lambda loaded: None
    from armexec.module.guest_callbacks import callback

    made = _DynamicLoading()
    functions = {name: callback(getattr(made, name), _PROTOTYPES[name], engine=engine) for name in wanted}
    return {**imports, **functions}, made.attach


class _DynamicLoading:
    """The functions for one image."""

    def __init__(self) -> None:
        self._image: LibraryImage | None = None
        self._base = 0
        self._error: str | None = None
        self._texts: dict[bytes, ctypes.Array[ctypes.c_char]] = {}

    def attach(self, loaded: LoadedImage) -> None:
        """Take the image as it is in memory."""
        from armexec.objects.dynamic.image import LibraryImage

        assert isinstance(loaded.image, LibraryImage)
        self._image, self._base = loaded.image, loaded.base

    def dlopen(self, path: int, mode: int) -> int:
        """The handle of a library by its name, whatever its folder; null where it hasn't been loaded."""
        if not path:
            return _SELF
        name = os.path.basename(string_at(path).decode("utf-8", "backslashreplace"))
        image = self._loaded_image()
        for library, base in zip(image.libraries, image.bases, strict=True):
            if name in (os.path.basename(library.soname), os.path.basename(library.name)):
                return self._base + base
        return self._failed(
            f"{name}: not loaded: name it with armexec.load(..., dlopen=[{name!r}]), and its folder with search=[...]"
        )

    def dlsym(self, handle: int, name: int) -> int:
        """The address of a symbol of a library and of those that it needs, or of all."""
        text = string_at(name).decode("utf-8", "backslashreplace")
        image = self._loaded_image()
        if handle == _NEXT:
            return self._failed(f"{text}: RTLD_NEXT isn't supported: the caller isn't known")
        number = None
        if handle not in (_SELF, _DEFAULT):
            number = self._number(handle)
            if number is None:
                return self._failed(f"{handle:#x} is no handle of a library")
        found = image.lookup(text, number)
        if found is None:
            where = image.libraries[number].name if number is not None else image.name
            return self._failed(f"{where}: undefined symbol: {text}")
        if found.offset is None:
            return self._failed(
                f"{text}: no address: {'a thread-local variable' if found.kind == 'tls' else 'a number'}"
            )
        return self._base + found.offset

    def dlclose(self, handle: int) -> int:
        """Nothing but a check of the handle: the library stays."""
        if handle == _SELF or self._number(handle) is not None:
            return 0
        self._failed(f"{handle:#x} is no handle of a library")
        return -1

    def dlerror(self) -> int:
        """What has failed since the last call; null for nothing."""
        error, self._error = self._error, None
        return self._text(error) if error is not None else 0

    def dladdr(self, address: int, place: int) -> int:
        """The library and the symbol of an address, written as `Dl_info`; 0 for an address elsewhere."""
        image = self._loaded_image()
        offset = address - self._base
        for library, base in zip(image.libraries, image.bases, strict=True):
            if base <= offset < base + library.size:
                found = image.symbol_at(offset)
                name = at = 0
                if found is not None and found[0].binding != "local" and found[0].offset is not None:
                    name, at = self._text(found[0].name), self._base + found[0].offset
                HostMemory().write(place, struct.pack("<4Q", self._text(library.name), self._base + base, name, at))
                return 1
        return 0

    def _loaded_image(self) -> LibraryImage:
        assert self._image is not None
        return self._image

    def _number(self, handle: int) -> int | None:
        bases = self._loaded_image().bases
        return bases.index(handle - self._base) if handle - self._base in bases else None

    def _failed(self, error: str) -> int:
        self._error = error
        return 0

    def _text(self, text: str) -> int:
        """The address of a text, which stays there."""
        data = text.encode("utf-8", "surrogateescape")
        if data not in self._texts:
            self._texts[data] = ctypes.create_string_buffer(data)
        return ctypes.addressof(self._texts[data])
