"""Objects and static libraries -> the parts and sections of an executable, as a linker with --gc-sections selects them.

Source: System V ABI (ELF), chapter 7, "Archive File": a member is linked if it defines what is undefined in the objects
and the members before. Afterwards, of the members only the sections are kept that the objects refer to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from armexec.objects.layout import PROVIDED
from armexec.objects.linking.choice import choose, duplicates, is_shared
from armexec.objects.linking.part import Part
from armexec.objects.linking.unwind import fde_references

__all__ = ["Library", "Selection", "members", "select"]


class Library(Protocol):
    """Members that are linked if they define what is undefined."""

    @property
    def symbols(self) -> Mapping[str, Any]:
        """The member that defines each symbol."""

    def part(self, member: Any) -> Part:
        """The content of a member. Raises LoadError."""


class Selection(NamedTuple):
    """The parts of an executable; the sections of each that are left out; the names that nothing defines, with the part
    and the section that refer to each; whether the unwind tables are kept."""

    parts: Sequence[Part]
    dropped: Sequence[Collection[int]]
    missing: Mapping[str, Sequence[tuple[int, int]]]
    unwind: bool


_UNWINDER = "_Unwind_RaiseException"


def select(objects: Sequence[Part], libraries: Sequence[Library], roots: Collection[str] = ()) -> Selection:
    """The objects, what they and the names in `roots` need of the libraries, and what that needs in turn.

    Earlier libraries come first. What the first one defines is taken from it, even if a member of another that is
    linked for another reason defines it too. Unwind tables are kept if the unwinder is linked.

    Raises:
        LoadError: a member can't be read, or a name has two strong definitions.
    """
    parts = [*objects, *members(objects, libraries, roots)]
    duplicate = duplicates(parts)
    # A function that nothing calls may be there to have another member linked: only now it doesn't count.
    reached = _Reached(parts, duplicate, unwind=False)
    reached.follow(len(objects), roots)
    unwind = _UNWINDER in reached.defined
    if unwind:
        reached = _Reached(parts, duplicate, unwind=True)
        reached.follow(len(objects), roots)
    dropped = [
        {i for i in range(len(part.sections)) if (number, i) not in reached.sections} | duplicate[number]
        for number, part in enumerate(parts)
    ]
    missing = sorted(reached.undefined.items(), key=lambda item: min(item[1]))
    return Selection(parts, dropped, dict(missing), unwind)


def members(objects: Sequence[Part], libraries: Sequence[Library], roots: Collection[str] = ()) -> list[Part]:
    """The members that define what objects, the names in `roots` and these members want, in the order of the libraries.

    Raises LoadError for members that can't be read.
    """
    linked: dict[tuple[int, Any], Part] = {}  # by the number of the library, and the member
    own = {name for part in objects for name in _defined(part)}
    defined = set(own)
    todo = [*roots, *(name for part in objects for name in _undefined(part))]
    done: set[str] = set()
    while todo:
        name = todo.pop()
        if name in done or name in own:
            continue
        done.add(name)
        for number, library in enumerate(libraries[:1] if name in defined else libraries):
            if name in library.symbols:
                key = number, library.symbols[name]
                if key not in linked:
                    linked[key] = part = library.part(key[1])
                    defined.update(_defined(part))
                    todo += _undefined(part)
                break
    return [linked[key] for key in sorted(linked, key=lambda key: key[0])]


def _defined(part: Part) -> Iterable[str]:
    return (s.name for s in part.symbols if s.section is not None and is_shared(s))


def _undefined(part: Part) -> Iterable[str]:
    """The names that a part wants; weak references don't have members linked."""
    return (s.name for s in part.symbols if s.section is None and s.binding == "global" and s.name)


class _Reached:
    """The sections that are reached from some, by references."""

    def __init__(self, parts: Sequence[Part], duplicate: Sequence[Collection[int]], unwind: bool) -> None:
        self.parts = parts
        self.duplicate = duplicate
        self.chosen = choose(parts, duplicate)
        self.sections: set[tuple[int, int]] = set()
        self.defined: dict[str, None] = {}
        self.undefined: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        self._todo: list[tuple[int, int]] = []
        self._references = [_references(part, unwind) for part in parts]

    def follow(self, objects: int, roots: Iterable[str]) -> None:
        """Reach what the first `objects` parts, the names and all initializers need."""
        for number, part in enumerate(self.parts):
            if number < objects:
                for section in range(len(part.sections)):
                    self._reach(number, section)
            for initializer in part.initializers:
                if initializer.section >= 0:
                    self._reach(number, initializer.section)
        for name in roots:
            self._refer(name, (0, 0))
        while self._todo:
            number, section = self._todo.pop()
            part = self.parts[number]
            for index in self._references[number].get(section, ()):
                symbol = part.symbols[index]
                if is_shared(symbol):
                    if symbol.section is None and symbol.binding == "weak" and not self._is_defined(symbol.name):
                        continue
                    self._refer(symbol.name, (number, section))
                elif symbol.section is not None and symbol.section >= 0:
                    self._reach(number, symbol.section)

    def _is_defined(self, name: str) -> bool:
        at = self.chosen.get(name)
        if at is None:
            return False
        section = self.parts[at[0]].symbols[at[1]].section
        return section is not None and section not in self.duplicate[at[0]]

    def _refer(self, name: str, where: tuple[int, int]) -> None:
        if name in PROVIDED:
            return
        if not self._is_defined(name):
            self.undefined[name].append(where)
            return
        self.defined[name] = None
        number, index = self.chosen[name]
        section = self.parts[number].symbols[index].section
        if section is not None and section >= 0:
            self._reach(number, section)

    def _reach(self, number: int, section: int) -> None:
        at = number, section
        if at not in self.sections and section not in self.duplicate[number]:
            self.sections.add(at)
            self._todo.append(at)


def _references(part: Part, unwind: bool) -> dict[int, list[int]]:
    """The symbols that each section refers to, also by its functions' unwind tables if these are kept."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for reference in part.references:
        found[reference.section].append(reference.symbol)
        if reference.minus is not None:
            found[reference.section].append(reference.minus)
    if unwind:
        for section, symbols in fde_references(part):
            found[section] += symbols
    return found
