"""The ranges whose protection armexec knows, because it mapped them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from armexec.memory import Protection
from armexec.memory.mapped_ranges import MappedRanges

READ = Protection.READ


@given(
    lengths=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=6),
    removed=st.integers(0, 6),
    order=st.randoms(use_true_random=False),
)
def test_find_gives_the_range_that_holds_an_address(
    lengths: list[tuple[int, int]], removed: int, order: object
) -> None:
    ranges, end = [], 1000
    for gap, length in lengths:
        ranges.append((end + gap, length))
        end += gap + length
    shuffled = ranges.copy()
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    mapped = MappedRanges()
    for start, length in shuffled:
        mapped.add(start, length, READ)
    if removed < len(ranges):
        mapped.remove(*ranges.pop(removed))
    for address in range(990, end + 10):
        expected = [(start, length) for start, length in ranges if start <= address < start + length]
        found = mapped.find(address)
        assert ([(found.start, found.end - found.start)] if found else []) == expected


def test_what_can_not_be_accessed_is_no_mapped_range() -> None:
    mapped = MappedRanges()
    mapped.add(4096, 4096, Protection.NONE)
    assert mapped.find(4096) is None
