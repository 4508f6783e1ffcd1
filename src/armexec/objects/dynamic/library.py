"""A shared library as its file describes it, before anything is bound or placed.

Addresses are those in the file, which begin near 0; sizes are in bytes. Source: System V ABI (ELF), chapter 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from armexec.objects.layout import Binding, Segment, SymbolKind
from armexec.objects.linking import Part

__all__ = ["DynamicRelocation", "DynamicSymbol", "SharedLibrary", "ThreadLocalSegment", "Version"]


class Version(NamedTuple):
    """The version of a symbol: that of a definition, or the one that a reference wants.

    A `hidden` definition is an old one, which only references of its version are bound to.
    """

    name: str
    hidden: bool = False


class DynamicSymbol(NamedTuple):
    """A symbol. `value` is an address, for a thread-local variable an offset in its segment.

    A `private` symbol is bound to the library's own definition (STV_HIDDEN, STV_PROTECTED, STB_LOCAL). `indirect`: the
    value is that of a function that returns the address of the code (STT_GNU_IFUNC).
    """

    name: str
    value: int
    size: int
    kind: SymbolKind
    binding: Binding
    defined: bool
    absolute: bool = False
    private: bool = False
    indirect: bool = False
    version: Version | None = None


class DynamicRelocation(NamedTuple):
    """A relocation of 64 bits (for TLSDESC twice that) at `address`, of a type of AAELF64's dynamic ones."""

    address: int
    type: int
    symbol: int
    addend: int


class ThreadLocalSegment(NamedTuple):
    """PT_TLS: the initial contents are at `address`; zeros follow `data_size` bytes of it, up to `size`."""

    address: int
    data_size: int
    size: int
    align: int


@dataclass(frozen=True)
class SharedLibrary:
    """The content of a shared library.

    - `name` is the file's; `soname` is what other libraries call it.
    - `needed` are the names of its dependencies, in order; `runpath` folders to look for them in.
    - `segments` have the read-only parts that relocations are written to (PT_GNU_RELRO) as segments of their own.
    - `symbols` are those of .dynsym, by which relocations refer to them; `local_symbols` others of .symtab.
    - `initializers` and `finalizers` are either addresses of functions, or of words that hold one (`tables` of them),
      in the order of the calls.
    - `program_headers` are the address and the number of its program headers, None where they aren't in its memory;
      `unwind_table` is the address of PT_GNU_EH_FRAME, None without one.
    - `symbolic`: its references are bound to its own definitions first (DT_SYMBOLIC).
    - `part` has the sections, whose addresses are `addresses`, marks of code and data, and debug information.
    """

    name: str
    soname: str
    needed: tuple[str, ...]
    runpath: tuple[str, ...]
    segments: tuple[Segment, ...]
    align: int
    thread_local: ThreadLocalSegment | None
    symbols: tuple[DynamicSymbol, ...]
    local_symbols: tuple[DynamicSymbol, ...]
    relocations: tuple[DynamicRelocation, ...]
    initializers: tuple[int, ...]
    initializer_table: tuple[int, ...]
    finalizers: tuple[int, ...]
    finalizer_table: tuple[int, ...]
    program_headers: tuple[int, int] | None
    unwind_table: int | None
    symbolic: bool
    has_versions: bool
    addresses: tuple[int, ...] = field(repr=False)
    part: Part = field(repr=False)

    @property
    def size(self) -> int:
        """The end of its last segment."""
        return max(s.offset + s.size for s in self.segments)

    @cached_property
    def definitions(self) -> Mapping[str, list[int]]:
        """The symbols that others may be bound to, as indexes, by name."""
        found: dict[str, list[int]] = {}
        for index, symbol in enumerate(self.symbols):
            if symbol.defined and symbol.name and symbol.binding != "local":
                found.setdefault(symbol.name, []).append(index)
        return found

    def find(self, name: str, version: str | None = None) -> int | None:
        """The definition that a reference is bound to, as an index; None if there is none.

        A reference without a version is bound to the default one, or else to any. Source: Drepper, "ELF Symbol
        Versioning".
        """
        found = self.definitions.get(name, [])
        for index in found:
            own = self.symbols[index].version
            if own is None or (own.name == version if version is not None else not own.hidden):
                return index
        return found[0] if found and version is None else None
