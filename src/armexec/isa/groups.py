"""The files that describe each part of the encoding space. A part is loaded when a word of it is first met.

The parts are those of the manual's top-level table, by op0 (bits 28 to 25). Describing all instructions takes several
times as long as a short program does. For text, a table says in which files a mnemonic is described.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from .data import rows
from .description import REGISTERED, Instruction

__all__ = ["all_instructions", "instructions_of_group", "instructions_of_mnemonic", "mnemonic_table"]

# The order of the files decides: `mov x0, x1` is ORR, and ADD only where it must be.
_FILES = {
    "base.dp_register": ("0101", "1101"),
    "base.dp_three_source": ("0101", "1101"),
    "base.dp_conditional": ("0101", "1101"),
    "base.dp_two_source": ("0101", "1101"),
    "base.dp_one_source": ("0101", "1101"),
    "base.branches": ("1010", "1011"),
    "base.system": ("0000", "1010", "1011"),
    "base.dp_immediate": ("1000", "1001"),
    "base.loads_stores": ("0100", "1100"),
    "base.loads_stores_atomic": ("0100", "1100"),
    "base.loads_stores_exclusive": ("0100", "1100"),
    "base.loads_stores_pair": ("0100", "1100"),
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


@cache
def _files_by_mnemonic() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for file, mnemonics in rows("mnemonics.tsv"):
        for mnemonic in mnemonics.split():
            found[mnemonic] = (*found.get(mnemonic, ()), file)
    return found


@cache
def _by_mnemonic(files: tuple[str, ...]) -> dict[str, tuple[Instruction, ...]]:
    """The instructions in these files by their mnemonics, in the order described."""
    found: dict[str, list[Instruction]] = {}
    for described in _load(list(files)):
        for mnemonic in described.mnemonics:
            found.setdefault(mnemonic, []).append(described)
    return {mnemonic: tuple(instructions) for mnemonic, instructions in found.items()}


def instructions_of_mnemonic(mnemonic: str, *, simd_fp: bool = True) -> tuple[Instruction, ...]:
    """The instructions that a mnemonic (in lower case) may be, in the order described; only their files are loaded.

    Without `simd_fp` not those of SIMD and floating point, which are half of all.
    """
    files = _files_by_mnemonic().get(mnemonic, tuple(_FILES))
    if not simd_fp:
        files = tuple(file for file in files if file != "simd_fp")
    return _by_mnemonic(files).get(mnemonic, ())


def mnemonic_table() -> str:
    """The text of data/mnemonics.tsv, which scripts/generate-mnemonics writes."""
    lines = ["# A file of armexec.isa, and the mnemonics that it describes. Written by scripts/generate-mnemonics."]
    for file in _FILES:
        lines.append(f"{file}\t{' '.join(sorted(m for m in _by_mnemonic((file,)) if '<' not in m))}")
    return "\n".join(lines) + "\n"
