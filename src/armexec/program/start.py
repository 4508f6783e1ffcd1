"""Which C library an image has, and its start."""

from __future__ import annotations

from collections.abc import Mapping

from armexec.engines import Engine, LoadedImage
from armexec.program.functions import CLibrary, LinkedLibrary

__all__ = ["start_library"]


def start_library(
    engine: Engine, loaded: LoadedImage, files: Mapping[str, str] | None = None, memory_limit: int | None = None
) -> CLibrary | None:
    """Make the C library of an image ready, and call its constructors; None for an image without one.

    `files`: folders by the paths under which it sees them. `memory_limit`: the most bytes by which its memory may grow.

    Raises:
        LoadError: a folder of `files` isn't there.
        HostError: the engine can't run an image with a C library.
        ExecutionError: a constructor failed.
    """
    image = loaded.image
    if image.is_executable:
        return LinkedLibrary(loaded, files, memory_limit, engine)
    if not image.is_shared:
        return None
    from armexec.program.shared_functions import start_shared

    return start_shared(loaded, files, memory_limit)
