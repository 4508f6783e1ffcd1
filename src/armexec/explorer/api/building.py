"""What builders do for the API: compile a source to lines of assembly, link a program, look an instruction up."""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from armexec.errors import AssemblyError, CompileError, Error, LoadError
from armexec.explorer.api.assembly import filtered
from armexec.explorer.api.disassembly import disassembled
from armexec.explorer.api.lines import Listing
from armexec.explorer.builds.build import Request, link, linked_image
from armexec.toolchain.diagnostics import parse_diagnostics

__all__ = ["CALLS", "FILE", "answer"]

CALLS = ("api compile", "api link", "api opcode")
FILE = "<source>"
"""The name of the source in messages."""
_SEVERITIES = {"error": 3, "fatal error": 3, "warning": 2}
_MOST_FILES = 64
_MOST_MESSAGES = 2000
"""Lines of the compiler's messages."""


def answer(request: dict[str, Any]) -> tuple[Any, bytes]:
    """The answer to one of `CALLS`, and the bytes of what was linked."""
    call = request["call"]
    if call == "api opcode":
        return _opcode(str(request["name"])), b""
    try:
        with _files(request.get("files", ())) as folder:
            try:
                return _compile(request, folder) if call == "api compile" else _link(request, folder)
            except Error as error:
                return {"code": 1, "stderr": _messages(error, folder)}, b""
    except LoadError as error:
        return {"code": 1, "stderr": _messages(error, "")}, b""


def _request(request: dict[str, Any], folder: str) -> Request:
    """The source with the folder of its other files."""
    asked = Request.of({**request, "name": FILE})
    if not folder:
        return asked
    flags = f"-iquote {shlex.quote(folder)} {asked.flags}"
    return Request(asked.text, asked.kind, asked.opt, asked.target, flags, asked.name)


@contextlib.contextmanager
def _files(given: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A folder with the files that a request brings along; "" where there are none.

    Raises:
        LoadError: a name leads elsewhere, or a file can't be written.
    """
    if not given:
        yield ""
        return
    if len(given) > _MOST_FILES:
        raise LoadError(f"there are {len(given)} files; {_MOST_FILES} can be given at most")
    with tempfile.TemporaryDirectory(prefix="armexec-") as folder:
        for file in given:
            name = file["filename"]
            path = os.path.normpath(os.path.join(folder, name))
            if "\0" in name or os.path.isabs(name) or not path.startswith(folder + os.sep):
                raise LoadError(f"{name!r:.80}: the name of a file is relative, and leads to no folder above")
            try:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8", errors="surrogatepass") as opened:
                    opened.write(file["contents"])
            except (OSError, UnicodeError) as error:
                raise LoadError(f"{name!r:.80} can't be written: {getattr(error, 'strerror', error)}") from None
        yield folder


def _compile(request: dict[str, Any], folder: str) -> tuple[Any, bytes]:
    """Lines of assembly, or of binary code, and the compiler's messages."""
    filters = frozenset(request["filters"])
    asked = _request(request, folder)
    source = asked.source()
    options: list[str] = []
    found = Listing([], {}, False)
    if source.uses_compiler and not filters & {"binary", "binaryObject"}:
        output = source.compiler_output(debug=True)
        diagnostics = output.diagnostics
        options = list(output.command[len(output.compiler.command) :])
        if not request["skipAsm"]:
            found = filtered(output.data.decode("utf-8", "replace"), filters, asked.name)
    else:
        own = source.image()
        diagnostics = source.diagnostics
        if source.uses_compiler:
            compiled = source.compiled()
            options = list(compiled.command[len(compiled.compiler.command) :])
        if not request["skipAsm"]:
            image = linked_image(source, own)[0] if "binary" in filters else own
            found = disassembled(asked, image, {function.name for function in own.own_functions}, filters)
    messages = [
        f"{d.file}:{d.line}:{d.column}: {d.severity}: {d.message}" if d.file else f"{d.severity}: {d.message}"
        for d in diagnostics
    ]
    return {
        "code": 0,
        "asm": found.lines,
        "labels": found.definitions,
        "truncated": found.truncated,
        "stderr": _tagged("\n".join(messages), folder),
        "options": options,
    }, b""


def _link(request: dict[str, Any], folder: str) -> tuple[Any, bytes]:
    """The bytes of a program."""
    asked = _request(request, folder)
    made, image = link(asked)
    if not made["program"]:
        raise LoadError(f"{FILE}: a program needs a main, and there is none")
    return {"code": 0, "stderr": []}, image


def _messages(error: Error, folder: str) -> list[dict[str, Any]]:
    """The lines of an error: the compiler's own where there are some."""
    text = error.text.strip("\n") if isinstance(error, CompileError) else ""
    if isinstance(error, AssemblyError) and error.line:
        place = f"{error.file}:{error.line}:{error.column}: "
        text = str(error).replace(place, f"{place}error: ", 1)
    return _tagged(text or str(error), folder)


def _tagged(text: str, folder: str) -> list[dict[str, Any]]:
    """Messages line by line, with the places in the source that they are about, and files by their own names."""
    if folder:
        text = text.replace(folder + os.sep, "")
    lines = text.split("\n") if text else []
    found = []
    for line in lines[:_MOST_MESSAGES]:
        message: dict[str, Any] = {"text": line}
        for diagnostic in parse_diagnostics(line):
            if diagnostic.line:
                message["tag"] = {
                    "file": diagnostic.file,
                    "line": diagnostic.line,
                    "column": diagnostic.column,
                    "severity": _SEVERITIES.get(diagnostic.severity, 1),
                    "text": f"{diagnostic.severity}: {diagnostic.message}",
                    "fixes": [],
                }
        found.append(message)
    return found


def _opcode(name: str) -> dict[str, Any] | None:
    """An instruction's first sentences and pages by its mnemonic; None where there is no such."""
    from armexec.isa.manual.lookup import instructions_named, pages
    from armexec.isa.manual.page import summary

    wanted = name.lower()
    for tried in dict.fromkeys((wanted, wanted.partition(".")[0])):  # Apple's `add.4s`
        found, _ = instructions_named(tried)
        if found:
            return {"tooltip": "\n".join(summary(one)[0] for one in found), "page": pages(tried)}
    return None
