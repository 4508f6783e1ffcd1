"""Several objects, and members of static libraries, -> one set of sections, symbols and relocations."""

from __future__ import annotations

from armexec.objects.linking.merge import Merged, merge
from armexec.objects.linking.part import FINAL, Group, Initializer, Part, Unwind
from armexec.objects.linking.selection import Library, Selection, members, select

__all__ = [
    "FINAL",
    "Group",
    "Initializer",
    "Library",
    "Merged",
    "Part",
    "Selection",
    "Unwind",
    "members",
    "merge",
    "select",
]
