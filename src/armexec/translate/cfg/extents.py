"""Where the functions of an image begin, and which of them jump to each other: facts of its code alone.

An extent goes from one start of a function to the next. A function starts at a symbol, at the target of a BL, and where
a range of code begins. What a function jumps to in other extents (tail calls, cold parts, falling through) is
translated with it, unless more functions than a few reach it.

The words are read one after the other, whatever they are: literals among them may add a start or a jump that isn't
there. That changes what is translated together, and no result.
"""

from __future__ import annotations

import re
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from armexec.isa import decode
from armexec.translate.cfg.components import strongly_connected_components
from armexec.translate.cfg.discovery import BlockEndMachine, ends_block
from armexec.translate.policy import Policy

__all__ = ["CodeRange", "Extents", "direct_branch"]

CodeRange = tuple[int, bytes]
"""The address of some code, and its bytes."""

_NOP = 0xD503201F
# The last bytes of words: what is described isn't looked at, since all words are. A test compares with it.
_CALLS = re.compile(rb"[\x94-\x97]")
_JUMPS = re.compile(rb"[\x14-\x17\x34-\x37\x54\xb4-\xb7]")
_B, _BL = 0x05, 0x25  # the first six bits
_STOPS = frozenset(b"\x00\xd4\xd6\xd7")  # UDF; BRK and SVC; BR and RET, and with authentication
_ENDS = frozenset(("goto", "jump", "return", "stop"))


def direct_branch(word: int) -> int:
    """The distance in bytes that B, BL, B.cond, CBZ, CBNZ, TBZ or TBNZ has in its word (Arm ARM, C6.2)."""
    top = word >> 24
    if top & 0x7C == 0x14:
        field, bits = word & 0x3FF_FFFF, 26
    elif top & 0x7E == 0x36:
        field, bits = word >> 5 & 0x3FFF, 14
    else:
        field, bits = word >> 5 & 0x7_FFFF, 19
    return 4 * (field - (field >> bits - 1 << bits))


class _Jumps(NamedTuple):
    """By extent, those that it jumps to or falls into, and its addresses that others jump to; all that is jumped to."""

    edges: dict[int, set[int]]
    entered: dict[int, set[int]]
    targets: set[int]


