"""The variables of an image by name: those that the debug information describes, and other data that has a symbol."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeAlias

from armexec.errors import LoadError
from armexec.objects.debug_info.variable import Variable
from armexec.objects.layout import PlacedSection, Symbol
from armexec.objects.names import normalize, source_name

if TYPE_CHECKING:
    from armexec.objects.prototypes import CType

__all__ = ["PlacedVariable", "UnknownVariable", "Variables"]

Described: TypeAlias = Sequence[tuple[Variable, "Callable[[], CType | None]"]]
_NAMELESS = "(anonymous namespace)::"


class UnknownVariable(LoadError, KeyError):
    """No variable of a module has that name, or its type isn't known. The message gives the nearest names."""

    # KeyError's shows the repr.
    __str__ = Exception.__str__


@dataclass(frozen=True)
class PlacedVariable:
    """A variable in memory.

    `place` is its offset in the image in bytes; where it is `thread_local`, that from the thread pointer. `size` is
    the one that its symbol tells, or 0. `linkage_name` is empty where no symbol has its place. `function` and `within`
    are those of `Variable`.
    """

    name: str
    linkage_name: str
    function: str
    within: str
    unit: str
    place: int
    thread_local: bool
    external: bool
    size: int
    read_type: Callable[[], CType | None] = field(repr=False, compare=False)

    @property
    def source_name(self) -> str:
        """Its name in C++, as demanglers give it, which has the parameters of the function around it."""
        if self.function:
            return f"{source_name(self.function)}::{self.within}"
        return source_name(self.linkage_name)

    @property
    def where(self) -> tuple[bool, int]:
        """What distinguishes it from all others."""
        return self.thread_local, self.place


def _is_thread_local(symbol: Symbol) -> bool:
    """Whether its value counts from the thread pointer; assembly may give the type to other data, too."""
    return symbol.kind == "tls" and symbol.offset is None


class _Image(Protocol):
    """An image, as its variables see it."""

    name: str
    sections: list[PlacedSection]
    symbols: list[Symbol]

    def linkage_name(self, symbol: Symbol) -> str: ...
    def symbol_at(self, offset: int) -> tuple[Symbol, int] | None: ...
    def is_code(self, offset: int) -> bool: ...


