"""The languages, the compilers and the examples that clients are offered."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from armexec.errors import CompileError
from armexec.explorer.examples import EXAMPLES
from armexec.toolchain import find_compiler, resolve_target

__all__ = ["Kind", "chosen", "compiler_of", "compilers", "example", "examples", "kind_of_language", "languages"]

_DEFAULT_FIELDS = ("id", "name", "lang", "compilerType", "semver", "extensions", "monaco", "instructionSet")
"""The fields of a language or a compiler that a client gets which asks for none."""
_TARGETS = ("linux", "apple", "bare")
_SYSTEMS = {"linux": "Linux", "apple": "macOS", "bare": "no system"}


@dataclass(frozen=True)
class _Language:
    """A kind of sources. `prefix`: of the ids of its compilers."""

    id: str
    name: str
    kind: str
    prefix: str
    extensions: tuple[str, ...]
    monaco: str


@dataclass(frozen=True)
class Kind:
    """What a compiler's id stands for: a kind of sources, and a target."""

    language: str
    kind: str
    target: str

    @property
    def is_compiled(self) -> bool:
        """Whether it is a compiler, and no assembler."""
        return self.kind in ("c", "c++")


_LANGUAGES = (
    _Language("c", "C", "c", "c", (".c", ".h"), "nc"),
    _Language("c++", "C++", "c++", "cxx", (".cpp", ".cc", ".cxx", ".hpp"), "cppp"),
    _Language("assembly", "Assembly", "assembly", "asm", (".s", ".asm"), "asm"),
    _Language("words", "Machine words", "hex", "words", (".hex",), "asm"),
)


def _kinds() -> dict[str, Kind]:
    found = {
        f"{language.prefix}-{target}": Kind(language.id, language.kind, target)
        for language in _LANGUAGES
        if language.kind != "hex"
        for target in _TARGETS
    }
    return found | {"words": Kind("words", "hex", "linux")}


_KINDS = _kinds()


def compiler_of(compiler: object) -> Kind | None:
    """What the id of a compiler stands for."""
    return _KINDS.get(compiler) if isinstance(compiler, str) else None


def kind_of_language(language: object) -> Kind | None:
    """What the id of a language stands for, with the target of its default compiler."""
    return next((kind for kind in _KINDS.values() if kind.language == language), None)


def languages() -> list[dict[str, Any]]:
    """The languages with all their fields."""
    return [
        {
            "id": language.id,
            "name": language.name,
            "extensions": list(language.extensions),
            "monaco": language.monaco,
            "alias": [],
            "example": next((e["text"] for e in EXAMPLES if e["kind"] == language.kind), ""),
            "defaultCompiler": next(name for name, kind in _KINDS.items() if kind.language == language.id),
            "supportsExecute": language.kind != "hex",
        }
        for language in _LANGUAGES
    ]


def compilers() -> list[dict[str, Any]]:
    """The compilers with all their fields: each is the compiler or the assembler for one target."""
    made_by = version = ""
    with contextlib.suppress(CompileError):
        compiler = find_compiler()
        made_by, version = str(compiler.kind), compiler.version
    return [_compiler(name, kind, made_by, version) for name, kind in _KINDS.items() if made_by or not kind.is_compiled]


def _compiler(name: str, kind: Kind, made_by: str, version: str) -> dict[str, Any]:
    from armexec import __version__

    compiled = kind.is_compiled
    tool = f"{made_by} {version}" if compiled else "armexec's assembler" if kind.kind == "assembly" else "Machine words"
    system = "" if kind.kind == "hex" else f" for {_SYSTEMS[kind.target]}"
    group = "Compilers" if compiled else "Assemblers"
    return {
        "id": name,
        "name": f"{tool}{system} (AArch64)",
        "lang": kind.language,
        "compilerType": made_by if compiled else "armexec",
        "semver": version if compiled else __version__,
        "version": f"{tool}, {resolve_target(kind.target).triple}",
        "fullVersion": f"{tool}, {resolve_target(kind.target).triple}",
        "alias": [],
        "group": group.lower(),
        "groupName": group,
        "instructionSet": "aarch64",
        "supportsExecute": kind.kind != "hex",
        "supportsBinary": compiled,
        "supportsBinaryObject": compiled,
        "supportsLibraryCodeFilter": compiled,
        "supportsDemangle": True,
        "supportsIntel": False,
        "supportsOptOutput": False,
        # Assembly and words are always shown with their addresses and bytes.
        "disabledFilters": [] if compiled else ["commentOnly", "directives", "labels"],
        "tools": {},
        "libsArr": [],
        "possibleOverrides": [],
        "possibleRuntimeTools": [],
    }


def examples() -> list[dict[str, Any]]:
    """The examples: language, name, and the name by which `example` gives the text."""
    return [{"file": _file(one), "lang": _language(one), "name": one["title"]} for one in EXAMPLES]


def example(language: str, file: str) -> str | None:
    """The text of an example."""
    found = (str(one["text"]) for one in EXAMPLES if (_language(one), _file(one)) == (language, file))
    return next(found, None)


def _file(one: dict[str, Any]) -> str:
    return os.path.splitext(str(one["name"]))[0]


def _language(one: dict[str, Any]) -> str:
    return next(language.id for language in _LANGUAGES if language.kind == one["kind"])


def chosen(fields: str | None, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the fields that a client asks for, as `a,b` or `all`."""
    if fields == "all":
        return list(rows)
    wanted = fields.split(",") if fields else _DEFAULT_FIELDS
    return [{name: row[name] for name in wanted if name in row} for row in rows]
