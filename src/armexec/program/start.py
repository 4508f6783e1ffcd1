"""Which C library an image has, and its start."""

from __future__ import annotations

from armexec.engines import LoadedImage
from armexec.program.functions import CLibrary, LinkedLibrary

__all__ = ["start_library"]


def start_library(loaded: LoadedImage, memory_limit: int | None) -> CLibrary | None:
    """Make the C library of an image ready, and call its constructors; None for an image without one.

    `memory_limit`: the most bytes by which its memory may grow.

    Raises:
        HostError: the engine can't run an image with a C library.
        ExecutionError: a constructor failed.
    """
    image = loaded.image
    if image.is_executable:
        return LinkedLibrary(loaded, memory_limit)
    if not image.is_shared:
        return None
    from armexec.program.shared_functions import start_shared

    return start_shared(loaded, memory_limit)
