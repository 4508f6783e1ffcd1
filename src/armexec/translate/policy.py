"""Which optimizations a translation makes, and up to which sizes."""

import os
from functools import cache
from typing import NamedTuple, Self

from armexec.errors import HostError

__all__ = ["DEFAULT", "OPTIMIZATIONS", "Policy", "policy_from_environment"]

_VARIABLE = "ARMEXEC_DISABLE"

# Annotations are no strings here: Python would compile each of a NamedTuple's, which takes a millisecond.


class Policy(NamedTuple):
    """The optimizations and their thresholds. Results don't depend on it, except for code that is wrong.

    Sizes are in the guest's instructions unless said otherwise.
    """

    call_targets: bool = True
    """Calls to registers are compared with the functions that they may be of."""
    callee_saved: bool = True
    """Registers that a function saves and loads again aren't among its results."""
    cold_interpretation: bool = True
    """Code that the guest writes while it runs is interpreted until it has been executed often."""
    deferred_stores: bool = True
    """One guard serves several stores of floating-point results."""
    inlining: bool = True
    """Small functions become part of their callers."""
    jump_tables: bool = True
    """The targets of jumps by tables are read from the tables, and belong to the function."""
    nan_speculation: bool = True
    """Code assumes that no NaN comes up, and is left for nonspeculative code where one does."""
    narrow_registers: bool = True
    """Registers that hold 32 bits throughout a function are kept in as many."""
    osr: bool = True
    """Loops of the first tier go on in better code when there is some (on-stack replacement)."""
    reexecution_regions: bool = True
    """Loops without effects are guarded where they are left, and run again from their start."""
    tiers: bool = True
    """Code whose optimization takes long is compiled without at first."""
    unrolling: bool = True
    """LLVM unrolls loops."""
    unrolling_by_cost: bool = True
    """It also unrolls loops that it isn't asked to."""
    vector_pairs: bool = True
    """Pairs of instructions on V registers become one on a vector of the host of twice the size."""
    vectorcall: bool = True
    """Python calls functions without ctypes once they have been called twice."""
    vectorization: bool = True
    """LLVM makes vectors of scalar code."""

    max_function: int = 2000
    """A function larger than this is cut into fragments that aren't."""
    max_unit: int = 20_000
    """A unit takes no further functions beyond this; calls of them go through the dispatcher."""
    max_first_tier_unit: int = 500
    """The same for what is only for the time being."""
    max_block_copies: int = 4
    """Code that is reached from more functions than this isn't part of them."""
    max_shared_end: int = 32
    """The end of a function that others share is copied any number of times up to this size."""
    window: int = 64
    """A function up to this size is translated from any address on; of a larger one, at most this much at once is."""
    max_inlined: int = 120
    """A function isn't inlined if it would bring along more than this, with what is inlined into it."""
    max_inlined_into: int = 2000
    """Nothing is inlined into a function that would become larger than this."""
    max_copied_leaf: int = 32
    """A function that calls nothing and isn't longer is translated again for each unit that calls it."""
    max_call_targets: int = 32
    """Maximum number of functions with which a call to a register is compared."""
    max_call_target: int = 250
    """A function larger than this, with all that it calls, isn't translated because a pointer may lead to it."""
    max_call_targets_in_unit: int = 1500
    """Maximum sum of the sizes of functions that are in a unit for that reason alone."""
    first_batch: int = 16
    """What is translated along with a function that a unit had no room for: at first, then twice as much each time."""
    max_batch: int = 500
    """The same at most."""
    max_optimized_at_once: int = 150
    """Code up to this size is optimized before it runs, which takes about 50 ms; strict code counts four times."""
    max_loops_optimized: int = 1000
    """Loops of larger units are neither unrolled nor vectorized: it takes a third of all the time."""
    max_unrolled: int = 250
    """A loop of more lines of IR isn't unrolled for its branch, which is a small part of it."""
    max_narrowed: int = 20_000
    """A function of more lines of IR has no loops that count for much: its registers aren't narrowed."""
    max_interpreted: int = 200
    """Code that the guest writes is translated when so much was interpreted from where it is entered."""
    max_deferred_stores: int = 8
    """Maximum number of stores that wait for one guard."""

    def without(self, *names: str) -> Self:
        """The same without some optimizations."""
        return self._replace(**dict.fromkeys(names, False))


DEFAULT = Policy()

OPTIMIZATIONS = tuple(name for name, value in Policy._field_defaults.items() if value is True)
"""The optimizations, by the names of their fields."""


@cache
def _without(text: str) -> Policy:
    names = [name.strip().replace("-", "_") for name in text.split(",")]
    names = [name for name in names if name]
    unknown = [name for name in names if name not in (*OPTIMIZATIONS, "all")]
    if unknown:
        known = ", ".join(name.replace("_", "-") for name in OPTIMIZATIONS)
        wrong = unknown[0].replace("_", "-")
        raise HostError(f"{_VARIABLE}: there is no optimization {wrong!r}: choose some of {known}, or all")
    return DEFAULT.without(*(OPTIMIZATIONS if "all" in names else names))


def policy_from_environment() -> Policy:
    """The policy that ARMEXEC_DISABLE asks for: names of optimizations between commas, or `all`. Raises HostError."""
    text = os.environ.get(_VARIABLE, "")
    return _without(text) if text else DEFAULT
