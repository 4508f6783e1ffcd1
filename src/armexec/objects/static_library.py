"""Static libraries whose members are linked as they are needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from armexec.objects.formats.archive import Archive, Member
from armexec.objects.linking import Part
from armexec.objects.read import read_part

__all__ = ["StaticLibrary"]


class StaticLibrary:
    """An ar archive of objects; a library to link with (`objects.linking.Library`)."""

    def __init__(self, data: bytes, name: str) -> None:
        """Read the archive. Raises LoadError if it is none."""
        self.name = name
        self._archive = Archive(data, name)

    @cached_property
    def symbols(self) -> Mapping[str, Member]:
        """The first member that defines each symbol. Raises LoadError for a damaged table."""
        return self._archive.symbols

    def part(self, member: Member) -> Part:
        """The content of a member. Raises LoadError if it isn't an object for AArch64."""
        return read_part(self._archive.read(member), f"{self.name}({member.name.rpartition('/')[2]})")

    def parts(self) -> list[Part]:
        """The contents of all members. Raises LoadError as `part`."""
        return [self.part(member) for member in self._archive.members]
