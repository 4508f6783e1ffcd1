"""Which values of an IR text the guest's general registers have at an instruction: from the text alone.

A register's definitions are followed through the blocks of a function. Where several meet, it has no value that is
known, unless the text loads it there. The text says itself what each instruction writes (`Builder.note`), and what a
call may have changed (`Builder.clobber`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from armexec.translate.cfg.components import strongly_connected_components
from armexec.translate.codegen.debug_locations import MARK

__all__ = ["CALLER", "FunctionValues", "Known", "State", "called", "function_texts", "in_circles"]

_REGISTERS = range(32)
_DEFINED = re.compile(r"define [^@]*@([\w.]+)\(")
_LABEL = re.compile(r"label %([\w.]+)")
_STORE = re.compile(r"store i(32|64) (\S+), ptr %x(\d+)$")
_LOAD = re.compile(r"(%[\w.]+) = load i64, ptr %x(\d+)$")
_NARROW_LOAD = re.compile(r"(%[\w.]+)\.w = load i32, ptr %x(\d+)$")
_STATE_PLACE = re.compile(r"(%[\w.]+) = getelementptr i8, ptr %state, i64 (\d+)$")
_STATE_STORE = re.compile(r"store i64 \S.*, ptr (%[\w.]+), align 8$")
_STATE_END = 32 * 8
"""Where X0 to X30 and SP end in the state structure."""
_WRITTEN = re.compile(r"([xw])(\d+)=(\S+)")
_CALLED = re.compile(r"call [^@\"]*@([\w.]+)\(")
_ACCESSES = re.compile(r"(load|store|atomicrmw|cmpxchg|call) ")
_KEPT = re.compile(r"ptr %(x|f|q|d|s)\w*$")
_ADDRESS = re.compile(r"ptrtoint \(ptr getelementptr \(i8, ptr @image, i64 (\d+)\) to i64\)")


class Known(NamedTuple):
    """What a register has: the value `name` of the text, of 64 bits or of 32 that are extended by zeros; a `number`; or
    the address of an `offset` in the image. Of these, one is given. `CALLER`: what it has in the caller at the call.
    """

    name: str = ""
    bits: int = 64
    number: int | None = None
    offset: int | None = None


CALLER = Known()
"""A register that the function hasn't written."""


class _Register(NamedTuple):
    """What is known of a register, and whether the function's variable for it has what it has."""

    known: Known | None = None
    is_kept: bool = False


_NOTHING = _Register()
_State = tuple[_Register, ...]


def function_texts(text: str) -> dict[str, list[str]]:
    """The lines of each function of a text, by its name."""
    found: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in text.split("\n"):
        if line.startswith("define "):
            name = _DEFINED.match(line)
            lines = found[name[1] if name else ""] = []
        if lines is not None:
            lines.append(line)
            if line == "}":
                lines = None
    return found


def _known(text: str, bits: int) -> Known | None:
    """What stands for a value in the text."""
    if text.startswith("%"):
        return Known(text, bits)
    if text.startswith("@"):
        return Known(offset=int(text[1:], 16))
    digits = text.removeprefix("-")
    return Known(number=int(text) & (1 << bits) - 1) if digits.isdigit() else None


