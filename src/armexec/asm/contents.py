"""Sections, symbols and relocations: the contents of assembled code."""

from __future__ import annotations

import builtins
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import NamedTuple, Self

from armexec.asm.where import Where
from armexec.errors import AssemblyError, Diagnostic

__all__ = ["CodeContents", "CodeRelocation", "CodeSection", "CodeSymbol"]


@dataclass(eq=False, repr=False)
class CodeSection:
    """A section. `flags` is the protection of its memory: "rx", "r" or "rw", or "" for a section that isn't loaded,
    such as debug information.

    `align` and `size` are in bytes; `size` exceeds the data's for zeros at the end. `type` is ELF's ("progbits",
    "nobits", "init_array") or Mach-O's ("cstring_literals"), `attributes` the letters or words in the source,
    `entry_size` the size of the entries of a mergeable section. `group` is the signature symbol of a section group; of
    `comdat` groups with the same symbol a linker keeps one. `link` is the symbol or section of the letter "o". Type,
    attributes and alignment default to those of the name and the flags.

    `marks` are the offsets where code ("x") or data ("d") begins; `lines` are the source lines of words: offset, line
    and file.
    """

    name: str
    flags: str
    _: KW_ONLY
    type: str = ""
    attributes: str = ""
    align: int = 0
    entry_size: int = 0
    group: str = ""
    comdat: bool = False
    link: str = ""
    size: int = 0
    data: bytearray = field(default_factory=bytearray)
    marks: list[tuple[int, str]] = field(default_factory=list)
    lines: list[tuple[int, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.type = self.type or ("nobits" if self.name == ".bss" else "progbits")
        self.attributes = self.attributes or {"rx": "ax", "rw": "aw", "r": "a"}.get(self.flags, "")
        self.align = self.align or (4 if "x" in self.flags else 1)

    @property
    def thread_local(self) -> bool:
        """Whether each thread has its own copy (.tdata, .tbss)."""
        return "T" in self.attributes or self.type.startswith("thread_local")

    def __repr__(self) -> str:
        return f"<CodeSection {self.name} {self.flags}, {max(self.size, len(self.data))} bytes>"


class CodeSymbol(NamedTuple):
    """A symbol at `value` in its section, or an absolute number, or undefined.

    `kind` is function, object, tls, ifunc or notype; `binding` local, global, weak or unique; `visibility` default,
    hidden, protected or internal. The `value` of a `common` symbol is its alignment. A `variant_pcs` function doesn't
    follow the base procedure call standard.
    """

    name: str
    section: CodeSection | None
    value: int
    kind: str = "notype"
    binding: str = "local"
    size: int = 0
    defined: bool = True
    visibility: str = "default"
    common: bool = False
    variant_pcs: bool = False

    @property
    def temporary(self) -> bool:
        """Whether the source doesn't name it: numeric labels, places, literals."""
        return self.name[0] in "\x00\x01"


class CodeRelocation(NamedTuple):
    """An ELF relocation (`type` is its name) at `offset` of a section: of `symbol`, less `minus`, plus `addend`.

    `where` is the line of its statement.
    """

    section: CodeSection
    offset: int
    type: str
    symbol: str
    addend: int = 0
    minus: str | None = None
    where: Where | None = None


@dataclass(eq=False, repr=False)
class CodeContents:
    """Assembled code without the formats that it is written in. `Code` describes the attributes."""

    sections: list[CodeSection]
    all_symbols: list[CodeSymbol]
    relocations: list[CodeRelocation]
    address: int = 0
    source: str = ""
    _: KW_ONLY
    apple: bool = False
    files: tuple[str, ...] = ()
    distances: bool = True
    diagnostics: tuple[Diagnostic, ...] = ()

    def __post_init__(self) -> None:
        if not all(isinstance(part, list) for part in (self.sections, self.all_symbols, self.relocations)):
            raise AssemblyError("a Code is made by armexec.assemble or by a Builder: it holds lists of their parts")

    def with_symbols(self, symbols: list[CodeSymbol]) -> Self:
        """The same code with other symbols."""
        return replace(self, all_symbols=symbols)

    @property
    def code_sections(self) -> list[tuple[int, CodeSection]]:
        """The executable sections that aren't empty, with their offsets in `bytes`."""
        placed = []
        end = 0
        for section in self.sections:
            if "x" in section.flags and section.data:
                end += -end % section.align
                placed.append((end, section))
                end += len(section.data)
        return placed

    @property
    def text(self) -> CodeSection:
        """The .text section."""
        for section in self.sections:
            if section.name in (".text", "__TEXT,__text"):
                return section
        return CodeSection(".text", "rx")

    @property
    def bytes(self) -> builtins.bytes:
        result = bytearray()
        for start, section in self.code_sections:
            result += bytes(start - len(result)) + section.data
        return bytes(result)

    @property
    def words(self) -> list[int]:
        """The code as 32-bit words; the last is filled with zeros."""
        from armexec.disasm.words import words_of

        return words_of(self.bytes)

    @property
    def symbols(self) -> dict[str, int]:
        starts = {section: start for start, section in self.code_sections}
        starts.setdefault(self.text, 0)
        return {
            s.name: self.address + starts[s.section] + s.value
            for s in self.all_symbols
            if s.section in starts and not s.temporary
        }

    def __len__(self) -> int:
        return len(self.bytes)

    def __repr__(self) -> str:
        return f"<Code {len(self.bytes)} bytes, symbols {list(self.symbols)[:6]}>"
