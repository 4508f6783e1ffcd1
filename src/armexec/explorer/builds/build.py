"""A source as the page shows it: functions, and a row for each instruction; and the image that a runner loads."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

from armexec.disasm import disassemble
from armexec.errors import Error, LoadError
from armexec.explorer.builds.runnable import Runnable
from armexec.objects import Image
from armexec.objects.names import linkage_name, source_name
from armexec.sources import Source

__all__ = ["Placed", "Request", "build", "is_same_file", "lines_of_words", "link", "linked_image", "listing", "rows_of"]

KINDS = ("c", "c++", "assembly", "hex")
_SUFFIXES = {"c": ".c", "c++": ".cpp", "assembly": ".s", "hex": ".hex"}
_BASE = 0x1000_0000
"""Where the image stands for its words: those of an instruction don't depend on it."""
_MOST_ROWS = 20_000
_MOST_TEXT = 2_000_000
"""Characters of a source."""


@dataclass(frozen=True)
class Request:
    """A source and how it is compiled. `name`: the file's, which messages give."""

    text: str
    kind: str
    opt: str = "-O0"
    target: str = "linux"
    flags: str = ""
    name: str = ""

    @classmethod
    def of(cls, given: dict[str, Any]) -> Request:
        """A request of the page. Raises LoadError for what isn't one."""
        fields = {name: given.get(name, "") for name in ("text", "kind", "opt", "target", "flags", "name")}
        if not all(isinstance(value, str) for value in fields.values()):
            raise LoadError("a source and its options are text")
        if fields["kind"] not in KINDS:
            raise LoadError(f"the kind of a source is one of {', '.join(KINDS)}, not {fields['kind']!r:.40}")
        if len(fields["text"]) > _MOST_TEXT:
            raise LoadError(f"the source has {len(fields['text'])} characters: it may have {_MOST_TEXT} at most")
        found = cls(**fields)
        return cls(found.text, found.kind, found.opt or "-O0", found.target or "linux", found.flags, found.name)

    def source(self) -> Source:
        """The source. It isn't compiled yet."""
        name = self.name or f"source{_SUFFIXES[self.kind]}"
        return Source(
            self.text, self.kind, file=name, opt=self.opt, target=self.target, flags=self.flags, entry=self._entry
        )

    @property
    def _entry(self) -> str | None:
        return None if self.name else "function"


def build(request: Request) -> dict[str, Any]:
    """The functions and the instructions of a source.

    Raises:
        CompileError, AssemblyError, LoadError: it can't be compiled, assembled or read.
    """
    source = request.source()
    image = source.image()
    functions = image.own_functions
    placed = Placed(image)
    own_lines = lines_of_words(request.text) if request.kind == "hex" else None
    rows: list[list[Any]] = []
    found = []
    for index, function in enumerate(functions):
        first = len(rows)
        rows += rows_of(placed, function, index, source.name, _MOST_ROWS - len(rows), own_lines)
        prototype = function.prototype
        found.append(
            {
                "name": function.source_name,
                "linkage": function.name,
                "offset": function.offset,
                "size": function.extent,
                "first": first,
                "signature": "" if prototype is None else str(prototype),
                "parameters": [] if prototype is None else [str(parameter) for parameter in prototype.parameters],
            }
        )
    is_program = any(function.name in ("main", "_main") for function in functions) and request.kind != "hex"
    return {
        "functions": found,
        "rows": rows,
        "truncated": len(rows) >= _MOST_ROWS,
        "program": is_program,
        "warnings": [
            {"file": d.file, "line": d.line, "column": d.column, "severity": d.severity, "message": d.message}
            for d in source.diagnostics[:200]
        ],
        "how": _how(source),
        "file": source.name,
    }


def _how(source: Source) -> str:
    if source.uses_compiler:
        from armexec.toolchain import find_compiler, resolve_target

        compiler = find_compiler(source.compiler)
        return f"{compiler.kind} {compiler.version} {source.opt} for {resolve_target(source.target).triple}"
    return "armexec's assembler" if source.kind == "assembly" else "disassembled"


class Placed:
    """The bytes of an image at `_BASE`, and the names of addresses there."""

    def __init__(self, image: Image, *, demangle: bool = True) -> None:
        self.image = image
        self._segments = image.place(_BASE, lambda name: None)
        labels = [s for s in reversed(image.symbols) if s.kind == "notype" and s.binding != "local"]
        names = {_BASE + s.offset: image.linkage_name(s) for s in labels if s.offset is not None}
        missing = image.missing.names.items()
        shown = source_name if demangle else str
        names |= {_BASE + offset: shown(linkage_name(name, image.format)) for offset, name in missing}
        self.names = names | {_BASE + function.offset: shown(function.name) for function in image.functions}

    def read(self, offset: int, size: int) -> bytes:
        for begin, data in self._segments:
            if begin <= offset < begin + len(data):
                return bytes(data[offset - begin : offset - begin + size])
        return b""