class FunctionValues:
    """The values of a function of the register convention or of the state convention, from its lines."""

    def __init__(self, name: str, lines: Sequence[str]) -> None:
        self.name = name
        self._lines = lines
        self._blocks = _blocks(lines)
        self.definitions = dict(_definitions(lines))
        self._block_of = {
            value: label for label, (begin, end) in self._blocks.items() for value in self._in(begin, end)
        }
        self._targets = {
            label: [
                to for line in lines[begin:end] if line.startswith(("br ", "switch ")) for to in _LABEL.findall(line)
            ]
            for label, (begin, end) in self._blocks.items()
        }
        self._writing = _writing(lines)
        self._repeated = in_circles(self._targets)
        self._starts = self._flow()
        self.same = dict(self._loads())
        """What is known of a value that is loaded from where the function keeps a register."""

    def _in(self, begin: int, end: int) -> Iterator[str]:
        return (name for name, _ in _definitions(self._lines[begin:end]))

    def is_once(self, value: str) -> bool:
        """Whether a value is computed at most once in each call."""
        label = self._block_of.get(value)
        # An argument has no block.
        return label not in self._repeated if label is not None else value.startswith("%a")

    def is_once_at(self, offset: int) -> bool:
        """Whether an instruction is executed at most once in each call."""
        return not any(label in self._repeated for label, _ in self._places(offset))

    def at(self, offset: int, *, after: bool = False) -> State | None:
        """What the registers have before the instruction at an offset is executed, or `after` it; None if that can't be
        told."""
        places = [place for place in self._places(offset) if self._accesses(place[1])]
        if len(places) != 1:
            return None
        label, mark = places[0]
        state = self._starts.get(label)
        if state is None:
            return None
        found = list(self._run(state, self._blocks[label][0], mark + after))
        for line in self._region(mark):
            # What it reads, it has before.
            loaded = _LOAD.match(line)
            if loaded and found[int(loaded[2])] == _NOTHING:
                found[int(loaded[2])] = _Register(Known(loaded[1]), is_kept=True)
        return {n: register for n, register in enumerate(found) if register != _NOTHING}

    def flushed(self, offset: int) -> set[int]:
        """The registers that are put into the state structure for the call that an instruction makes."""
        found = set()
        places = {}
        for _, mark in self._places(offset):
            for line in self._region(mark):
                placed, stored = _STATE_PLACE.match(line), _STATE_STORE.match(line)
                if placed:
                    places[placed[1]] = int(placed[2])
                elif stored and places.get(stored[1], _STATE_END) < _STATE_END:
                    found.add(places[stored[1]] // 8)
                elif line.startswith(";~"):
                    break
        return found

    def _places(self, offset: int) -> list[tuple[str, int]]:
        """The blocks and the lines of the marks of an instruction."""
        wanted = f"{MARK}{offset:x}"
        return [
            (label, at)
            for label, (begin, end) in self._blocks.items()
            for at in range(begin, end)
            if self._lines[at].partition(" ")[0] == wanted
        ]

    def _region(self, mark: int) -> Iterator[str]:
        for line in self._lines[mark + 1 :]:
            if line.startswith(MARK) or line == "}":
                return
            yield line

    def _accesses(self, mark: int) -> bool:
        return any(_ACCESSES.search(line) and not _KEPT.search(line) for line in self._region(mark))

    def _loads(self) -> Iterator[tuple[str, Known]]:
        for label, start in self._starts.items():
            state = list(start)
            before = start
            for at in range(*self._blocks[label]):
                if self._lines[at].startswith(MARK):
                    # An instruction reads what a register has before it writes that.
                    before = tuple(state)
                loaded = _LOAD.match(self._lines[at])
                if loaded:
                    known = before[int(loaded[2])].known
                    if known is not None and known != CALLER and known.name != loaded[1]:
                        yield loaded[1], known
                self._step(state, at)

    # -- following the definitions ------------------------------------------------------------------------------------
    def _flow(self) -> dict[str, _State]:
        """What the registers have at the start of each block that can be reached."""
        # What enters through the state structure may have come from the middle of another function's code.
        entry: _State = (_Register(CALLER) if self.name.startswith("f") else _NOTHING,) * len(_REGISTERS)
        starts: dict[str, _State] = {"": entry}
        todo = [""]
        while todo:
            label = todo.pop()
            begin, end = self._blocks[label]
            state = self._run(starts[label], begin, end)
            for target in self._targets[label]:
                if target not in self._blocks:
                    continue
                old = starts.get(target)
                new = state if old is None else tuple(map(_met, old, state))
                if new != old:
                    starts[target] = new
                    todo.append(target)
        return starts

    def _run(self, start: _State, begin: int, end: int) -> _State:
        state = list(start)
        for at in range(begin, end):
            self._step(state, at)
        return tuple(state)

    def _step(self, state: list[_Register], at: int) -> None:
        """Change what the registers have as a line does."""
        line = self._lines[at]
        if line.startswith(MARK):
            for letter, number, value in _WRITTEN.findall(line):
                state[int(number)] = _Register(_known(value, 64 if letter == "x" else 32))
        elif line.startswith(";~"):
            changed = int(line[2:], 16)
            for n in _REGISTERS:
                if changed >> n & 1:
                    state[n] = _NOTHING
        elif line.startswith("store "):
            stored = _STORE.match(_ADDRESS.sub(lambda found: f"@{int(found[1]):x}", line))
            if stored:
                n, known = int(stored[3]), _known(stored[2], int(stored[1]))
                # One of 32 bits is what is known of it already.
                old = state[n].known
                state[n] = _Register(known if stored[1] == "64" or old is None else old, is_kept=True)
        else:
            loaded = _LOAD.match(line) or _NARROW_LOAD.match(line)
            # An instruction reads what a register has before it writes that.
            if loaded and int(loaded[2]) not in self._writing[at]:
                n = int(loaded[2])
                state[n] = _Register(state[n].known or Known(loaded[1]), is_kept=True)


def called(lines: Sequence[str]) -> list[str]:
    """The functions that the text of one calls."""
    return [name for line in lines for name in _CALLED.findall(line)]


def _met(a: _Register, b: _Register) -> _Register:
    """What is known where two ways meet."""
    return _Register(a.known if a.known == b.known else None, a.is_kept and b.is_kept)


State = Mapping[int, _Register]


def _blocks(lines: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The lines of each block, from the first on and up to the last; the entry's label is ""."""
    labels = [(0, "")] + [(at, line[:-1]) for at, line in enumerate(lines) if line.endswith(":") and line[0] != ";"]
    ends = [at for at, _ in labels[1:]] + [len(lines)]
    return {label: (at + 1, end) for (at, label), end in zip(labels, ends, strict=True)}


def _writing(lines: Sequence[str]) -> list[frozenset[int]]:
    """For each line, the registers that the instruction writes to which it belongs."""
    found = []
    written: frozenset[int] = frozenset()
    for line in lines:
        if line.startswith(MARK):
            written = frozenset(int(number) for _, number, _ in _WRITTEN.findall(line))
        elif line.startswith(_GUEST_LABELS):
            written = frozenset()
        found.append(written)
    return found


_GUEST_LABELS = ("block.", "loop.", "entry.")
"""How the labels begin at which instructions do."""


def _definitions(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, assigned, operation = line.partition(" = ")
        if assigned and name[0] == "%":
            yield name, operation


def in_circles(targets: Mapping[str, Sequence[str]]) -> set[str]:
    """The nodes from which a way leads back to themselves."""
    numbers = {node: n for n, node in enumerate(targets)}
    names = list(targets)
    edges = {n: {numbers[to] for to in targets[node] if to in numbers} for node, n in numbers.items()}
    found: set[str] = set()
    for component in strongly_connected_components(edges):
        if len(component) > 1 or component[0] in edges[component[0]]:
            found.update(names[n] for n in component)
    return found
