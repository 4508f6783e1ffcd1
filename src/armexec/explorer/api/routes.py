"""The routes of Compiler Explorer's API."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from html import escape
from time import monotonic
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from armexec import __version__
from armexec.errors import Error, WorkerCrashed
from armexec.explorer.api import catalogue
from armexec.explorer.api.answers import compiled, listed, not_built, text_of
from armexec.explorer.api.client_state import decoded, fragment, normalized, session_source
from armexec.explorer.api.links import Links
from armexec.explorer.api.programs import Programs
from armexec.explorer.api.requests import Compilation, Rejected, from_json, from_text, json_of
from armexec.explorer.serving.processes import Builders

__all__ = ["PREFIXES", "api"]

PREFIXES = ("api", "z", "clientstate", "source")
"""The first parts of the paths of these routes."""
_BUILD, _LINK, _ASK = 30.0, 900.0, 10.0
"""Seconds for a compilation, for one that is linked, which may mean to build a library first, and for a question."""
_LARGEST = 4 << 20
"""Bytes of a body."""
_MOST = 64
"""Compilations that may be under way or wait."""


def api(builders: Builders, token: str) -> ASGIApp:
    """The application of the API. `token`: the secret part of the page's address, where links lead to."""
    routes = _Routes(builders, token)
    return Starlette(
        routes=[
            Route("/api/languages", routes.languages),
            Route("/api/compilers", routes.compilers),
            Route("/api/compilers/{language}", routes.compilers),
            Route("/api/libraries", _nothing),
            Route("/api/libraries/{language}", _nothing),
            Route("/api/tools", _nothing),
            Route("/api/tools/{language}", _nothing),
            Route("/api/formats", _nothing),
            Route("/source/builtin/list", _examples),
            Route("/source/builtin/load/{language}/{file}", _example),
            Route("/api/compiler/{compiler}/compile", routes.compile, methods=["POST"]),
            Route("/api/asm/{instruction_set}/{opcode}", routes.opcode),
            Route("/api/shortener", routes.shorten, methods=["POST"]),
            Route("/api/shortlinkinfo/{id}", routes.link_information),
            Route("/z/{id}", routes.link),
            Route("/z/{id}/code/{number:int}", routes.link_source),
            Route("/clientstate/{state:path}", routes.client_state),
            Route("/api/version", _version),
            Route("/api/releaseBuild", _version),
        ],
        exception_handlers={HTTPException: _failed, Rejected: _rejected, Error: _broken},
    )


def _json(content: Any, status: int = 200) -> Response:
    # Escapes, since a text may have surrogates that UTF-8 can't express.
    return Response(json.dumps(content, separators=(",", ":")), status, media_type="application/json")


def _plain(text: str, status: int = 200) -> Response:
    return Response(text.encode("utf-8", "replace"), status, media_type="text/plain")


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _error(request: Request, status: int, message: str) -> Response:
    if _wants_json(request):
        return _json({"error": message, "message": message}, status)
    return _plain(f"{message}\n", status)


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _error(request, error.status_code, error.detail)
    response.headers.update(error.headers or {})
    return response


async def _rejected(request: Request, error: Exception) -> Response:
    assert isinstance(error, Rejected)
    return _error(request, error.status, str(error))


async def _broken(request: Request, error: Exception) -> Response:
    return _error(request, 500, str(error))


async def _nothing(_: Request) -> Response:
    return _json([])


async def _version(_: Request) -> Response:
    return _plain(f"armexec-{__version__}")


async def _examples(_: Request) -> Response:
    return _json(catalogue.examples())


async def _example(request: Request) -> Response:
    text = catalogue.example(request.path_params["language"], request.path_params["file"])
    if text is None:
        raise Rejected("there is no such example: /source/builtin/list lists them", 404)
    return _json({"file": text})


