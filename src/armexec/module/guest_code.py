"""What has an address that guest code can call."""

from __future__ import annotations

from abc import abstractmethod

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
    def address(self) -> int:
        """The address that function pointers have."""
