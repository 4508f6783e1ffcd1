"""What the assembler makes: sections, symbols, and the relocations that are left to whoever places it."""

from __future__ import annotations

from typing import NamedTuple

from armexec.errors import AssemblyError

__all__ = ["Code", "CodeRelocation", "CodeSection", "CodeSymbol"]


class CodeSection:
    """A section. `flags`: "rx", "r" or "rw"; `align` in bytes; `size` is more than the data's for zeros at the end."""

    def __init__(self, name: str, flags: str, *, align: int = 1) -> None:
        self.name = name
        self.flags = flags
        self.align = align
        self.data = bytearray()
        self.size = 0

    def __repr__(self) -> str:
        return f"<CodeSection {self.name} {self.flags}, {max(self.size, len(self.data))} bytes>"


class CodeSymbol(NamedTuple):
    """A symbol at `value` in the section named, or an absolute number, or undefined.

    `kind`: function, object or notype; `binding`: local, global or weak.
    """

    name: str
    section: str | None
    value: int
    kind: str = "notype"
    binding: str = "local"
    size: int = 0
    defined: bool = True


class CodeRelocation(NamedTuple):
    """An ELF relocation (`type` is its name) at `offset` of a section: of `symbol`, less `minus`, plus `addend`."""

    section: str
    offset: int
    type: str
    symbol: str
    addend: int = 0
    minus: str | None = None


class Code:
    """Assembled code. `words` and `bytes` are those of the .text section, before any relocation.

    `symbols` maps the names defined in .text to their addresses, counted from `address`.
    """

    def __init__(
        self,
        sections: list[CodeSection],
        all_symbols: list[CodeSymbol],
        relocations: list[CodeRelocation],
        address: int = 0,
        source: str = "",
    ) -> None:
        if not all(isinstance(part, list) for part in (sections, all_symbols, relocations)):
            raise AssemblyError("a Code is made by armexec.assemble or by a Builder: it holds lists of their parts")
        self.sections = sections
        self.all_symbols = all_symbols
        self.relocations = relocations
        self.address = address
        self.source = source

    @property
    def text(self) -> CodeSection:
        """The .text section."""
        for section in self.sections:
            if section.name in (".text", "__TEXT,__text"):
                return section
        return CodeSection(".text", "rx")

    @property
    def bytes(self) -> bytes:
        return bytes(self.text.data)

    @property
    def words(self) -> list[int]:
        """The code as 32-bit words; data that doesn't fill the last one is filled with zeros."""
        data = self.bytes
        data += bytes(-len(data) % 4)
        return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]

    @property
    def symbols(self) -> dict[str, int]:
        name = self.text.name
        return {s.name: self.address + s.value for s in self.all_symbols if s.section == name and s.name[0] > "\x01"}

    @property
    def disassembly(self) -> str:
        """The words as instructions again, one a line with its address, under their labels."""
        from armexec.disasm import listing

        return listing(self.bytes, address=self.address, symbols={a: n for n, a in self.symbols.items()})

    def __len__(self) -> int:
        return len(self.text.data)

    def __repr__(self) -> str:
        return f"<Code {len(self.text.data)} bytes, symbols {list(self.symbols)[:6]}>"
