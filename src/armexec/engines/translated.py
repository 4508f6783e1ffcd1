"""The translated engine: guest functions become host functions through LLVM."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

from armexec.engines import Resolve
from armexec.engines.faults import to_error
from armexec.engines.loading import map_image
from armexec.errors import SignatureError
from armexec.memory import GuestStack, Region, Step, guest_stack
from armexec.objects import CType, Image, Prototype
from armexec.translate import host
from armexec.translate.runtime import Runtime, Translator
from armexec.translate.unit import Code

__all__ = ["TranslatedEngine"]


def _new_stack() -> tuple[int, GuestStack]:
    stack = guest_stack()
    return stack.top, stack


@cache
def _runtime() -> Runtime:
    return Runtime(_new_stack)


_INTEGERS: dict[tuple[int, bool], Any] = {
    (8, True): ctypes.c_int8,
    (8, False): ctypes.c_uint8,
    (16, True): ctypes.c_int16,
    (16, False): ctypes.c_uint16,
    (32, True): ctypes.c_int32,
    (32, False): ctypes.c_uint32,
    (64, True): ctypes.c_int64,
    (64, False): ctypes.c_uint64,
}


def _shape(type: CType, what: str) -> tuple[int, bool]:
    if type.kind in ("int", "enum", "bool", "pointer") and type.size in (1, 2, 4, 8):
        return type.size * 8, type.signed
    raise SignatureError(f"{what} of type {type} can't be passed yet: only integers and pointers of up to 64 bits")


class LoadedTranslatedImage:
    """An image whose code is read, and run as host code of its own."""

    def __init__(self, image: Image, region: Region, tier: str, limit: int | None) -> None:
        self.image = image
        self.region = region
        self.base = region.address
        self.steps: list[Step] = region.steps
        ranges = [(s.offset, s.data) for s in image.segments if s.executable]
        words = {offset: region.read(offset, len(data)) for offset, data in ranges}
        code_size = max((offset + len(data) for offset, data in ranges), default=0)

        def fetch(address: int) -> int | None:
            at = address - self.base
            for offset, data in words.items():
                if offset <= at and at + 4 <= offset + len(data) and not at & 3:
                    return int.from_bytes(data[at - offset : at - offset + 4], "little")
            return None

        constant = [(s.offset, s.size) for s in image.segments if not s.writable]

        def read(address: int, size: int) -> bytes | None:
            at = address - self.base
            if any(offset <= at and at + size <= offset + length for offset, length in constant):
                return region.read(at, size)
            return None

        code = Code(self.base, image.size, code_size, fetch, read)
        base = self.base
        self.translator = Translator(_runtime(), code, lambda trap: to_error(trap, image, base), tier=tier, limit=limit)

    def bind(self, offset: int, prototype: Prototype) -> Callable[..., Any]:
        shape = tuple(_shape(p.type, f"parameter {i}") for i, p in enumerate(prototype.parameters, 1))
        if len(shape) > 8:
            raise SignatureError(f"{prototype}: more than eight parameters can't be passed yet")
        result: Any = None
        if prototype.result.kind == "bool":
            result = ctypes.c_bool
        elif prototype.result.kind != "void":
            result = _INTEGERS[_shape(prototype.result, "a result")]
        address = self.translator.entry(self.base + offset, shape)
        # PYFUNCTYPE: the stub gives up the GIL itself, and its exceptions are raised where it was called.
        function: Any = ctypes.PYFUNCTYPE(result, *(_INTEGERS[s] for s in shape))(address)
        # The code lives as long as its image.
        function.image = self
        bound: Callable[..., Any] = function
        return bound

    def close(self) -> None:
        self.translator.close()
        self.region.close()


class TranslatedEngine:
    """Runs on any host that LLVM makes code for.

    `tier`: O0, O1, O2 or O3. `limit`: a guest function of more instructions is translated in pieces.
    """

    name = "translated"

    def __init__(self, tier: str = "O2", limit: int | None = None) -> None:
        self.tier = tier
        self.limit = limit

    def unavailable(self) -> str | None:
        return host.unavailable()

    def load(self, image: Image, resolve: Resolve) -> LoadedTranslatedImage:
        return LoadedTranslatedImage(image, map_image(image, resolve, executable=False), self.tier, self.limit)