async def _body(request: Request) -> bytes:
    """The body. Raises Rejected for one that is too large, as soon as that is known."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > _LARGEST:
            raise Rejected(f"the body has more than {_LARGEST} bytes", 413)
        parts.append(part)
    return b"".join(parts)


class _Routes:
    """The routes that need the builders or the links."""

    def __init__(self, builders: Builders, token: str) -> None:
        self._builders = builders
        self._token = token
        self._links = Links()
        self._programs = Programs(builders)
        self._waiting = 0

    async def languages(self, request: Request) -> Response:
        """The languages, as JSON or as a table."""
        return self._rows(request, "Id", catalogue.languages())

    async def compilers(self, request: Request) -> Response:
        """The compilers, or those of a language."""
        rows = await asyncio.to_thread(catalogue.compilers)
        language = request.path_params.get("language")
        return self._rows(request, "Compiler Name", [r for r in rows if language in (None, r["lang"])])

    @staticmethod
    def _rows(request: Request, title: str, rows: list[dict[str, Any]]) -> Response:
        if _wants_json(request):
            return _json(catalogue.chosen(request.query_params.get("fields"), rows))
        return _plain(listed(title, rows))

    async def compile(self, request: Request) -> Response:
        """Compile, and execute if that is asked for; or execute alone."""
        name = request.path_params["compiler"]
        kind = catalogue.compiler_of(name)
        if kind is None:
            raise Rejected(f"there is no compiler {name!r:.80}: /api/compilers lists them", 404)
        body = await _body(request)
        is_json = "json" in request.headers.get("content-type", "")
        asked = from_json(body) if is_json else from_text(body, request.query_params)
        with self._counted():
            if asked.executor:
                result = await self._programs.run(asked, kind)
            else:
                result = await self._compiled(asked, kind)
                if asked.executes and result["code"] != 0:
                    result["execResult"] = not_built(result)
                elif asked.executes:
                    result["execResult"] = await self._programs.run(asked, kind)
        return _json(result) if _wants_json(request) else _plain(text_of(result))

    async def _compiled(self, asked: Compilation, kind: catalogue.Kind) -> dict[str, Any]:
        begin = monotonic()
        timed_out = False
        try:
            seconds = _LINK if "binary" in asked.filters else _BUILD
            message, _ = await self._builders.ask(asked.builder_request("api compile", kind), seconds)
            built = message.get("ok") or {"code": -1, "stderr": [{"text": message["error"]["message"]}]}
        except WorkerCrashed as error:
            timed_out = True
            built = {"code": -1, "stderr": [{"text": str(error)}]}
        return compiled(asked, built, int((monotonic() - begin) * 1000), timed_out=timed_out)

    async def opcode(self, request: Request) -> Response:
        """What an instruction does."""
        name = request.path_params["opcode"]
        if request.path_params["instruction_set"] != "aarch64":
            raise Rejected("the instruction set is aarch64", 404)
        message, _ = await self._builders.ask({"call": "api opcode", "name": name}, _ASK)
        found = message.get("ok")
        if found is None:
            raise Rejected(f"there is no instruction {name!r:.80}", 404)
        if not _wants_json(request):
            return _plain(found["page"] + "\n")
        page = f"<pre>{escape(found['page'])}</pre>"
        return _json({"tooltip": found["tooltip"], "html": page, "url": str(request.url)})

    async def shorten(self, request: Request) -> Response:
        """Keep a client state; the link to it."""
        state = normalized(json_of(await _body(request)))
        name = await asyncio.to_thread(self._links.add, state)
        return _json({"url": f"http://{request.headers['host']}/z/{name}"})

    async def _state(self, request: Request) -> dict[str, Any]:
        name = request.path_params["id"]
        found = await asyncio.to_thread(self._links.find, name)
        if found is None:
            raise Rejected(f"there is no link {name!r:.80} here", 404)
        return found

    async def link_information(self, request: Request) -> Response:
        """The client state of a link."""
        return _json(await self._state(request))

    async def link(self, request: Request) -> Response:
        """The page with the state of a link; for clients, the state."""
        return self._opened(request, await self._state(request))

    async def link_source(self, request: Request) -> Response:
        """The source of a link's session."""
        source = session_source(await self._state(request), request.path_params["number"])
        if source is None:
            raise Rejected("the link has no such session", 404)
        return _plain(source)

    async def client_state(self, request: Request) -> Response:
        """The page with the state that the address has; for clients, the state."""
        return self._opened(request, decoded(request.path_params["state"]))

    def _opened(self, request: Request, state: dict[str, Any]) -> Response:
        if _wants_json(request):
            return _json(state)
        return RedirectResponse(f"/{self._token}/#{fragment(state)}", 302)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        """Count a compilation while it is under way. Raises Rejected where there are too many."""
        if self._waiting >= _MOST:
            raise Rejected("too many compilations are under way: try again later", 503)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
