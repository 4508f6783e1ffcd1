"""Client states: the sources, compilers and executors of a page of Compiler Explorer, as its links hold them."""

from __future__ import annotations

import base64
import binascii
import json
import os
import shlex
import zlib
from collections.abc import Iterator
from typing import Any

from armexec.explorer.api.catalogue import Kind, compiler_of, kind_of_language
from armexec.explorer.api.requests import Rejected, json_of, level_and_flags, words_of

__all__ = ["decoded", "fragment", "normalized", "session_source"]

_FILTERS = {
    "binary": False,
    "binaryObject": False,
    "commentOnly": True,
    "demangle": True,
    "directives": True,
    "execute": False,
    "intel": True,
    "labels": True,
    "libraryCode": False,
    "trim": False,
    "debugCalls": False,
}
_MOST = 4 << 20
"""Bytes of a state."""
_MOST_SESSIONS = 64
_NAMES = {"c": "source.c", "c++": "source.cpp", "assembly": "source.s", "hex": "words.hex"}


def decoded(text: str) -> dict[str, Any]:
    """The state of base64, in either alphabet, of JSON that may be deflated. Raises Rejected."""
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        data = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Rejected("the state isn't base64") from None
    if data[:1] not in (b"{", b""):
        for bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
            inflater = zlib.decompressobj(bits)
            try:
                found = inflater.decompress(data, _MOST)
            except zlib.error:
                continue
            if inflater.eof:
                data = found
                break
    return normalized(json_of(data))


def normalized(state: Any) -> dict[str, Any]:
    """A state with all its fields: of sessions, or of the layout of a page. Raises Rejected."""
    if isinstance(state, dict) and isinstance(state.get("config"), dict):
        state = state["config"]
    if not isinstance(state, dict):
        raise Rejected("a client state is an object with sessions")
    if isinstance(state.get("content"), list):
        sessions = _sessions_of_layout(state["content"])
    elif isinstance(state.get("sessions"), list):
        sessions = [_object(session, "each session") for session in state["sessions"]]
    else:
        raise Rejected("a client state has sessions, or the content of a layout")
    if not 0 < len(sessions) <= _MOST_SESSIONS:
        raise Rejected(f"a client state has between 1 and {_MOST_SESSIONS} sessions, not {len(sessions)}")
    return {"sessions": [_session(session, number) for number, session in enumerate(sessions, 1)], "trees": []}


def _sessions_of_layout(content: list[Any]) -> list[dict[str, Any]]:
    """The editors of a layout, each with its compilers and executors."""
    sessions: dict[Any, dict[str, Any]] = {}
    for name, state in _components(content):
        editor = state.get("id") if name == "codeEditor" else state.get("source")
        if not isinstance(editor, int | str) or not editor:
            continue
        session = sessions.setdefault(editor, {"id": editor, "compilers": [], "executors": []})
        compiler: dict[str, Any] = {key: state[key] for key in ("options", "filters", "libs") if key in state}
        compiler["id"] = state.get("compiler")
        if name == "codeEditor":
            session |= {"language": state.get("lang"), "source": state.get("source"), "filename": state.get("filename")}
        elif name == "compiler":
            session["compilers"].append(compiler)
        elif name == "executor":
            session["executors"].append(
                {"compiler": compiler, "arguments": state.get("execArgs"), "stdin": state.get("execStdin")}
            )
    return [session for session in sessions.values() if "source" in session]


def _components(content: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The components of a layout, by their names, with their states."""
    waiting = list(reversed(content))
    while waiting:
        part = waiting.pop()
        if not isinstance(part, dict):
            continue
        name, state, inner = part.get("componentName"), part.get("componentState"), part.get("content")
        if isinstance(name, str) and isinstance(state, dict):
            yield name, state
        elif isinstance(inner, list):
            waiting += reversed(inner)


def _session(session: dict[str, Any], number: int) -> dict[str, Any]:
    identity = session.get("id")
    found: dict[str, Any] = {
        "id": identity if isinstance(identity, int) and not isinstance(identity, bool) else number,
        "language": _text(session.get("language")),
        "source": _text(session.get("source")),
        "conformanceview": False,
        "compilers": [
            {"_internalid": index, **_compiler(compiler)}
            for index, compiler in enumerate(_objects(session.get("compilers"), "compilers"), 1)
        ],
        "executors": [_executor(executor) for executor in _objects(session.get("executors"), "executors")],
    }
    if not found["language"]:  # cexpl sends none where the compiler tells it
        kind = next((kind for compiler in found["compilers"] if (kind := compiler_of(compiler["id"]))), None)
        found["language"] = kind.language if kind else ""
    if isinstance(session.get("filename"), str):
        found["filename"] = session["filename"]
    return found


def _compiler(compiler: dict[str, Any]) -> dict[str, Any]:
    filters = compiler.get("filters")
    given = filters if isinstance(filters, dict) else {}
    return {
        "id": _text(compiler.get("id", compiler.get("compilerId"))),
        "options": _text(compiler.get("options")),
        "filters": {name: given[name] is True if name in given else value for name, value in _FILTERS.items()},
        "libs": _list(compiler.get("libs")),
        "specialoutputs": _list(compiler.get("specialoutputs")),
        "tools": _list(compiler.get("tools")),
    }


def _executor(executor: dict[str, Any]) -> dict[str, Any]:
    arguments = executor.get("arguments")
    return {
        "arguments": arguments if isinstance(arguments, list) else _text(arguments),
        "argumentsVisible": executor.get("argumentsVisible") is True,
        "stdin": _text(executor.get("stdin")),
        "stdinVisible": executor.get("stdinVisible") is True,
        "compilerVisible": executor.get("compilerVisible") is True,
        "compilerOutputVisible": executor.get("compilerOutputVisible") is True,
        "compiler": _compiler(_object(executor.get("compiler") or {}, "an executor's compiler")),
    }


def session_source(state: dict[str, Any], number: int) -> str | None:
    """The source of the session of a number."""
    return next((session["source"] for session in state["sessions"] if session["id"] == number), None)


def fragment(state: dict[str, Any]) -> str:
    """What follows the # in an address of the explorer's page: its first session, with up to two compilers to compare.

    Raises Rejected for a language that the page doesn't show.
    """
    session = state["sessions"][0]
    known = [(kind, compiler) for compiler in session["compilers"] if (kind := compiler_of(compiler["id"]))]
    first = known[0][0] if known else kind_of_language(session["language"])
    if first is None:
        raise Rejected(f"the page shows C, C++, assembly and words, not {session['language'] or 'this language'!r}")
    shown: dict[str, Any] = {
        "k": first.kind,
        "n": os.path.basename(session.get("filename", "")) or _NAMES[first.kind],
        "s": session["source"],
        "o": [_setting(kind, compiler["options"]) for kind, compiler in known[:2]] or [_setting(first, "")],
    }
    if len(known) > 1:
        shown["c"] = True
    if session["executors"]:
        executor = session["executors"][0]
        shown["a"] = shlex.join(words_of(executor["arguments"], "arguments"))
        shown["i"] = executor["stdin"]
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = deflater.compress(json.dumps(shown, separators=(",", ":")).encode()) + deflater.flush()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _setting(kind: Kind, options: str) -> dict[str, str]:
    level, flags = level_and_flags(options)
    return {"opt": level, "target": kind.target, "flags": flags}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Rejected(f"{what} is an object, not {type(value).__name__}")
    return value


def _objects(value: object, what: str) -> list[dict[str, Any]]:
    return [_object(item, f"each of {what}") for item in _list(value)]
