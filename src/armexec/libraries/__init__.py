"""The guest's own C and C++ library: musl, libc++, libc++abi and libunwind out of the compiler's package."""

from __future__ import annotations

from armexec.libraries.link import FINISH, FLUSH, START, can_link, library_needed, link_program

__all__ = ["FINISH", "FLUSH", "START", "can_link", "library_needed", "link_program"]
