"""The debug information of an object: DWARF, versions 2 to 5."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from armexec.errors import LoadError

if TYPE_CHECKING:
    from armexec.objects.debug_info.dwarf.functions import Functions
    from armexec.objects.debug_info.source_line import SourceLine
    from armexec.objects.debug_info.variable import Variable
    from armexec.objects.prototypes import CType, Prototype

__all__ = ["DebugInfo", "MovedDebugInfo"]

_Answer = TypeVar("_Answer")


class DebugInfo:
    """The debug information of an image, out of `sections`, which have names without dots and underscores. Addresses
    in them are offsets in the image.
    """

    def __init__(self, name: str, sections: dict[str, bytes]) -> None:
        self.name = name
        self._sections = sections

    def prototype(self, offset: int, linkage_name: str) -> Prototype | None:
        """The prototype of the function at an offset. Raises LoadError if the information is malformed."""
        return self._ask(lambda functions: functions.defined(offset, linkage_name))

    def declared(self, linkage_name: str) -> Prototype | None:
        """The prototype of a function by its linkage name, defined or not. Raises LoadError if malformed."""
        return self._ask(lambda functions: functions.named(linkage_name))

    def type_names(self) -> list[str]:
        """The names of the structs, unions, enums and typedefs. Raises LoadError if malformed."""
        return self._ask(lambda functions: functions.types.names()) or []

    def type(self, name: str) -> CType | None:
        """The struct, union, enum or typedef of a name. Raises LoadError if malformed."""
        return self._ask(lambda functions: functions.types.named(name))

    def variables(self) -> list[Variable]:
        """The variables outside of functions, and those in functions that stay. Raises LoadError if malformed."""
        return self._ask(lambda functions: functions.variables.all()) or []

    def variable_type(self, variable: Variable) -> CType | None:
        """The type of one of the variables. Raises LoadError if malformed."""
        return self._ask(lambda functions: functions.variables.type_of(variable))

    def line(self, offset: int) -> SourceLine | None:
        """The source line of the instruction at an offset. Malformed tables are left out."""
        starts, lines = self._lines
        i = bisect_right(starts, offset) - 1
        return lines[i] if i >= 0 else None

    @property
    def call_frames(self) -> bytes:
        """The section .debug_frame."""
        return self._sections.get("debug_frame", b"")

    def elsewhere(self) -> list[str]:
        """The files with the rest of the information (-gsplit-dwarf). Raises LoadError if malformed."""
        return self._ask(lambda functions: functions.entries.split) or []

    def _ask(self, question: Callable[[Functions], _Answer]) -> _Answer | None:
        if not self._sections.get("debug_info") or not self._sections.get("debug_abbrev"):
            return None
        if isinstance(self._functions, LoadError):
            raise self._functions
        try:
            return question(self._functions)
        except Exception as e:
            raise self._malformed(e) from None

    @cached_property
    def _functions(self) -> Functions | LoadError:
        try:
            from armexec.objects.debug_info.dwarf.functions import Functions

            return Functions(self._sections)
        except Exception as e:
            return self._malformed(e)

    def _malformed(self, error: Exception) -> LoadError:
        # On malformed input pyelftools raises any of Python's exceptions.
        detail = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return LoadError(f"{self.name}: malformed debug information ({detail})")

    @cached_property
    def _lines(self) -> tuple[list[int], list[SourceLine | None]]:
        from armexec.objects.debug_info.dwarf.lines import read_lines

        return read_lines(
            self._sections.get("debug_line", b""),
            self._sections.get("debug_line_str", b""),
            self._sections.get("debug_str", b""),
        )


class MovedDebugInfo(DebugInfo):
    """Debug information whose addresses are offsets in the image less `distance`."""

    def __init__(self, info: DebugInfo, distance: int) -> None:
        super().__init__(info.name, {})
        self._info = info
        self._distance = distance

    def prototype(self, offset: int, linkage_name: str) -> Prototype | None:
        return self._info.prototype(offset - self._distance, linkage_name)

    def declared(self, linkage_name: str) -> Prototype | None:
        return self._info.declared(linkage_name)

    def type_names(self) -> list[str]:
        return self._info.type_names()

    def type(self, name: str) -> CType | None:
        return self._info.type(name)

    def variables(self) -> list[Variable]:
        return [
            variable if variable.offset is None else variable._replace(offset=variable.offset + self._distance)
            for variable in self._info.variables()
        ]

    def variable_type(self, variable: Variable) -> CType | None:
        return self._info.variable_type(variable)

    def line(self, offset: int) -> SourceLine | None:
        return self._info.line(offset - self._distance)

    def elsewhere(self) -> list[str]:
        return self._info.elsewhere()
