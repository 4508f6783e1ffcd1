"""The image of a shared library and of the libraries that it needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from armexec.errors import LoadError
from armexec.objects.dynamic.library import SharedLibrary
from armexec.objects.dynamic.link import dependencies, link_libraries
from armexec.objects.image import FunctionSymbol, Image
from armexec.objects.layout import Symbol
from armexec.objects.linking import Part, Selection
from armexec.objects.linking.choice import duplicates

if TYPE_CHECKING:
    from armexec.objects.debug_info.call_frames import FrameProgram

__all__ = ["LibraryImage"]


class LibraryImage(Image):
    """Shared libraries that are bound to each other, as one image. The offsets are those of the first library's file.

    Names are looked up in the libraries in their order, as `dlsym` does.
    """

    is_shared = True

    def __init__(
        self,
        libraries: Sequence[SharedLibrary],
        extra: Sequence[Part] = (),
        dropped: Sequence[Collection[int]] | None = None,
        not_found: Sequence[str] = (),
    ) -> None:
        """Link `libraries`, of which there is at least one, in the order in which symbols are looked up, to each other
        and to `extra` parts, of which the sections in `dropped` are left out. `not_found` are dependencies that are
        missing.

        Raises:
            LoadError: they don't fit together.
        """
        name = libraries[0].name
        gone = dropped if dropped is not None else duplicates(extra)
        linked = link_libraries(name, libraries, extra, gone)
        self.libraries = tuple(libraries)
        self.lacking: Sequence[str] = linked.lacking
        """The names that the libraries refer to, and none of them defines; but what depends on their places."""
        self._extra = tuple(extra)
        self._dropped = tuple(gone)
        self._not_found = tuple(not_found)
        self.bases: Sequence[int] = linked.bases
        """The offset in the image of each library's address 0."""
        self._first = linked.first
        self._wanted_by = linked.wanted_by
        self._take(name, linked.parts, linked.layout, linked.initializers, linked.finalizers)

    def with_parts(self, parts: Sequence[Part]) -> Image:
        gone = [*self._dropped, *duplicates(parts)]
        return LibraryImage(self.libraries, [*self._extra, *parts], gone, self._not_found)

    def with_selection(self, selection: Selection) -> Image:
        """The image linked with the parts of a selection instead of others. Raises LoadError as the class does."""
        return LibraryImage(self.libraries, selection.parts, selection.dropped, self._not_found)

    def defines(self, name: str) -> bool:
        """Whether one of the libraries defines a linkage name."""
        return any(name in library.definitions for library in self.libraries)

    @property
    def own_functions(self) -> list[FunctionSymbol]:
        end = self.libraries[0].size
        return [f for f in self.functions if f.offset < end and "@" not in f.name]

    @cached_property
    def missing_symbols(self) -> Mapping[str, Sequence[str]]:
        return {name: tuple(by) for name, by in self._wanted_by.items()}

    def libraries_that_want(self, name: str) -> Sequence[str]:
        return self._wanted_by.get(name, ())

    def _described_frames(self) -> list[FrameProgram]:
        # Only now: backtraces alone need it.
        from armexec.objects.debug_info.call_frames import read_call_frames

        found = super()._described_frames()
        for library, base in zip(self.libraries, self.bases, strict=True):
            header = b"" if library.unwind_table is None else self._from(base + library.unwind_table)[:8]
            # Version 1, with a PC-relative sdata4 to .eh_frame.
            if library.unwind_table is not None and header[:2] == b"\x01\x1b":
                frames = base + library.unwind_table + 4 + int.from_bytes(header[4:8], "little", signed=True)
                found += read_call_frames(self._from(frames), is_eh=True, address=frames)
        return found

    def _from(self, offset: int) -> bytes:
        """The content of the image from an offset to the end of a segment."""
        for segment in self.segments:
            if segment.offset <= offset < segment.offset + len(segment.data):
                return bytes(segment.data[offset - segment.offset :])
        return b""

    def lookup(self, name: str, library: int | None = None) -> Symbol | None:
        """The symbol that dlsym finds by a linkage name: in the library of a number and in those that it needs, breadth
        first; in all that was loaded for None. A default version is meant."""
        order = list(range(len(self.libraries)))
        if library is not None:
            needed = dependencies(self.libraries)
            order = [library]
            for number in order:  # grows meanwhile
                order += [other for other in needed[number] if other not in order]
        for number in order:
            index = self.libraries[number].find(name)
            if index is not None:
                return self.symbols[self._first[number] + index]
        return self._added.get(name) if library is None else None

    @cached_property
    def _added(self) -> Mapping[str, Symbol]:
        """What isn't of the libraries, by linkage name."""
        start = self._first[-1] + len(self.libraries[-1].symbols) + len(self.libraries[-1].local_symbols)
        return {s.name: s for s in self.symbols[start:] if s.defined and s.name and s.binding != "local"}

    def why_missing(self, name: str) -> str:
        if not self._not_found:
            return ""
        plural = len(self._not_found) > 1
        return (
            f"{', '.join(self._not_found)} {'were' if plural else 'was'} not found, and search=[...] gives"
            f" {'their folders' if plural else 'its folder'}"
        )

    @cached_property
    def missing_thread_local(self) -> list[str]:
        """The thread-local variables among the missing symbols: code that uses them can't be called."""
        return [self.symbols[i].name for i in self._layout.holes if self.symbols[i].kind == "tls"]

    @cached_property
    def _scopes(self) -> list[Mapping[str, list[Symbol]]]:
        """The symbols of each library, and then what was added, by every name that they can be found by."""
        ends = [*self._first[1:], len(self.symbols)]
        ranges = [
            range(first, first + len(library.symbols) + len(library.local_symbols))
            for first, library in zip(self._first, self.libraries, strict=True)
        ]
        ranges.append(range(ranges[-1].stop, ends[-1]))
        return [self._by_name([self.symbols[i] for i in numbers]) for numbers in ranges]

    @cached_property
    def _versions(self) -> dict[str, Symbol]:
        """The default versions by their full names, such as `pow@GLIBC_2.29`."""
        return {
            f"{s.name}@{s.version.name}": self.symbols[first + i]
            for first, library in zip(reversed(self._first), reversed(self.libraries), strict=True)
            for i, s in enumerate(library.symbols)
            if s.defined and s.version is not None and not s.version.hidden
        }

    def find(self, name: str) -> Symbol:
        versioned = self._versions.get(name.replace("@@", "@"))
        if versioned is not None:
            return versioned
        for scope in self._scopes:
            found = self._chosen(name, scope)
            if found is not None:
                return found
        raise LoadError(f"{self.name}: no symbol {name!r}{self._suggest(name)}")
