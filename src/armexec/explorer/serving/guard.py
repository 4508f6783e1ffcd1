"""Who may ask the server: only its own page, in a browser on this machine.

A page of the web can have the browser send requests to 127.0.0.1, also under a name of its own (DNS rebinding). So
everything needs the random token of the URL, the Host must be this machine's, and an Origin, if there is one, the
page's own. No answer allows others to read it (no CORS header).
"""

from __future__ import annotations

import hmac
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from armexec.explorer.serving.peer import is_another_users

__all__ = ["Guard"]

_HEADERS = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Guard:
    """Lets requests through to `app` whose path begins with the token, which it takes off.

    `api`: an application for programs on this machine, and the first parts of its paths, which need no token. A browser
    tells in its requests that another page has made them, by Origin or by Sec-Fetch-Site; these are refused. So are
    those of other users, where the system tells whose they are.
    """

    def __init__(self, app: ASGIApp, token: str, port: int, api: tuple[ASGIApp, Collection[str]] | None = None) -> None:
        self._app = app
        self._api = api[0] if api is not None else None
        self._open = api[1] if api is not None else ()
        self._token = token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
            f" connect-src 'self' ws://127.0.0.1:{port} ws://localhost:{port}; base-uri 'none'; form-action 'none';"
            " frame-ancestors 'none'"
        )
        self._headers = [(n.encode(), v.encode()) for n, v in (_HEADERS | {"content-security-policy": policy}).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        why = self._refusal(scope)
        if why is None and self._api is not None and self._is_open(scope):
            await self._api(scope, receive, guarded)
        elif why is None:
            path = scope["path"].removeprefix(f"/{self._token}")
            await self._app({**scope, "path": path, "raw_path": path.encode()}, receive, guarded)
        elif scope["type"] == "websocket":
            # Before it is accepted: the browser sees the status 403.
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": why[1]})
        else:
            await PlainTextResponse(f"{why[1]}\n", why[0])(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """The status and the reason why a request isn't answered; None if it is."""
        headers = Headers(scope=scope)
        if headers.getlist("host") not in [[host] for host in self._hosts]:
            return 421, "This server answers to 127.0.0.1 only."
        origins = headers.getlist("origin")
        if self._is_open(scope) and (origins or headers.get("sec-fetch-site", "none") != "none"):
            return 403, "This request comes from a page: the API is for programs."
        own = [f"http://{headers['host']}"]
        if (scope["type"] == "websocket" or origins) and origins != own:
            return 403, "This request comes from another page."
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return 403, "This request comes from another page."
        if self._is_open(scope):
            if scope.get("client") and scope.get("server") and is_another_users(scope["client"], scope["server"]):
                return 403, "This request comes from another user of this machine."
            return None
        token = _first_part(scope)
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode()):
            return 404, "Open the address that armexec explore has printed: it has a secret part."
        return None

    def _is_open(self, scope: Scope) -> bool:
        return scope["type"] == "http" and _first_part(scope) in self._open


def _first_part(scope: Scope) -> str:
    path: str = scope["path"]
    return path.split("/")[1] if path.startswith("/") else ""
