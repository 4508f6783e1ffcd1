"""What a Function asks of the Module that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from armexec.engines import LoadedImage
    from armexec.module.calls.protocol import Calls
    from armexec.module.settings import Settings
    from armexec.objects import Image

__all__ = ["FunctionOwner"]


class FunctionOwner(Protocol):
    """A Module. Functions hold it, so that its memory stays as long as one of them."""

    @property
    def name(self) -> str: ...

    @property
    def engine(self) -> str: ...

    @property
    def image(self) -> Image: ...

    @property
    def loaded(self) -> LoadedImage: ...

    @property
    def closed(self) -> bool: ...

    @property
    def assembly(self) -> str: ...

    def read(self, offset: int, size: int) -> bytes: ...

    # All that is public in a module hides functions of the guest that have its name, so the rest isn't.

    @property
    def _assembly(self) -> Callable[[], str] | None: ...

    @property
    def _settings(self) -> Settings: ...

    @property
    def _calls(self) -> Calls: ...

    @property
    def _lock(self) -> AbstractContextManager[object]: ...

    @property
    def _unpickled(self) -> dict[tuple[str, int, bytes], Any]: ...

    def _refuse_if_closed(self) -> None: ...

    def _bound(self, function: Any) -> None: ...
