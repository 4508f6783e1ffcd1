"""What runs before the first call of a module's functions and after the last one: constructors and destructors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from armexec.objects import CType, Prototype

if TYPE_CHECKING:
    from armexec.engines import Engine, LoadedImage
    from armexec.memory import HostMemory, SandboxMemory
    from armexec.module.settings import Settings
    from armexec.program.functions import CLibrary

__all__ = ["Initialization"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


class Initialization:
    """The initialization and the termination of one module's code, each function within the module's limits."""

    def __init__(self, engine: Engine, loaded: LoadedImage, settings: Settings) -> None:
        self._engine = engine
        self._loaded = loaded
        self._settings = settings
        self._library: CLibrary | None = None

    def start(self, memory: Callable[[], HostMemory | SandboxMemory]) -> None:
        """Limit the heap, and call the initializers. `memory` gives the memory that the guest's addresses are of.

        Raises:
            ExecutionError: an initializer failed.
            Error: as `start_library` does.
        """
        image, settings = self._loaded.image, self._settings
        if image.is_executable or image.is_shared:
            from armexec.program.start import start_library

            with settings.limits():
                self._library = start_library(self._engine, self._loaded, settings.files, settings.memory_limit)
        if self._library is None:
            if settings.memory_limit is not None:
                self._limit_heap(settings.memory_limit, memory)
            self._call_each(image.initializers)

    def _limit_heap(self, limit: int, memory: Callable[[], HostMemory | SandboxMemory]) -> None:
        from armexec.compiler_rt.heap import limited_heap

        found = limited_heap(self._loaded.image, limit)
        if found is not None:
            memory().write(self._loaded.base + found.offset, found.data)

    def _call_each(self, offsets: Iterable[int]) -> None:
        """Call functions without arguments."""
        prototype = Prototype("", CType("void", name="void"))
        for offset in offsets:
            with self._settings.limits():
                self._loaded.bind(offset, prototype)()

    def link(self) -> None:
        """Have the C library's functions called as they are linked now."""
        if self._library is not None:
            self._library.bind()

    def finish(self) -> None:
        """Call the finalizers. Raises ExecutionError: one failed."""
        if self._library is not None:
            with self._settings.limits():
                self._library.finish()
        else:
            self._call_each(self._loaded.image.finalizers)
