"""The stack that a program finds at its entry.

Source: System V ABI for the Arm 64-bit Architecture (SYSVABI64), "Process initialization"; getauxval(3).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from armexec.errors import LoadError
from armexec.objects import Image

__all__ = ["Stack", "initial_stack"]

_AT_NULL, _AT_PHDR, _AT_PHENT, _AT_PHNUM, _AT_PAGESZ, _AT_BASE, _AT_ENTRY = 0, 3, 4, 5, 6, 7, 9
_AT_UID, _AT_EUID, _AT_GID, _AT_EGID, _AT_HWCAP, _AT_SECURE, _AT_RANDOM, _AT_EXECFN = 11, 12, 13, 14, 16, 23, 25, 31
_PROGRAM_HEADER = 56
_HWCAP_FP, _HWCAP_ASIMD = 1, 2
_RANDOM = 16
_ID = 1000


class Stack(NamedTuple):
    """The content of the memory from SP up to the top of the stack."""

    sp: int
    data: bytes


def initial_stack(
    image: Image,
    base: int,
    top: int,
    arguments: Sequence[str | bytes],
    environment: Mapping[str, str] | None = None,
    *,
    random: bytes = bytes(_RANDOM),
    page: int = 0x1000,
    headers: tuple[int, int] | None = None,
) -> Stack:
    """The stack of a program whose image is at address `base`.

    Args:
        top: the address where the stack ends.
        arguments: the program's name and what follows it.
        environment: variables by name.
        random: 16 bytes, from which the C library makes its secrets.
        page: the size of a page.
        headers: the address and the number of the program headers, by default the image's own, if it has them.

    Raises:
        LoadError: a text holds a null character.
    """
    if len(random) != _RANDOM:
        raise LoadError(f"the random bytes are {_RANDOM}, not {len(random)}")
    strings = bytearray()

    def add(text: str | bytes) -> int:
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else bytes(text)
        if b"\0" in data:
            raise LoadError(f"{image.name}: an argument or a variable of the environment has a null character")
        strings.extend(data + b"\0")
        return len(strings) - len(data) - 1

    given = list(arguments) or [image.name]
    texts = [add(text) for text in given]
    variables = [add(f"{name}={value}") for name, value in (environment or {}).items()]
    secrets = len(strings)
    strings += random
    start = (top - len(strings)) & -16
    entry = next((s.offset for s in image.symbols if s.name == "_start" and s.offset is not None), 0)
    auxiliary = []
    if headers is None and image.program_headers is not None:
        headers = base + image.program_headers[0], image.program_headers[1]
    if headers is not None:
        auxiliary += [(_AT_PHDR, headers[0]), (_AT_PHENT, _PROGRAM_HEADER), (_AT_PHNUM, headers[1])]
    auxiliary += [
        (_AT_PAGESZ, page),
        (_AT_BASE, 0),
        (_AT_ENTRY, base + entry),
        *((id, _ID) for id in (_AT_UID, _AT_EUID, _AT_GID, _AT_EGID)),
        (_AT_HWCAP, _HWCAP_FP | _HWCAP_ASIMD),
        (_AT_SECURE, 0),
        (_AT_RANDOM, start + secrets),
        (_AT_EXECFN, start + texts[0]),
        (_AT_NULL, 0),
    ]
    words = [len(texts), *(start + at for at in texts), 0, *(start + at for at in variables), 0]
    words += [word for pair in auxiliary for word in pair]
    sp = (start - 8 * len(words)) & -16
    data = struct.pack(f"<{len(words)}Q", *words)
    return Stack(sp, data + bytes(start - sp - len(data)) + bytes(strings) + bytes(top - start - len(strings)))
