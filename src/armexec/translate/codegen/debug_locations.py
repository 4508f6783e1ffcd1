"""Debug locations for IR text: what LLVM makes line tables from.

The text says by lines `;@<offset>` which guest instruction follows; the rest of such a line is of no matter here. Debug
locations don't change the code that LLVM makes, so a text can be compiled with or without, or with others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

__all__ = ["MARK", "Description", "Offsets", "Watched", "marked_offset", "offset_of", "with_locations"]

MARK = ";@"
"""What a line begins with that says which instruction follows; the offset follows it."""
_FIRST_LINE = 2
"""The line of the instruction at offset 0."""
_MARK = re.compile(rf"{MARK}([0-9a-f]+)")
_DEFINED = re.compile(r"define [^@]*@([\w.]+)\(")


def marked_offset(line: str) -> int:
    """The offset that a line says which begins with MARK."""
    return int(line[len(MARK) :].partition(" ")[0], 16)


class Description(Protocol):
    """What the locations say.

    `full`: describe each function, and not just its lines. `file` is where the functions are.
    """

    full: bool
    file: str

    def title(self, name: str) -> str:
        """What a function is called, by its name in the text."""

    def start(self, name: str) -> tuple[str, int]:
        """The file and the line of what in a function belongs to no instruction."""

    def place(self, offset: int) -> tuple[str, int]:
        """The file and the line of the instruction at an offset of the image."""


class Offsets:
    """Says the guest's offsets as lines (`offset_of`); line 1 is what belongs to no instruction."""

    full = False
    file = "guest"

    def title(self, name: str) -> str:
        return name

    def start(self, name: str) -> tuple[str, int]:
        return self.file, 1

    def place(self, offset: int) -> tuple[str, int]:
        return self.file, offset // 4 + _FIRST_LINE


def offset_of(line: int) -> int | None:
    """The guest's offset that a line of `Offsets` says, None if it says none."""
    return (line - _FIRST_LINE) * 4 if line >= _FIRST_LINE else None


class _Nodes:
    """The text's metadata, each node once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._numbers: dict[str, int] = {}

    def add(self, text: str) -> int:
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self.lines) + 1
            self.lines.append(f"!{number} = {text}")
        return number

    def file(self, name: str) -> int:
        return self.add(f'!DIFile(filename: "{_quoted(name)}", directory: "")')

    def variable(self, value: str, bits: int, function: int, file: int) -> str:
        """A record that says that a variable has a value from here on, but for its location; of 0 bits, that it is
        where the value points to."""
        size = bits or 64
        kind = self.add(f'!DIBasicType(name: "u{size}", size: {size}, encoding: DW_ATE_unsigned)')
        name = value.removeprefix("%")
        number = self.add(
            f'!DILocalVariable(name: "{name}", scope: !{function}, file: !{file}, line: 1, type: !{kind})'
        )
        record, type = ("value", f"i{bits}") if bits else ("declare", "ptr")
        return f"#dbg_{record}({type} {value}, !{number}, !DIExpression(), "


def _quoted(text: str) -> str:
    """As LLVM's strings are written: what isn't plain ASCII in hexadecimal."""
    plain = (chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:02x}" for byte in _bytes(text))
    return "".join(plain)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


Watched = Mapping[str, Mapping[str, int]]
"""By the names of functions, the names of values, with their bits; or of variables of functions (`alloca`), with 0."""


def with_locations(text: str, description: Description, watched: Watched = MappingProxyType({})) -> str:
    """IR text with a debug location on each of its instructions.

    Each value that is `watched` is a variable of its own, whose name is the value's without `%`.
    """
    out: list[str] = []
    nodes = _Nodes()
    kind = "FullDebug" if description.full else "LineTablesOnly"
    unit = nodes.add(
        f"distinct !DICompileUnit(language: DW_LANG_C, file: !{nodes.file(description.file)}, emissionKind: {kind})"
    )
    version = nodes.add('!{i32 2, !"Debug Info Version", i32 3}')
    type = nodes.add(f"!DISubroutineType(types: !{nodes.add('!{}')})")
    function = 0
    home = description.file
    place = (home, 0)
    wanted: dict[str, int] = {}
    waiting: list[str] = []
    for statement in text.split("\n"):
        mark = _MARK.match(statement)
        if mark:
            place = description.place(int(mark[1], 16))
        if statement.startswith("define "):
            found = _DEFINED.match(statement)
            name = found[1] if found else ""
            home, line = place = description.start(name)
            wanted = dict(watched.get(name, {}))
            waiting = []
            title = _quoted(description.title(name))
            file = nodes.file(home)
            function = nodes.add(
                f'distinct !DISubprogram(name: "{title}", scope: !{file}, file: !{file}, '
                f"line: {line}, type: !{type}, unit: !{unit}, spFlags: DISPFlagDefinition)"
            )
            out.append(statement.removesuffix("{") + f"!dbg !{function} {{")
            arguments = {name for name in wanted if f" {name}," in statement or f" {name})" in statement}
            waiting = [nodes.variable(value, wanted.pop(value), function, file) for value in sorted(arguments)]
            continue
        if statement == "}":
            function = 0
        stripped = statement.strip()
        is_label = stripped.endswith(":")
        if not function or not stripped or stripped[0] in ";}" or is_label:
            out.append(statement)
            continue
        file_name, line = place
        scope = function
        if file_name != home:
            scope = nodes.add(
                f"!DILexicalBlockFile(scope: !{function}, file: !{nodes.file(file_name)}, discriminator: 0)"
            )
        location = nodes.add(f"!DILocation(line: {line}, column: 1, scope: !{scope})")
        if waiting and " = alloca " not in stripped:
            # Arguments: behind the variables of the function.
            out += [f"{variable}!{location})" for variable in waiting]
            waiting = []
        out.append(f"{statement}, !dbg !{location}")
        if wanted and stripped[0] == "%":
            value = stripped.partition(" = ")[0]
            if value in wanted:
                out.append(f"{nodes.variable(value, wanted.pop(value), function, file)}!{location})")
    out.append(f"!llvm.dbg.cu = !{{!{unit}}}")
    out.append(f"!llvm.module.flags = !{{!{version}}}")
    return "\n".join([*out, *nodes.lines])
