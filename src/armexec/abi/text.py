"""Results that are text: a pointer to characters as a str or as bytes."""

from __future__ import annotations

from collections.abc import Callable

from armexec.errors import MemoryFault
from armexec.memory import AccessError, SandboxMemory, string_at

__all__ = ["text_result"]


def text_result(
    kind: type[str] | type[bytes], name: str, pc: int, memory: SandboxMemory | None = None
) -> Callable[[int], str | bytes | None]:
    """A function from an address to the text there, and from null to None; in this process's memory or a sandbox's.

    It raises MemoryFault where the text can't be read; `name` and `pc` are those of the function that returned it.
    """

    def text_at(address: int) -> str | bytes | None:
        if not address:
            return None
        try:
            data = string_at(address, memory)
        except AccessError as error:
            raise MemoryFault(
                f"{name} returned 0x{address:x}, which doesn't lead to text: 0x{error.address:x} can't be read,",
                pc=pc,
                symbol=name,
                address=error.address,
                access="read",
            ) from None
        return data if kind is bytes else data.decode("utf-8", "backslashreplace")

    return text_at
