"""A compilation as clients ask for it: as JSON, or as a source with a query."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from armexec.explorer.api.catalogue import Kind

__all__ = ["Compilation", "Rejected", "from_json", "from_text", "json_of", "level_and_flags", "words_of"]

_DEFAULTS = frozenset(("commentOnly", "demangle", "directives", "intel", "labels"))
"""The filters that are on where a client doesn't say."""
_LEVELS = ("-O", "-O0", "-O1", "-O2", "-O3", "-Og", "-Os", "-Oz", "-Ofast")
_MOST_SOURCE = 2_000_000
"""Characters of a source."""


class Rejected(Exception):
    """A request that isn't one; `status`: that of the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Compilation:
    """A source, and what is to be done with it."""

    source: str
    options: str = ""
    filters: frozenset[str] = _DEFAULTS
    arguments: list[str] = field(default_factory=list)
    input: str = ""
    executor: bool = False
    skip_assembly: bool = False
    files: list[dict[str, str]] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    libraries: list[str] = field(default_factory=list)

    @property
    def executes(self) -> bool:
        """Whether the program is to be run."""
        return self.executor or "execute" in self.filters

    def builder_request(self, call: str, kind: Kind) -> dict[str, Any]:
        """What a builder is asked."""
        level, flags = level_and_flags(self.options)
        return {
            "call": call,
            "text": self.source,
            "kind": kind.kind,
            "target": kind.target,
            "opt": level,
            "flags": flags,
            "files": self.files,
            "filters": sorted(self.filters),
            "skipAsm": self.skip_assembly,
        }


def json_of(body: bytes) -> Any:
    """A body as JSON. Raises Rejected."""
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"the body isn't JSON: {str(error) or type(error).__name__}") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def from_json(body: bytes) -> Compilation:
    """A compilation of a JSON body. Raises Rejected."""
    whole = _mapping(json_of(body), "the body")
    for name in ("source", "options"):
        if name not in whole:
            raise Rejected(f"Missing {name} property")
    options = _mapping(whole["options"], "options")
    backend = _mapping(options.get("compilerOptions"), "compilerOptions")
    execution = _mapping(options.get("executeParameters"), "executeParameters")
    given = _mapping(options.get("filters"), "filters")
    on = {name for name, value in given.items() if value is True}
    off = {name for name, value in given.items() if value is not True}
    return Compilation(
        source=_source(whole["source"]),
        options=_text(options.get("userArguments"), "userArguments"),
        filters=frozenset((_DEFAULTS | on) - off),
        arguments=words_of(execution.get("args"), "args"),
        input=_text(execution.get("stdin"), "stdin"),
        executor=backend.get("executorRequest") is True,
        skip_assembly=backend.get("skipAsm") is True,
        files=[
            {name: _text(file.get(name), name) for name in ("filename", "contents")}
            for file in _mappings(whole.get("files"), "files")
        ],
        tools=[str(tool.get("id"))[:80] for tool in _mappings(options.get("tools"), "tools")],
        libraries=[str(library.get("id"))[:80] for library in _mappings(options.get("libraries"), "libraries")],
    )


def from_text(body: bytes, query: Mapping[str, str]) -> Compilation:
    """A compilation of a source, with its options in the query. Raises Rejected."""
    try:
        source = body.decode()
    except UnicodeDecodeError as error:
        raise Rejected(f"the source isn't UTF-8 text (byte {error.start})") from None
    filters = set(_DEFAULTS)
    if query.get("filters"):
        filters = _names(query["filters"])
    filters |= _names(query.get("addFilters", ""))
    filters -= _names(query.get("removeFilters", ""))
    return Compilation(
        source=_source(source),
        options=query.get("options", ""),
        filters=frozenset(filters),
        skip_assembly=query.get("skipAsm") == "true",
    )


def level_and_flags(options: str) -> tuple[str, str]:
    """The optimization level among a compiler's options, `-O0` without one, and the others."""
    try:
        words = shlex.split(options)
    except ValueError:
        return "-O0", options  # the compiler's part says what is wrong
    levels = [word for word in words if word in _LEVELS]
    return (levels[-1] if levels else "-O0"), shlex.join(word for word in words if word not in _LEVELS)


def words_of(value: object, what: str) -> list[str]:
    """A program's arguments: a list of texts, or a text as a shell splits it. Raises Rejected."""
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return list(value)
    try:
        return shlex.split(_text(value, what))
    except ValueError as error:
        raise Rejected(f"{what} can't be read: {error}") from None


def _names(text: str) -> set[str]:
    return {name for name in text.split(",") if name}


def _source(value: object) -> str:
    text = _text(value, "source")
    if len(text) > _MOST_SOURCE:
        raise Rejected(f"the source has {len(text)} characters; {_MOST_SOURCE} can be compiled at most", 413)
    return text


def _text(value: object, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Rejected(f"{what} is text, not {type(value).__name__}")
    return value


def _mapping(value: object, what: str) -> dict[str, Any]:
    if value is None:
        return {}
    # Lua's empty tables are lists.
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise Rejected(f"{what} is an object, not {type(value).__name__}")
    return value


def _mappings(value: object, what: str) -> list[dict[str, Any]]:
    if value is None or value == {}:
        return []
    if not isinstance(value, list):
        raise Rejected(f"{what} is a list, not {type(value).__name__}")
    return [_mapping(item, f"each of {what}") for item in value]
