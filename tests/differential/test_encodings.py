"""Every encoding, random words in random states: the reference machine, the translation and independent oracles agree.

pytest tests/differential                        a few cases an encoding
pytest tests/differential -m long --cases 2000   many
"""

from __future__ import annotations

from collections import Counter

import pytest

from samples import one_of

from .exceptions import EXCEPTIONS, Exception_
from .generate import encodings
from .runner import ORACLES, Case, compare, make, make_one

GROUP = 48
# The oracles that aren't armexec's are quick, and they alone check what is said of an instruction.
SAMPLE = {"unicorn": 8, "qemu-user": 8, "translated-O0": 2, "translated-O2": 2, "plain-O0": 2, "plain-O2": 2}
NAMES = list(encodings())
GROUPS = [NAMES[i : i + GROUP] for i in range(0, len(NAMES), GROUP)]


def cases(names: list[str], seed: int, count: int) -> list[Case]:
    return [case for name in names for case in make(name, seed, count)]


def report(failures: list[object]) -> str:
    """The first few of each failure's kind, which is enough to read."""
    return f"{len(failures)} cases differ\n\n" + "\n\n".join(str(f) for f in failures[:5])


@pytest.mark.parametrize("names", one_of(4, GROUPS), ids=lambda names: f"{names[0]}...")
@pytest.mark.parametrize("oracle", ORACLES)
def test_encodings(names: list[str], oracle: str) -> None:
    failures, _ = compare(cases(names, 0, SAMPLE[oracle]), oracle)
    assert not failures, report([*failures])


@pytest.mark.parametrize("oracle", ["translated-O0", "translated-O2"])
def test_what_fuzzing_has_found(oracle: str) -> None:
    # A load of a byte into the register that had its tagged address.
    found = [("LDAPURSB_32_ldapstl_unscaled", 3800121811, number) for number in (1, 9, 11, 13)]
    made = [case for each in found if (case := make_one(*each)) is not None]
    assert len(made) == len(found)
    failures, _ = compare(made, oracle)
    assert not failures, report([*failures])


@pytest.mark.long
@pytest.mark.parametrize("oracle", ORACLES)
def test_encodings_at_length(oracle: str, request: pytest.FixtureRequest) -> None:
    """Thousands of cases an encoding; each exception is still met, or should be removed."""
    count, seed = request.config.getoption("--cases"), request.config.getoption("--seed")
    met: Counter[Exception_] = Counter()
    for name in NAMES:
        failures, found = compare(make.__wrapped__(name, seed, count), oracle)
        met += found
        assert not failures, report([*failures])
    if count < 200:
        return
    unmet = [e.reason for e in EXCEPTIONS if oracle in e.oracles and not met[e]]
    assert not unmet
