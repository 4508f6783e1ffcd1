"""The main loop of a builder process."""

from __future__ import annotations

import contextlib
import gc
import socket
from collections.abc import Callable
from typing import Any, TypeAlias

from armexec.explorer.api import building
from armexec.explorer.builds.build import Request, build, link, listing
from armexec.explorer.builds.confinement import confine
from armexec.explorer.builds.explain import explain, mnemonic_names, page_of
from armexec.explorer.messages import ANSWER, READY, failure, pack, unpack
from armexec.isolation.channel import Channel, ChannelClosed

__all__ = ["Answers", "answer", "number_of", "serve", "serve_by"]

_LONGEST = 1 << 28
Answers: TypeAlias = Callable[[dict[str, Any]], tuple[Any, bytes]]
"""What answers a request: by a value of JSON, and bytes."""


def serve(descriptor: int) -> None:
    """Confine this process, and answer the requests of pages from a socket, until it is closed."""
    confine()
    serve_by(descriptor, answer)


def serve_by(descriptor: int, answers: Answers) -> None:
    """Answer requests from a socket by a function, one after the other, until it is closed."""
    channel = Channel(socket.socket(fileno=descriptor), None)
    with contextlib.suppress(ChannelClosed):
        channel.send(READY, pack({}))
        _warm()
        while True:
            _, data = channel.receive(_LONGEST)
            request, _ = unpack(data)
            try:
                found, made = answers(request)
                packed = pack({"ok": found}, made)
            except Exception as error:
                packed = pack({"error": failure(error)})
            channel.send(ANSWER, packed)


def _warm() -> None:
    """Import what the first request needs. What was imported isn't garbage."""
    with contextlib.suppress(Exception):
        build(Request("ret\n", "assembly"))
        explain(0xD65F03C0)
    gc.collect()
    gc.freeze()


def answer(request: dict[str, Any]) -> tuple[Any, bytes]:
    """The answer to a request of a page or of the API. Raises Error, and ValueError for what is no request."""
    call = request.get("call")
    if call in building.CALLS:
        return building.answer(request)
    if call == "build":
        return build(Request.of(request)), b""
    if call == "link":
        return link(Request.of(request))
    if call == "listing":
        return {"text": listing(Request.of(request))}, b""
    if call == "explain":
        return explain(number_of(request, "word"), number_of(request, "address")), b""
    if call == "page":
        return {"text": page_of(number_of(request, "word"))}, b""
    if call == "mnemonics":
        return {"names": mnemonic_names()}, b""
    raise ValueError(f"no request {call!r:.40}")


def number_of(request: dict[str, Any], name: str) -> int:
    """A number of 64 bits that a request has, 0 without. Raises ValueError for anything else."""
    value = request.get(name, 0)
    if not isinstance(value, int) or not 0 <= value < 1 << 64:
        raise ValueError(f"{name} is a number")
    return value
