"""What has to live as long as a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from armexec.objects import CType

__all__ = ["Owners"]


class Owners(list[Any]):
    """The objects whose addresses are passed in a call.

    `address_of_function` gives the address of a callable that is passed for a function pointer of a type, and raises
    SignatureError.
    """

    __slots__ = ("address_of_function",)

    def __init__(self, address_of_function: Callable[[CType, Callable[..., Any]], int]) -> None:
        super().__init__()
        self.address_of_function = address_of_function
