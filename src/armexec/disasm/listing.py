"""Listings of code, with the data that stands between it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

from armexec.disasm.disassembler import Instruction, Targets, instruction_of, namer, words_of
from armexec.lines import Lines

__all__ = ["listing"]

_DIRECTIVES = {1: ".byte", 2: ".hword", 4: ".word", 8: ".xword", 16: ".xword"}


def listing(
    code: bytes | Iterable[int] | Any,
    *,
    address: int = 0,
    symbols: Mapping[int, str] | None = None,
    targets: Targets = "names",
    data: Iterable[tuple[int, int]] = (),
) -> str:
    """A readable listing: the address, the word and the text of each instruction, under the labels.

    The arguments are those of `disassemble`. What stands in the ranges of `data` is shown as `.xword`, `.word`,
    `.hword` or `.byte`, of the size in which the code loads it, else as words.
    """
    if isinstance(code, bytes | bytearray | memoryview):
        raw = bytes(code)
    else:
        raw = b"".join(word.to_bytes(4, "little") for word in words_of(code))
    ranges = [(max(first - address, 0), min(end - address, len(raw))) for first, end in sorted(data)]
    name = namer(symbols or {}, address, address + len(raw), targets)
    instructions: dict[int, Instruction] = {}
    position = 0
    for first, end in (*ranges, (len(raw), len(raw))):
        for offset in range(position, first, 4):
            word = int.from_bytes(raw[offset : offset + 4], "little")
            instructions[offset] = instruction_of(word, address + offset, name)
        position = max(position, end)
    sizes = _literal_sizes(instructions.values()) if ranges else {}
    # Addresses where a piece of data ends: labels, and what is loaded.
    stops = sorted({*(symbols or ()), *sizes, address + len(raw)})
    lines = []
    offset = 0
    while offset < len(raw):
        at = address + offset
        if symbols and at in symbols:
            lines.append(f"{symbols[at]}:")
        instruction = instructions.get(offset)
        if instruction is not None:
            lines.append(f"  {at:8x}:  {instruction.word:08x}  {instruction.text}")
            offset += 4
            continue
        end = next(address + end for first, end in ranges if first <= offset < end)
        end = min(end, stops[bisect_right(stops, at)])
        size = next(n for n in (sizes.get(at, 4), 4, 2, 1) if n <= end - at and at % min(n, 4) == 0)
        lines += _data_lines(raw[offset : offset + size], at)
        offset += size
    return Lines("\n".join(lines))


def _literal_sizes(instructions: Iterable[Instruction]) -> dict[int, int]:
    """The bytes that loads of literals take, by address."""
    sizes: dict[int, int] = {}
    for instruction in instructions:
        if instruction.target is not None:
            for operand in instruction.operands:
                if operand.kind == "address" and operand.size:
                    sizes[instruction.target] = max(operand.size, sizes.get(instruction.target, 0))
    return sizes


def _data_lines(data: bytes, address: int) -> list[str]:
    """A directive, with its words one a line as those of instructions are."""
    step, word = min(len(data), 8), min(len(data), 4)
    values = [int.from_bytes(data[i : i + step], "little") for i in range(0, len(data), step)]
    text = ", ".join(f"0x{value:0{2 * step}x}" for value in values)
    words = [(address + i, data[i : i + word][::-1].hex()) for i in range(0, len(data), word)]
    first, *rest = words
    lines = [f"  {first[0]:8x}:  {first[1]:8}  {_DIRECTIVES[len(data)]} {text}"]
    return lines + [f"  {place:8x}:  {digits}" for place, digits in rest]