def rows_of(
    placed: Placed, function: Any, index: int, file: str, most: int, own_lines: list[int] | None
) -> list[list[Any]]:
    """Rows: offset, word, text, line or 0, number of the function, offset of a branch's target or -1."""
    image = placed.image
    code = placed.read(function.offset, min(function.extent, 4 * most))
    ranges = image.data_ranges(function.offset, function.offset + len(code))
    instructions = disassemble(
        code + bytes(-len(code) % 4),
        address=_BASE + function.offset,
        symbols=placed.names,
        data=[(_BASE + first, _BASE + end) for first, end in ranges],
    )
    rows = []
    for number, instruction in enumerate(instructions):
        offset = instruction.address - _BASE
        if own_lines is not None:
            line = own_lines[number] if number < len(own_lines) else 0
        else:
            place = image.line_of(offset)
            line = place.line if place is not None and is_same_file(place.file, file) else 0
        target = -1 if instruction.target is None else instruction.target - _BASE
        rows.append([offset, instruction.word, instruction.text, line, index, target])
    return rows


def is_same_file(path: str, file: str) -> bool:
    return path == file or path.endswith("/" + file)


def lines_of_words(text: str) -> list[int]:
    """The line of each word, where each line has words of its own; else nothing."""
    from armexec.words import parse_words

    lines: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            lines += [number] * len(parse_words(line))
        except Error:
            continue
    return lines if len(lines) == len(parse_words(text)) else []


def link(request: Request) -> tuple[dict[str, Any], bytes]:
    """What a runner loads, as the bytes of a `Runnable`, and where the functions are in it.

    Raises:
        CompileError, AssemblyError, LoadError: as `build`, and what a program or a library needs isn't there.
    """
    source = request.source()
    own = source.image()
    image, is_program = linked_image(source, own)
    # Functions are moved as wholes when libraries are added.
    moved = {function.name: function.offset for function in image.own_functions}
    own_lines = lines_of_words(request.text) if request.kind == "hex" else None
    lines: dict[int, int] = {}
    functions = []
    for function in own.own_functions:
        offset = moved.get(function.name)
        if offset is None:
            continue
        functions.append([function.offset, offset, function.extent])
        for delta in range(0, min(function.extent, 4 * _MOST_ROWS), 4):
            if own_lines is not None:
                lines[offset + delta] = own_lines[delta // 4] if delta // 4 < len(own_lines) else 0
                continue
            place = own.line_of(function.offset + delta)
            lines[offset + delta] = place.line if place is not None and is_same_file(place.file, source.name) else 0
    prototypes = {f.name: f.prototype for f in own.own_functions if f.prototype is not None}
    runnable = Runnable(image.without_debug_info(), prototypes, lines, is_program, source.is_compiled)
    return {"functions": functions, "program": is_program}, pickle.dumps(runnable, pickle.HIGHEST_PROTOCOL)


def linked_image(source: Source, own: Image) -> tuple[Image, bool]:
    """The image with all that the own one of a source needs, and whether it is a program.

    Raises:
        CompileError, LoadError: what it needs isn't there.
    """
    from armexec.module.links import Links
    from armexec.program.images import defines_main, program_image, program_parts

    is_program = source.kind != "hex" and any(f.name in ("main", "_main") for f in own.own_functions)
    if not is_program:
        return Links(own, "translated", {}).image, False
    parts = program_parts([source])
    return (program_image(source.name, parts) if defines_main(parts) else own), True


def listing(request: Request) -> str:
    """The compiler's assembly with the source between; of assembly and words, armexec's listing.

    Raises:
        CompileError, AssemblyError, LoadError: it can't be compiled, assembled or read.
    """
    from armexec.disasm import listing as listed
    from armexec.toolchain import resolve_target
    from armexec.toolchain.listing import interleave

    source = request.source()
    if request.kind == "hex":
        return listed(source.words())
    if not source.uses_compiler:
        return source.code().disassembly
    comment = ";" if resolve_target(source.target).object_format == "macho" else "//"
    text = source.compiler_assembly(debug=True)
    return interleave(text, source.text, filename=source.name, comment=comment)
