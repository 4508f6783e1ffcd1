"""A layout that is put behind another one."""

from __future__ import annotations

from dataclasses import replace

from armexec.objects.layout import Layout

__all__ = ["append"]


def append(layout: Layout, piece: Layout, start: int, base: int) -> None:
    """Put what was laid out by itself at `base`; `start` is the number of its first symbol."""
    layout.align = max(layout.align, piece.align)
    layout.segments += [replace(s, offset=s.offset + base) for s in piece.segments]
    layout.sections += [s._replace(offset=s.offset + base) for s in piece.sections]
    layout.relocations += [
        replace(
            r,
            offset=r.offset + base,
            symbol=r.symbol + start,
            minus=None if r.minus is None else r.minus + start,
            got=None if r.got is None else r.got + base,
        )
        for r in piece.relocations
    ]
    layout.got = piece.got + base
    layout.veneers |= {symbol + start: at + base for symbol, at in piece.veneers.items()}
    layout.stubs |= {site + base: stub + base for site, stub in piece.stubs.items()}
    layout.exit = layout.exit or (piece.exit + base if piece.exit else 0)
    layout.holes |= {symbol + start: at + base for symbol, at in piece.holes.items()}
