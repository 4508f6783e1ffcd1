"""What has an address that guest code can call."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from armexec.memory import Sandbox

__all__ = ["GuestCode"]


class GuestCode:
    """A function of the guest, or a function of Python that has an address for the guest."""

    __slots__ = ()

    @property
    @abstractmethod
    def engine(self) -> str:
        """The engine that runs code at the address."""

    @property
    @abstractmethod
    def sandbox(self) -> Sandbox | None:
        """The sandbox whose code may call it; None: code that is in none."""

    @property
    @abstractmethod
    def address(self) -> int:
        """The address that function pointers have."""
