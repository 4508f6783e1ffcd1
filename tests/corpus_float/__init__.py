"""A corpus of numeric functions in plain C: floats, doubles, halves and integers of all widths.

Both sides evaluate every operation in its own type and round it once: nothing is contracted, reassociated or assumed
about NaNs, so that host and AArch64 agree bit by bit. Fused products are written as ``__builtin_fma``. No conversion
to an integer is out of its range, where C says nothing and processors differ.
"""

from __future__ import annotations

from pathlib import Path

from corpus import Corpus

DIRECTORY = Path(__file__).parent

FLOAT_CORPUS = Corpus(
    DIRECTORY,
    ("-ffreestanding", "-ffp-contract=off", "-fno-math-errno"),
    ("-ffp-contract=off", "-fno-math-errno"),
)

#: The two generations whose code is compared; clang schedules and selects for each.
PROCESSORS = ("apple-m1", "apple-m2")
