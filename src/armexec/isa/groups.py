"""Which files describe which part of the encoding space: a part is loaded when a word of it is first met.

The parts are those of the manual's top-level table, by op0 (bits 28 to 25). Describing all instructions takes several
times as long as a short program does.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from .description import REGISTERED, Instruction

__all__ = ["all_instructions", "instructions_of_group"]

# `mov x0, x1` is ORR first, and ADD only where it must be: the order of the files decides.
_FILES = {
    "dp_register": ("0101", "1101"),
    "branches_system": ("0000", "1010", "1011"),
    "dp_immediate": ("1000", "1001"),
    "loads_stores": ("0100", "1100"),
    "loads_stores_atomic": ("0100", "1100"),
    "loads_stores_exclusive": ("0100", "1100"),
    "loads_stores_pair": ("0100", "1100"),
    "simd_fp": ("0110", "0111", "1110", "1111"),
}
_PACKAGE = __name__.rpartition(".")[0]


def _load(files: list[str]) -> tuple[Instruction, ...]:
    for file in files:
        import_module(f".{file}", _PACKAGE)
    found: list[Instruction] = []
    for file in files:
        name = f"{_PACKAGE}.{file}"
        for module, instructions in tuple(REGISTERED.items()):
            if module == name or module.startswith(f"{name}."):
                found += instructions
    return tuple(found)


@cache
def instructions_of_group(op0: int) -> tuple[Instruction, ...]:
    """The instructions of a part, by the four bits of op0."""
    return _load([file for file, parts in _FILES.items() if f"{op0:04b}" in parts])


@cache
def all_instructions() -> tuple[Instruction, ...]:
    """Every instruction described, in the order of the files."""
    return _load(list(_FILES))
