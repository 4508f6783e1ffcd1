"""The guest's own C and C++ library: musl, libc++, libc++abi and libunwind out of the compiler's package."""

from __future__ import annotations

from armexec.libraries.calls import CAUGHT, EXCEPTIONS, FINISH, FLUSH, LEAVE, START
from armexec.libraries.link import can_link, library_needed, link_program

__all__ = [
    "CAUGHT",
    "EXCEPTIONS",
    "FINISH",
    "FLUSH",
    "LEAVE",
    "START",
    "can_link",
    "library_needed",
    "link_program",
]