class Extents:
    """The extents of an image. `ranges`: its code; `functions`: where symbols say that functions begin."""

    def __init__(self, ranges: Sequence[CodeRange], functions: Sequence[int], policy: Policy) -> None:
        self._ranges = [(base, data[: len(data) & ~3]) for base, data in sorted(ranges) if len(data) >= 4]
        self._functions = functions
        self._max_copies = policy.max_block_copies
        self._max_shared_end = policy.max_shared_end
        self._machine = BlockEndMachine()
        self._kinds: dict[int, str] = {}
        self._implicit: dict[int, list[int]] = {}

    @cached_property
    def _words(self) -> list[array[int]]:
        found = []
        for _, data in self._ranges:
            words = array("I", data)
            if sys.byteorder == "big":
                words.byteswap()
            found.append(words)
        return found

    def _branches(self, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
        """The addresses of direct branches whose words end with such a byte, and of their targets."""
        for (base, data), words in zip(self._ranges, self._words, strict=True):
            for found in pattern.finditer(data[3::4]):
                at = found.start()
                word = words[at]
                # There is no B.cond with another bit here, but BC.cond: both are branches.
                yield base + 4 * at, base + 4 * at + direct_branch(word)

    def _holds(self, address: int) -> bool:
        return any(base <= address < base + len(data) for base, data in self._ranges)

    @cached_property
    def starts(self) -> list[int]:
        """The starts of functions, in order."""
        starts = {base for base, _ in self._ranges}
        starts.update(at for at in self._functions if not at & 3 and self._holds(at))
        # `bl .+4` only reads the pc.
        starts.update(to for at, to in self._branches(_CALLS) if to != at + 4 and self._holds(to))
        return sorted(starts)

    def start(self, address: int) -> int | None:
        """The start of the extent that holds an address, None where there is no code."""
        if not self._holds(address):
            return None
        return self.starts[bisect_right(self.starts, address) - 1]

    def end(self, start: int) -> int:
        """The end of the extent that begins at a start."""
        return self._ends[start]

    @cached_property
    def _ends(self) -> dict[int, int]:
        ends: dict[int, int] = {}
        for base, data in self._ranges:
            end = base + len(data)
            starts = self.starts[bisect_left(self.starts, base) : bisect_left(self.starts, end)]
            ends.update(zip(starts, [*starts[1:], end], strict=True))
        return ends

    def word(self, address: int) -> int:
        """The word at an address of code."""
        for (base, data), words in zip(self._ranges, self._words, strict=True):
            if base <= address < base + len(data):
                return words[(address - base) // 4]
        raise LookupError(f"there is no code at {address:#x}")

    def is_at_end(self, address: int) -> bool:
        """Whether nothing but NOPs is between an address and the start of another function."""
        start = self.start(address)
        if start is None or start == address:
            return start is not None
        if self.word(address) != _NOP:
            return False
        end = self.end(start)
        return self._holds(end) and all(self.word(at) == _NOP for at in range(address, end, 4))

    def jumped_into(self, start: int) -> list[int]:
        """The addresses of an extent that others jump to, in order."""
        return sorted(self._jumps.entered.get(start, ()))

    def implicit_function(self, address: int) -> tuple[int, int]:
        """The start and the end of the code around an address, from after a jump or a return to after another.

        It doesn't begin or end at addresses that are jumped to.
        """
        start = self.start(address)
        assert start is not None
        begins = self._implicit.get(start)
        if begins is None:
            begins = self._implicit[start] = self._implicit_starts(start)
        at = bisect_right(begins, address)
        return begins[at - 1], begins[at] if at < len(begins) else self.end(start)

    def _implicit_starts(self, start: int) -> list[int]:
        end, targets = self.end(start), self._jumps.targets
        found = [start]
        for address in range(start, end - 4, 4):
            if address + 4 not in targets and self._kind(address) in _ENDS:
                found.append(address + 4)
        return found

    def _kind(self, address: int) -> str:
        """How an instruction ends a block ("" if it doesn't), as far as `shared` needs to know: see `Block.kind`."""
        word = self.word(address)
        if word == _BL << 26 | 1:
            return ""  # it only reads the pc
        if word >> 26 == _BL:
            return "call"
        if word >> 26 == _B:
            return "goto"
        if word >> 24 not in _STOPS:
            return ""
        kind = self._kinds.get(word)
        if kind is None:
            decoded = decode(word)
            kind = "stop"
            if decoded is not None:
                kind = self._machine.kind if ends_block(decoded, address, self._machine) else ""
            self._kinds[word] = kind
        return kind

    def _falls_through(self, at: int, end: int) -> bool:
        """Whether control reaches the end of an extent, of which `at` is the last address that is jumped to."""
        last = end - 4
        while last > at and self.word(last) == _NOP:
            last -= 4
        # Mostly it ends with a jump or a return. Where literals follow these, that is found out from the start.
        return "call" not in self._kind(last) and not any(self._kind(a) in _ENDS for a in range(last, at - 4, -4))

    @cached_property
    def _jumps(self) -> _Jumps:
        starts = self.starts
        jumps = _Jumps({start: set() for start in starts}, {}, set())
        last = dict.fromkeys(starts, 0)
        for at, to in self._branches(_JUMPS):
            if not self._holds(to):
                continue
            jumps.targets.add(to)
            here, there = starts[bisect_right(starts, at) - 1], starts[bisect_right(starts, to) - 1]
            last[there] = max(last[there], to)
            if here != there:
                jumps.edges[here].add(there)
                jumps.entered.setdefault(there, set()).add(to)
        for start in starts:
            end = self.end(start)
            if self._holds(end) and self._falls_through(max(start, last[start]), end):
                jumps.edges[start].add(end)
                jumps.entered.setdefault(end, set()).add(end)
        return jumps

    @cached_property
    def shared(self) -> frozenset[int]:
        """The starts of extents that so many others reach by jumps that they aren't part of these."""
        edges = self._jumps.edges
        components = strongly_connected_components(edges)
        number = {start: i for i, members in enumerate(components) for start in members}
        # A component comes after all that it jumps to.
        sizes: list[int] = []
        after: list[set[int]] = []
        for i, members in enumerate(components):
            reached = {number[to] for start in members for to in edges[start]} - {i}
            size = sum((self.end(start) - start) // 4 for start in members)
            # What two of them reach is counted twice: that is on the safe side.
            size += sum(sizes[there] for there in reached)
            sizes.append(min(size, self._max_shared_end + 1))
            after.append(reached)
        shared: set[int] = set()
        most = self._max_copies
        reaching: list[set[int]] = [set(sorted(members)[: most + 1]) for members in components]
        for i in reversed(range(len(components))):
            members = components[i]
            if sizes[i] > self._max_shared_end and len(reaching[i]) > most:
                shared.update(members)
            for start in members:
                for to in edges[start]:
                    there = reaching[number[to]]
                    if number[to] == i or len(there) > most:
                        continue
                    there |= {start} if start in shared else reaching[i]
        return frozenset(shared)

    def is_shared(self, address: int) -> bool:
        """Whether an address is in a shared extent."""
        return self.start(address) in self.shared
