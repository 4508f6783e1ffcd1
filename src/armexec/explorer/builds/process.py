"""The main loop of a builder process."""

from __future__ import annotations

import contextlib
import gc
import socket
from typing import Any

from armexec.explorer.api.building import CALLS, answer
from armexec.explorer.builds.build import Request, build, link, listing
from armexec.explorer.builds.explain import explain, mnemonic_names, page_of
from armexec.explorer.messages import ANSWER, READY, failure, pack, unpack
from armexec.isolation.channel import Channel, ChannelClosed

__all__ = ["serve"]

_LONGEST = 1 << 28


def serve(descriptor: int) -> None:
    """Answer requests from a socket, one after the other, until it is closed."""
    channel = Channel(socket.socket(fileno=descriptor), None)
    with contextlib.suppress(ChannelClosed):
        channel.send(READY, pack({}))
        _warm()
        while True:
            _, data = channel.receive(_LONGEST)
            request, _ = unpack(data)
            try:
                answer, made = _answer(request)
                packed = pack({"ok": answer}, made)
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


def _answer(request: dict[str, Any]) -> tuple[Any, bytes]:
    call = request.get("call")
    if call in CALLS:
        return answer(request)
    if call == "build":
        return build(Request.of(request)), b""
    if call == "link":
        return link(Request.of(request))
    if call == "listing":
        return {"text": listing(Request.of(request))}, b""
    if call == "explain":
        return explain(_number(request, "word"), _number(request, "address")), b""
    if call == "page":
        return {"text": page_of(_number(request, "word"))}, b""
    if call == "mnemonics":
        return {"names": mnemonic_names()}, b""
    raise ValueError(f"no request {call!r:.40}")


def _number(request: dict[str, Any], name: str) -> int:
    value = request.get(name, 0)
    if not isinstance(value, int) or not 0 <= value < 1 << 64:
        raise ValueError(f"{name} is a number")
    return value
