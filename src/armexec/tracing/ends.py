"""Where the blocks of a recording begin and end, while more of them become known."""

from __future__ import annotations

import numpy as np

from armexec.isa import decode
from armexec.tracing.tables import Array
from armexec.translate.observed.records import Layout, Layouts

__all__ = ["CALL", "INDIRECT", "OTHER", "RETURN", "Ends", "parts"]

OTHER, CALL, RETURN, INDIRECT = range(4)
"""How a block ends: by what calls; by `ret` or `br x30`; by what may go to any other address; by none of them."""
_DIRECT = ("", "branch", "conditional branch")


def parts(headers: Array) -> tuple[Array, Array]:
    """The layouts of entries of the first stream, and how many instructions of each were executed."""
    return (headers & np.uint64(0xFFFF_FFFF)).astype(np.int64), (headers >> np.uint64(32)).astype(np.int64)


class Ends:
    """By the numbers of layouts: `start` and `end`, addresses, `count`, instructions, and `kind`, how they end."""

    def __init__(self, layouts: Layouts) -> None:
        self._layouts = layouts
        self.start = self.end = np.zeros(0, np.uint64)
        self.count = self.kind = np.zeros(0, np.int64)

    def update(self) -> None:
        """Take in what has become known."""
        new = self._layouts.known[len(self.start) :]
        if new:
            counts = [len(layout.words) for layout in new]
            starts = np.array([layout.start for layout in new], np.uint64)
            self.start = np.concatenate([self.start, starts])
            self.end = np.concatenate([self.end, starts + 4 * np.array(counts, np.uint64)])
            self.count = np.concatenate([self.count, np.array(counts, np.int64)])
            self.kind = np.concatenate([self.kind, np.array([_kind(layout) for layout in new], np.int64)])


def _kind(layout: Layout) -> int:
    decoded = decode(layout.words[-1]) if layout.words else None
    if decoded is None:
        return OTHER
    control = decoded.effects.control
    if control in ("call", "call to register"):
        return CALL
    if control == "return" or (control == "branch to register" and ("x", 30) in decoded.effects.reads):
        return RETURN
    return OTHER if control in _DIRECT else INDIRECT
