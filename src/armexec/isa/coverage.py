"""Coverage of the architecture: the encodings that are described, and the reason why others aren't."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from .data import rows
from .groups import all_instructions

__all__ = ["Coverage", "Encoding", "coverage", "encodings", "known_encoding"]


class Encoding(NamedTuple):
    """An encoding of the architecture by Arm's name.

    `alias_of` and `feature` may be empty; `apple` is the first generation of Apple silicon that has it ("m1") or "-".
    A word is of this encoding when `word & mask == value`, unless `word & m == v` for one of `excluded`.
    """

    name: str
    group: str
    alias_of: str
    feature: str
    apple: str
    mask: int
    value: int
    excluded: tuple[tuple[int, int], ...]

    def matches(self, word: int) -> bool:
        return word & self.mask == self.value and not any(word & m == v for m, v in self.excluded)


class Coverage(NamedTuple):
    """A row of the coverage report: `status` is "implemented" or "unsupported", the latter with a reason."""

    encoding: str
    group: str
    alias_of: str
    feature: str
    apple: str
    status: str
    reason: str


@cache
def encodings() -> tuple[Encoding, ...]:
    """Every encoding of A64 that the architecture has, aliases among them."""
    table = []
    for row in rows("encodings.tsv"):
        name, group, alias_of, feature, apple, mask, value, *excluded = row
        pairs = tuple(pair.split("/") for pair in " ".join(excluded).split())
        table.append(
            Encoding(
                name,
                group,
                alias_of,
                feature,
                apple,
                int(mask, 16),
                int(value, 16),
                tuple((int(m, 16), int(v, 16)) for m, v in pairs),
            )
        )
    return tuple(table)


def _described() -> set[str]:
    return {form.name for described in all_instructions() for form in (*described.forms, *described.aliases)}


def coverage() -> list[Coverage]:
    """A row for every encoding of A64: described here, or the reason why not."""
    described = _described()
    return [
        Coverage(
            encoding.name,
            encoding.group,
            encoding.alias_of,
            encoding.feature,
            encoding.apple,
            "implemented" if encoding.name in described else "unsupported",
            "" if encoding.name in described else _reason(encoding),
        )
        for encoding in encodings()
    ]


def _reason(encoding: Encoding) -> str:
    if encoding.group == "SVE":
        return "Apple silicon has no SVE"
    if encoding.apple == "-":
        return f"Apple silicon doesn't have {encoding.feature or encoding.group + ' in this form'}"
    if encoding.apple != "m1":
        what = encoding.feature or encoding.group
        return f"{what} is newer than the M1: the {encoding.apple.upper()} is the first to have it"
    return "SIMD and floating point aren't described yet" if encoding.group == "SIMD-FP" else "not described yet"


@cache
def _undescribed(top: int) -> tuple[Encoding, ...]:
    """The encodings, aliases aside, that aren't described and can begin with these twelve bits."""
    described = _described()
    found = [
        encoding
        for encoding in encodings()
        if not encoding.alias_of
        and encoding.name not in described
        and not (top ^ encoding.value >> 20) & encoding.mask >> 20
    ]
    # The most specific comes first, as in decoding.
    found.sort(key=lambda encoding: -encoding.mask.bit_count())
    return tuple(found)


def known_encoding(word: int) -> str | None:
    """The encoding of an instruction that isn't described here, or None where the word is UNDEFINED."""
    for encoding in _undescribed(word >> 20):
        if encoding.matches(word):
            return encoding.name
    return None