class Variables:
    """The variables of an image. Names are as in the source, with what is around them: `counter`, `n::counter`,
    `fn::calls`. Each method raises LoadError if the debug information is malformed.
    """

    def __init__(self, image: _Image, described: Callable[[], Described]) -> None:
        self._image = image
        self._read = described

    @cached_property
    def _described(self) -> Described:
        return self._read()

    @cached_property
    def _placed(self) -> list[PlacedVariable]:
        """The variables that have a type and a place, each once."""
        found: dict[tuple[tuple[bool, int], str], PlacedVariable] = {}
        # A definition knows more than a declaration.
        for variable, read_type in sorted(self._described, key=lambda d: d[0].offset is None):
            made = self._place(variable, read_type)
            if made is not None:
                found.setdefault((made.where, made.name), made)
        return sorted(found.values(), key=lambda v: v.where)

    def _place(self, variable: Variable, read_type: Callable[[], CType | None]) -> PlacedVariable | None:
        symbol: Symbol | None = None
        offset = variable.offset
        if offset is not None and self._is_loaded(offset):
            at = self._image.symbol_at(offset)
            symbol = at[0] if at is not None and at[1] == 0 and at[0].kind != "section" else None
        else:
            symbol = self._symbol(variable)
            if symbol is None:
                return None
            offset = symbol.offset
        is_tls = symbol is not None and _is_thread_local(symbol)
        place = symbol.absolute if symbol is not None and is_tls else offset
        if place is None:
            return None
        linkage = self._image.linkage_name(symbol) if symbol is not None else ""
        size = symbol.size if symbol is not None else 0
        return PlacedVariable(
            variable.name,
            linkage,
            variable.function,
            variable.within,
            variable.unit,
            place,
            is_tls,
            variable.external,
            size,
            read_type,
        )

    @cached_property
    def _sections(self) -> list[tuple[int, int]]:
        """The ranges (first offset, end) of the sections that are there."""
        return sorted((s.offset, s.offset + s.size) for s in self._image.sections if s.size and not s.dropped)

    def _is_loaded(self, offset: int) -> bool:
        """Whether a section is there. Linkers give variables that they leave out the address 0, or a huge one."""
        index = bisect_right(self._sections, offset, key=lambda section: section[0]) - 1
        return index >= 0 and offset < self._sections[index][1]

    @cached_property
    def _symbols(self) -> dict[str, list[Symbol]]:
        """The defined symbols of data by their linkage names: the first global one, else all local ones."""
        found: dict[str, list[Symbol]] = {}
        for s in self._image.symbols:
            usable = s.defined and s.kind in ("object", "notype", "tls") and (s.offset is not None or s.kind == "tls")
            if usable and s.name and not s.name.startswith("$"):
                found.setdefault(self._image.linkage_name(s), []).append(s)
        for name, symbols in found.items():
            found[name] = [s for s in symbols if s.binding != "local"][:1] or symbols
        return found

    def _symbol(self, variable: Variable) -> Symbol | None:
        """The symbol of a variable that debug information gives no place: a declared or a thread-local one, of which
        AAELF64 has no relocations for debug information."""
        found = self._symbols.get(variable.linkage_name, [])
        if not variable.external:
            found = [s for s in found if _is_thread_local(s) and s.binding == "local"]
            # GCC gives no linkage names of those that other files can't see.
            found = found or self._thread_local.get(variable.name, [])
            return found[0] if len(found) == 1 else None
        return found[0] if found and found[0].binding != "local" else None

    @cached_property
    def _thread_local(self) -> dict[str, list[Symbol]]:
        """The local symbols of thread-local variables by their names in C++."""
        names: dict[str, list[Symbol]] = {}
        for name, symbols in self._symbols.items():
            for s in symbols:
                if _is_thread_local(s) and s.binding == "local":
                    names.setdefault(source_name(name), []).append(s)
        return names

    @cached_property
    def _by_name(self) -> dict[str, list[PlacedVariable]]:
        """The variables by all names that they can be found by without a demangler."""
        names: dict[str, list[PlacedVariable]] = {}
        for variable in self._placed:
            plain = variable.name.replace(_NAMELESS, "")
            for key in {variable.name, plain, variable.linkage_name, f"{variable.unit}::{variable.name}"} - {""}:
                names.setdefault(key, []).append(variable)
        return names

    @cached_property
    def _by_end(self) -> dict[str, list[PlacedVariable]]:
        """The variables by the ends of their names: `n::counter` also as `counter`."""
        names: dict[str, list[PlacedVariable]] = {}
        for variable in self._placed:
            parts = variable.name.replace(_NAMELESS, "").split("::")
            for start in range(1, len(parts)):
                names.setdefault("::".join(parts[start:]), []).append(variable)
        return names

    @cached_property
    def _by_source_name(self) -> dict[str, list[PlacedVariable]]:
        """The variables by their symbols' names in C++: `fn(int)::calls`."""
        names: dict[str, list[PlacedVariable]] = {}
        for variable in self._placed:
            names.setdefault(normalize(variable.source_name), []).append(variable)
        return names

    @cached_property
    def names(self) -> list[str]:
        """A name for each of the variables, in the order of their places. Thread-local ones come last."""
        return list(dict.fromkeys(self._label(variable) for variable in self._placed))

    def _label(self, variable: PlacedVariable) -> str:
        """A name that means this variable."""
        for name in (variable.name, variable.source_name, f"{variable.unit}::{variable.name}"):
            chosen = self._chosen(self._find(name)) if name else []
            if len(chosen) == 1 and chosen[0].where == variable.where:
                return name
        return variable.linkage_name or variable.name

    def _find(self, name: str) -> list[PlacedVariable]:
        return self._by_name.get(name) or self._by_end.get(name) or self._by_source_name.get(normalize(name)) or []

    @staticmethod
    def _chosen(found: Iterable[PlacedVariable]) -> list[PlacedVariable]:
        """Those that a name may mean: of several only one may be seen by other files, and is meant."""
        distinct = {variable.where: variable for variable in reversed(list(found))}
        external = [variable for variable in distinct.values() if variable.external]
        return external if len(external) == 1 else list(distinct.values())

    def named(self, name: str) -> PlacedVariable | None:
        """The variable of a name that has a type; None if there is none.

        Raises UnknownVariable if it may be any of several.
        """
        chosen = self._chosen(self._find(name))
        if len(chosen) > 1:
            labels = ", ".join(sorted({self._label(variable) for variable in chosen}))
            raise UnknownVariable(f"{self._image.name}: {name!r} may be any of: {labels}")
        return chosen[0] if chosen else None

    def symbol(self, name: str) -> PlacedVariable | None:
        """The data of a symbol, without a type, by its linkage name or its name in C++; None if there is none.

        Raises UnknownVariable if several have that name.
        """
        found = self._symbols.get(name)
        if found is None:
            wanted = normalize(name)
            found = next((s for n, s in self._symbols.items() if normalize(source_name(n)) == wanted), [])
        found = [s for s in found if s.offset is None or not self._image.is_code(s.offset)]
        if not found:
            return None
        if len({(s.offset, s.absolute) for s in found}) > 1:
            raise UnknownVariable(f"{self._image.name}: {name!r} may be any of {len(found)} local symbols")
        s = found[0]
        place = s.absolute if _is_thread_local(s) else s.offset
        if place is None:
            return None
        linkage = self._image.linkage_name(s)
        return PlacedVariable(
            source_name(linkage),
            linkage,
            "",
            "",
            "",
            place,
            _is_thread_local(s),
            s.binding != "local",
            s.size,
            lambda: None,
        )

    @cached_property
    def symbol_names(self) -> list[str]:
        """The names of data that has a symbol of its own and no description, as in the source."""
        known = {variable.where for variable in self._placed}
        return [
            source_name(name)
            for name, (s, *_) in self._symbols.items()
            if s.kind == "object" and s.offset is not None and (False, s.offset) not in known
        ]

    def why_not(self, name: str) -> str:
        """Why a variable that the debug information has isn't in memory; "" if it hasn't one of that name."""
        end = f"::{name}"
        found = [v for v, _ in self._described if v.name == name or v.name.endswith(end) or v.linkage_name == name]
        if not found:
            return ""
        constant = next((v.constant for v in found if v.constant is not None), None)
        if constant is not None:
            return f"{found[0].name} has no memory: it is a constant, {constant}"
        if all(v.offset is None and v.external for v in found):
            return f"{found[0].name} is declared, and no object that was loaded defines it"
        return f"{found[0].name} has no memory: the compiler has left it out (compile with -O0 to keep it)"
