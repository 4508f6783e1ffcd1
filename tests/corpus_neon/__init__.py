"""A corpus of functions on NEON's intrinsics, each with a body of plain C that says what it must give.

The guest's build has the macro ``NEON``; the host's own compilation doesn't, so that the expected outcomes come from
plain C on every host. Signed integers wrap in both, as vector elements do.
"""

from __future__ import annotations

from pathlib import Path

from corpus import Corpus

DIRECTORY = Path(__file__).parent

NEON_CORPUS = Corpus(
    DIRECTORY,
    (
        "-DNEON",
        f"-I{DIRECTORY}",
        "-mcpu=apple-m1",
        "-ffreestanding",
        "-fwrapv",
        "-ffp-contract=off",
        "-fno-math-errno",
    ),
    ("-fwrapv", "-ffp-contract=off", "-fno-math-errno"),
)
