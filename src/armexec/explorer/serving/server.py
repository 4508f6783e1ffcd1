"""The server of the page: static files and a WebSocket, on this machine only."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from armexec.errors import Error, HostError
from armexec.explorer.serving.guard import Guard
from armexec.explorer.serving.page import Page
from armexec.explorer.serving.processes import Builders

__all__ = ["application", "listen", "serve"]

_STATIC = Path(__file__).resolve().parent.parent / "static"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_MOST_PAGES = 16
_LONGEST = 4 << 20
"""Bytes of a message from a page."""


def application(token: str, port: int, hello: dict[str, Any], *, with_api: bool = False) -> ASGIApp:
    """The application, for a server that listens on `port`. `hello`: what a page is told first; `with_api`: whether
    there is Compiler Explorer's API, too."""
    builders = Builders()
    pages: set[Page] = set()

    async def static(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        path = _STATIC / name
        if "/" in name or "\\" in name or path.suffix not in _TYPES or not path.is_file():
            return PlainTextResponse("There is no such file.\n", 404)
        return FileResponse(path, media_type=_TYPES[path.suffix])

    async def converse(websocket: WebSocket) -> None:
        await websocket.accept()
        if len(pages) >= _MOST_PAGES:
            await websocket.close(1013, f"There are {_MOST_PAGES} pages open already: close some.")
            return
        sending = asyncio.Lock()

        async def send(text: str) -> None:
            async with sending:
                with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                    await websocket.send_text(text)

        page = Page(builders, hello, send)
        pages.add(page)
        try:
            while True:
                page.receive(await websocket.receive_text())
        except WebSocketDisconnect:
            pass
        except (ValueError, KeyError, RecursionError) as error:
            with contextlib.suppress(RuntimeError):
                await websocket.close(1003, str(error)[:100])
        finally:
            pages.discard(page)
            await asyncio.to_thread(page.close)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # The first request finds them ready.
        warm = asyncio.ensure_future(builders.ask({"call": "mnemonics"}, 60.0))
        try:
            yield
        finally:
            await asyncio.to_thread(builders.close)
            with contextlib.suppress(Error):
                await warm

    routes = [
        Route("/", static),
        Route("/static/{name}", static),
        WebSocketRoute("/ws", converse),
    ]
    page = Starlette(routes=routes, lifespan=lifespan)
    if not with_api:
        return Guard(page, token, port)
    from armexec.explorer.api.routes import PREFIXES, api

    return Guard(page, token, port, (api(builders, token), PREFIXES))


def listen(port: int) -> socket.socket:
    """A socket on this machine's own address; port 0 is a free one. Raises HostError."""
    try:
        return socket.create_server(("127.0.0.1", port), backlog=64)
    except (OSError, OverflowError) as error:
        raise HostError(f"port {port} can't be had: {getattr(error, 'strerror', None) or error}") from None


def serve(
    connection: socket.socket, hello: dict[str, Any], ready: Callable[[str], object], *, with_api: bool = False
) -> None:
    """Serve pages until Ctrl-C, and the API if that is asked for. `ready` is called with the page's URL when it can be
    opened."""
    port = connection.getsockname()[1]
    token = secrets.token_urlsafe(24)
    app = application(token, port, hello, with_api=with_api)
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=_LONGEST,
        server_header=False,
        timeout_graceful_shutdown=1,
        lifespan="on",
    )
    server = uvicorn.Server(config)

    async def main() -> None:
        serving = asyncio.ensure_future(server.serve(sockets=[connection]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        if server.started:
            ready(f"http://127.0.0.1:{port}/{token}/")
        await serving

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
