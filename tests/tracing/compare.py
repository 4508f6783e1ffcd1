"""Traces by both recorders: the interpreter, which is believed, and blocks that record what they do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

import armexec
from armexec.debugger.open import target_of
from armexec.disasm import listing
from armexec.engines.observed import Policy
from armexec.tracing.open import trace_of

EAGER = Policy(hot=1, very_hot=2)
"""Translate at once, and again soon."""
QUICK = Policy(hot=1, very_hot=0)
"""Translate at once, and never again."""
SOON = Policy(hot=3, very_hot=9)


def traced(opened: Any, policy: Policy | None, **settings: Any) -> armexec.Trace:
    """The trace of a target: by blocks, or without a policy by the interpreter."""
    try:
        return trace_of(opened, **settings, fast=policy is not None, policy=policy)
    finally:
        opened.close()


def assert_equal(expected: armexec.Trace, found: armexec.Trace, about: object = "") -> None:
    """Both have the same rows and columns, and the same end."""
    assert (len(expected), expected.first) == (len(found), found.first), about
    for name in ("pc", "word", "time"):
        assert np.array_equal(getattr(expected, name), getattr(found, name)), (about, name)
    for table in ("registers", "memory"):
        first, second = getattr(expected, table), getattr(found, table)
        for column in dataclasses.fields(first):
            a, b = getattr(first, column.name), getattr(second, column.name)
            if not np.array_equal(a, b):
                at = next((n for n in range(min(len(a), len(b))) if a[n] != b[n]), min(len(a), len(b)))
                time = int((first if at < len(first) else second).time[at])
                row = expected[time - expected.first]
                raise AssertionError(
                    f"{about}: {table}.{column.name}, row {at} of {len(a)} and {len(b)}, {row}:"
                    f" {a[at : at + 3]} and {b[at : at + 3]}\n{listing([row.word])}"
                )
    assert (str(expected.error), expected.stop) == (str(found.error), found.stop), about


def both(make: Callable[[], Any], policy: Policy, about: object = "", **settings: Any) -> armexec.Trace:
    """The trace of what `make` gives for `armexec.trace`: equal by both recorders."""
    expected, found = (traced(target_of(*make()), chosen, **settings) for chosen in (None, policy))
    assert_equal(expected, found, about)
    return found
