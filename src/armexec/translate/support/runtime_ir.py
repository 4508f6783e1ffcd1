"""Modules of the files of `runtime` and `unit`."""

from __future__ import annotations

import ctypes
import time

from armexec.callbacks.address_range import ENTRY_AT, RANGE_SIZE, SLOT_SIZE
from armexec.cpu.call_frame import FRAME_OFFSETS, CallFrame
from armexec.machines.addresses import CACHE_LINE
from armexec.translate.support.host_environment import environment_text, flags_text
from armexec.translate.support.host_frame_text import host_frame_text
from armexec.translate.support.load import load

__all__ = [
    "COUNTED_LOOKUPS",
    "ENDS",
    "FOR_CALLBACKS",
    "FOUND_SIZE",
    "INTERPRETERS",
    "POOL_SIZE",
    "SHARED",
    "core",
    "declarations",
    "dispatcher",
    "resumption",
    "runner",
    "shared",
]

FOUND_SIZE = 1024
"""Number of places for code that was found, of each mode; a power of two."""
POOL_SIZE = 64
"""Maximum number of states in the pool: a bit of a word is a slot."""

SHARED = (
    "trap",
    "monotonic_clock",
    "system_call",
    "invalidate_code",
    "lookup_slowly",
    "nonspeculative_slowly",
    "strict_slowly",
    "run_limited",
    "stop_within",
    "start",
    "not_started",
    "enter",
    "leave",
    "finish",
    "raise",
    "begin_loop",
    "loop_flags",
    "end_loop",
    "abandon_loop",
    "refuse_length",
)
"""The functions that `shared` defines for units."""
ENDS = {"RETURNED": 1, "CALLED": 2, "ELSEWHERE": 3}
"""How interpretation ends: where the call returns to; where a function begins, which returns to X30; or elsewhere."""
INTERPRETERS = {
    "interpreted": "lookup_slowly",
    "interpreted_nonspeculative": "nonspeculative_slowly",
    "interpreted_strict": "strict_slowly",
}
"""The functions that interpret code for code of each mode, and what finds the code that comes after."""
COUNTED_LOOKUPS = ("counted_slowly", "counted_nonspeculative_slowly", "counted_strict_slowly")
"""What units of code that counts instructions have under the names of the lookups of other code."""
FOR_CALLBACKS = ("trap", "begin_python", "end_python", "return_from_host", "take_gil")
"""The functions that `shared` defines for the code of host functions."""


def _frame() -> dict[str, int]:
    fields = {f"FRAME_{name.upper()}": offset for name, offset in FRAME_OFFSETS.items() if name[0] != "_"}
    return fields | {"FRAME_SIZE": ctypes.sizeof(CallFrame)}


def _slots(size: int) -> dict[str, int]:
    return {"HOST_FUNCTIONS_SIZE": size, "SLOT_SIZE": SLOT_SIZE, "ENTRY_AT": ENTRY_AT}


def core(linkage: str = "internal", machine: str | None = None) -> str:
    """Traps and the clock; `machine` as for `environment_text`."""
    traps = load("runtime/trap", LINKAGE=linkage, CLOCK_MONOTONIC=time.CLOCK_MONOTONIC)
    return load("runtime/c_library") + host_frame_text(machine) + traps


def shared(machine: str | None = None, *, host_functions_size: int = RANGE_SIZE) -> str:
    """What all units call, compiled once; `machine` as for `environment_text`.

    `host_functions_size`: how many bytes of addresses functions of Python have.
    """
    parts = (
        core("", machine),
        environment_text(machine),
        load("runtime/python_call"),
        load("runtime/find_code", FOUND_SIZE=FOUND_SIZE),
        load("runtime/instruction_limit"),
        load("runtime/host_function", **_slots(host_functions_size), **_frame()),
        load("runtime/system_call"),
        load("runtime/invalidate_code", CACHE_LINE=CACHE_LINE),
        *(load("runtime/interpreted", NAME=name, SLOWLY=slowly, **ENDS) for name, slowly in INTERPRETERS.items()),
        "@interpret = external global i8\n",
        load("runtime/state_pool"),
        load("runtime/entry"),
        flags_text(machine),
        load("runtime/array_loop"),
    )
    return "".join(parts)


def declarations() -> str:
    """The shared functions, for a unit that calls them."""
    return load("unit/declarations")


def dispatcher(*, table_size: int) -> str:
    """From a guest address to host code. `table_size`: how many words, from the image's start, the table has."""
    table = load("unit/lookup", NAME="lookup", TABLE="table", SLOWLY="lookup_slowly", TABLE_SIZE=table_size)
    return table + load("unit/dispatch")


def resumption(*, table_size: int) -> str:
    """On with nonspeculative code: its table is like that of `dispatcher`."""
    table = load(
        "unit/lookup",
        NAME="nonspeculative",
        TABLE="nonspeculative_table",
        SLOWLY="nonspeculative_slowly",
        TABLE_SIZE=table_size,
    )
    return table + load("unit/resume")


def runner() -> str:
    """`i32 @run(function, state)`: call a function that takes a state; 1 if it trapped."""
    return load("runtime/run")
