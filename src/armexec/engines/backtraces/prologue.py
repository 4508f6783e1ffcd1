"""Where a function without tables has saved X29 and X30, from its instructions: code written by hand.

The instructions from its begin to a place are looked at in their order. What an epilogue has undone is so again after
the return that ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

__all__ = ["saved_before"]

_SP, _FP = 31, 29
_MOST = 2000
"""Instructions that are looked at."""


@dataclass
class _State:
    """`distance`: from SP to where SP was at the begin, None where that isn't known. `frame`: from X29 to there, None
    where X29 is the caller's. `saved`: distances of saved registers from there."""

    distance: int | None = 0
    frame: int | None = None
    saved: dict[int, int | None] = field(default_factory=dict)

    def copy(self) -> _State:
        return replace(self, saved=dict(self.saved))


def saved_before(
    word: Callable[[int], int | None], begin: int, pc: int
) -> tuple[int | None, dict[int, int | None], int | None] | None:
    """What is so before the instruction at `pc` of the function at `begin`.

    Returns:
        the distance from SP to SP before the call, None where that isn't known; the distances of saved registers from
        there; and the distance from X29 to there, None where X29 is the caller's. None: it can't be told.
    """
    if not 0 <= pc - begin <= 4 * _MOST:
        return None
    state = _State()
    body = state.copy()
    for address in range(begin, pc, 4):
        instruction = word(address)
        if instruction is None:
            return None
        _step(state, instruction)
        if _leaves(instruction):
            state = body.copy()
        elif not _restores(instruction) and _is_deeper(state, body):
            body = state.copy()
    return state.distance, state.saved, state.frame


def _is_deeper(state: _State, other: _State) -> bool:
    """Whether no less of the stack is in use: an epilogue has less."""
    return state.distance is None or (other.distance is not None and state.distance >= other.distance)


def _leaves(word: int) -> bool:
    """RET, BR and their like; B."""
    return word & 0xFEDFF000 == 0xD61F0000 or word & 0xFC000000 == 0x14000000 or word & 0xFFFFFC1F == 0xD65F0000


def _restores(word: int) -> bool:
    """LDP or LDR of 64-bit registers from SP."""
    return word >> 5 & 31 == _SP and (word & 0xFE400000 == 0xA8400000 or word & 0xFFC00000 in (0xF9400000, 0xF8400000))


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 else value


def _step(state: _State, word: int) -> None:
    base, first, second = word >> 5 & 31, word & 31, word >> 10 & 31
    if word & 0xFE000000 == 0xA8000000 and base == _SP:
        # STP and LDP of X registers: bits 24 and 23 are the kind of address, bit 22 says load.
        offset = 8 * _signed(word >> 15 & 127, 7)
        _access(state, (first, second), offset, word >> 23 & 3, is_load=bool(word >> 22 & 1))
    elif word & 0xFFA00000 == 0xF8000000 and base == _SP and word >> 10 & 1:
        # STR and LDR of an X register, pre- or post-indexed.
        mode = 3 if word >> 11 & 1 else 1
        _access(state, (first,), _signed(word >> 12 & 511, 9), mode, is_load=bool(word >> 22 & 1))
    elif word & 0xFF800000 == 0xF9000000 and base == _SP:
        _access(state, (first,), 8 * (word >> 10 & 0xFFF), 2, is_load=bool(word >> 22 & 1))
    elif word & 0xBF800000 == 0x91000000:
        _add(state, word, first, base)
    elif first == _SP and word & 0x1F000000 == 0x0B000000 and word >> 21 & 1:
        # SUB SP, SP, X0.
        state.distance = None


def _add(state: _State, word: int, target: int, base: int) -> None:
    """ADD and SUB of an immediate."""
    amount = (word >> 10 & 0xFFF) << (12 if word >> 22 & 1 else 0)
    change = amount if word >> 30 & 1 else -amount
    if target == _SP:
        if base == _SP:
            state.distance = None if state.distance is None else state.distance + change
        elif base == _FP and state.frame is not None:
            state.distance = state.frame + change
        else:
            state.distance = None
    elif target == _FP:
        state.frame = state.distance + change if base == _SP and state.distance is not None else None


def _access(state: _State, registers: tuple[int, ...], offset: int, mode: int, *, is_load: bool) -> None:
    """A load or a store; `mode`: 1 post-indexed, 3 pre-indexed, else without write-back."""
    if state.distance is None:
        return
    if mode == 3:
        state.distance -= offset
    at = (0 if mode in (1, 3) else offset) - state.distance
    for n, register in enumerate(registers):
        if not is_load:
            if register not in state.saved and 19 <= register <= 30:
                state.saved[register] = at + 8 * n
        elif state.saved.get(register) == at + 8 * n:
            del state.saved[register]
            if register == _FP:
                state.frame = None
    if mode == 1:
        state.distance -= offset
