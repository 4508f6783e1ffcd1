"""Which functions want the symbols that nothing defines."""

from __future__ import annotations

from armexec.objects.linking.part import Part
from armexec.objects.linking.selection import Selection
from armexec.objects.names import source_name

__all__ = ["missing_text"]

_MOST_REFERRERS = 3


def missing_text(selection: Selection) -> str:
    """All missing symbols, each with the functions and objects that refer to it; empty if there are none."""
    lines = []
    for name, places in selection.missing.items():
        found: dict[str, None] = {}
        for number, section in places:
            part = selection.parts[number]
            for reference in part.references:
                if reference.section == section and part.symbols[reference.symbol].name == name:
                    found[f"{_function(part, section, reference.offset)} ({part.name})"] = None
        wanted = list(found)
        shown = ", ".join(wanted[:_MOST_REFERRERS])
        more = f" and {len(wanted) - _MOST_REFERRERS} more" if len(wanted) > _MOST_REFERRERS else ""
        lines.append(f"  {source_name(name)}" + (f", wanted by {shown}{more}" if wanted else ""))
    return "\n".join(lines)


def _function(part: Part, section: int, offset: int) -> str:
    """The function, or the variable, that an offset in a section belongs to; else the section."""
    before = [
        s for s in part.symbols if s.section == section and s.value <= offset and s.kind in ("function", "object")
    ]
    best = max((s for s in before if s.name), key=lambda s: s.value, default=None)
    return source_name(best.name) if best is not None else part.sections[section].name
