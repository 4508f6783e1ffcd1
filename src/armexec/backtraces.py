"""Where code was when it failed, and what had called it: data only, whatever it is about."""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, overload

__all__ = ["Backtrace", "Frame"]


class Frame(NamedTuple):
    """A call that was going on. `pc`: the instruction that failed, or in other frames the call that hasn't returned.

    `symbol` (`name+offset`), `function` (its name as in the source), `file` and `line` (from 1) are empty, and 0, where
    they aren't known.
    """

    pc: int
    symbol: str = ""
    function: str = ""
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        name = self.function or self.symbol or "code without a name"
        if not self.file:
            offset = self.symbol.rpartition("+")[2] if "+0x" in self.symbol else ""
            return f"  0x{self.pc:x}, in {name}{f'+{offset}' if offset else ''}"
        text = linecache.getline(self.file, self.line).strip()
        return f'  File "{self.file}", line {self.line}, in {name}' + (f"\n    {text}" if text else "")


class Backtrace(Sequence[Frame]):
    """The frames of the guest's functions, the innermost first, down to the function that Python has called.

    `rest`: empty if that is reached, else why the others aren't there. `str()` shows it in the manner of a traceback.
    """

    __slots__ = ("frames", "rest")

    def __init__(self, frames: Iterable[Frame] = (), rest: str = "") -> None:
        self.frames = tuple(frames)
        self.rest = rest

    def __len__(self) -> int:
        return len(self.frames)

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Frame, ...]: ...
    def __getitem__(self, index: int | slice) -> Frame | tuple[Frame, ...]:
        return self.frames[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Backtrace) and (self.frames, self.rest) == (other.frames, other.rest)

    def __hash__(self) -> int:
        return hash((self.frames, self.rest))

    def __repr__(self) -> str:
        names = [frame.function or frame.symbol or f"0x{frame.pc:x}" for frame in self.frames]
        return f"<Backtrace {' < '.join(names) or 'without frames'}{' ...' if self.rest else ''}>"

    def __str__(self) -> str:
        lines = ["Backtrace of the guest (most recent call first):", *_shown(self.frames)]
        return "\n".join([*lines, *([f"  ... {self.rest}"] if self.rest else [])])


_REPEATED = 3
"""So many equal frames in a row are shown, as Python does with recursion."""


def _shown(frames: Sequence[Frame]) -> Iterator[str]:
    """The texts of frames, and the number of those that only repeat the one before."""
    for text, group in groupby(map(str, frames)):
        count = len(list(group))
        yield from [text] * min(count, _REPEATED)
        if count > _REPEATED:
            yield f"  [the same {count - _REPEATED} times more]"
