"""Listings and dumps, in which each line begins with an address.

Those of armexec, GNU and LLVM objdump (-d and -s), gdb (`disassemble /r`), lldb (`disassemble -b`), xxd, hexdump, od,
and Intel HEX (Intel, "Hexadecimal Object File Format Specification", 1988).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from armexec.words.text import WordsText, words_of_bytes

__all__ = ["read_dump"]

_LINE = re.compile(
    r"[ \t]*(?:=>|->)?[ \t]*(?:0x)?(?P<address>[0-9a-fA-F]+)(?:[ \t]*<[^>]*>)?(?P<colon>:?)[ \t]+(?P<rest>.*)"
)
_SHOWN = re.compile(r"[ \t]*(?P<address>[0-9a-f]+)[ \t]{2,}[a-z.][^|]*?[ \t]{2,}0x(?P<word>[0-9A-F]{8})[ \t]*")
_RELOCATION = re.compile(r"[ \t]+[0-9a-f]+:[ \t]+(?:R_AARCH64|ARM64_RELOC)_\w+.*")
_HEADING = re.compile(
    r".*:[ \t]*file format .*|Disassembly of section .*|Contents of section .*|Dump of assembler code .*"
    r"|End of assembler dump\..*|[0-9a-fA-F]+ <.*>:|[^\s:]+:|[^`]+`[^`]*:"
)
_GROUP = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2})+)")
_LONGEST = 1000
"""Maximum number of characters of a line of a tool."""
_INTEL = re.compile(r":((?:[0-9a-fA-F]{2}){5,})")


class _Row(NamedTuple):
    """A line with code: its address, its bytes in the order of memory, and where it is in the text."""

    address: str
    data: bytes
    position: int
    marked: bool
    """Whether something beside the address shows that the line is one of a dump."""


def read_dump(source: WordsText, *, check: bool = False) -> list[int] | None:
    """The words of a listing or a dump; None if the text is neither.

    Args:
        check: only find out whether it is one: another result than None means nothing else.

    Raises:
        AssemblyError: bytes between two lines are missing. It isn't raised with `check`.
    """
    text = source.text
    lines = [(match.start(), match[0].rstrip("\r")) for match in re.finditer(r"[^\n]+", text)]
    written = [(position, line) for position, line in lines if line.strip()]
    if not written:
        return None
    if all(_INTEL.fullmatch(line.strip()) for _, line in written):
        return [] if check else _intel_hex(source, written)
    in_memory_order = any(line.startswith("Contents of section") for _, line in written)
    rows: list[_Row] = []
    headings: list[int] = []
    others = 0
    for position, line in written:
        if len(line) > _LONGEST:
            others += 1
            continue
        row = _row(line, position, in_memory_order)
        if row:
            rows.append(row)
        elif _HEADING.fullmatch(line.strip()):
            headings.append(position)
        elif _RELOCATION.fullmatch(line) and rows and not check:
            raise source.error(position, "the word above isn't complete before it is relocated: load the object itself")
        elif line.strip() in ("...", "*") and rows and not check:
            raise source.error(position, "lines are left out here: have them printed, by objdump -z, xxd or hexdump -v")
        elif _is_last_address(line):
            continue
        else:
            others += 1
    # A listing, which has headings, may have source lines too. Plain words have no addresses.
    if not rows or (others and not headings) or not (rows[0].marked or re.fullmatch("0{6,7}", rows[0].address)):
        return None
    return [] if check else _joined(source, rows, headings)


def _is_last_address(line: str) -> bool:
    """hexdump and od end with an address alone."""
    return bool(re.fullmatch(r"[0-9a-f]{6,8}", line))


def _row(line: str, position: int, in_memory_order: bool) -> _Row | None:
    shown = _SHOWN.fullmatch(line)
    if shown:
        return _Row(shown["address"], bytes.fromhex(shown["word"])[::-1], position, True)
    found = _LINE.fullmatch(line)
    if not found:
        return None
    address, rest = found["address"], found["rest"].strip()
    is_listing = bool(found["colon"])
    has_bars = rest.endswith("|") and "|" in rest[:-1]
    if has_bars:
        rest, text = rest[: rest.index("|")], ""
    elif is_listing or in_memory_order:
        rest, _, text = (re.sub(r"\t|[ ]{2,}", "\0", rest)).partition("\0")
    else:
        # od and hexdump: nothing but groups.
        text = ""
        rest = re.sub(r"[ ]+>.*<$", "", rest)
    groups = [_GROUP.fullmatch(group) for group in rest.split()]
    if not groups or not all(groups):
        return None
    digits = [group[1] for group in groups if group]
    data = _in_memory_order(digits, text, is_listing, in_memory_order)
    return _Row(address, data, position, is_listing or has_bars or in_memory_order) if data is not None else None


def _in_memory_order(digits: list[str], text: str, is_listing: bool, in_memory_order: bool) -> bytes | None:
    """The bytes of a line's groups of digits, in the order of memory."""
    forwards = bytes.fromhex("".join(digits))
    if all(len(group) == 2 for group in digits) or in_memory_order:
        return forwards
    backwards = b"".join(bytes.fromhex(group)[::-1] for group in digits)
    if not is_listing:
        return backwards
    if len(digits) == 1 and len(digits[0]) == 8 and not _is_ascii_of(forwards, text):
        # The word of an instruction in a listing.
        return backwards
    # The text beside the bytes shows the order in which xxd prints them.
    if text:
        if _is_ascii_of(forwards, text):
            return forwards
        return backwards if _is_ascii_of(backwards, text) else None
    return forwards if all(len(group) == 4 for group in digits) else backwards


def _is_ascii_of(data: bytes, text: str) -> bool:
    """Whether `text` is what xxd prints beside `data`."""
    expected = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
    return text.replace("\0", "  ").strip() == re.sub(r"\t|[ ]{2,}", "  ", expected).strip()


def _joined(source: WordsText, rows: list[_Row], headings: list[int]) -> list[int]:
    """The rows joined. Raises AssemblyError if one is missing."""
    data = bytearray()
    before = None
    for row in rows:
        # A heading may begin another section.
        new = before is None or any(before.position < position < row.position for position in headings)
        if before is not None and not new and not _follows(before, row):
            raise source.error(
                row.position,
                f"the address is {row.address} after {len(before.data)} bytes at {before.address}:"
                " a line is missing, or too many",
            )
        data += row.data
        before = row
    return words_of_bytes(data, source, rows[-1].position)


def _follows(before: _Row, row: _Row) -> bool:
    # od counts in octal.
    for base in (16, 8):
        try:
            if int(before.address, base) + len(before.data) == int(row.address, base):
                return True
        except ValueError:
            pass
    return False


def _intel_hex(source: WordsText, lines: list[tuple[int, str]]) -> list[int]:
    """The data of Intel HEX records. Raises AssemblyError."""
    data = bytearray()
    upper = 0
    following: int | None = None
    for position, line in lines:
        record = bytes.fromhex(line.strip()[1:])
        count, kind, body = record[0], record[3], record[4:-1]
        if count != len(body):
            raise source.error(position, f"the record says {count} bytes and has {len(body)}")
        if sum(record) & 0xFF:
            raise source.error(position, "the record's checksum is wrong")
        if kind in (2, 4):
            upper = int.from_bytes(body, "big") << (4 if kind == 2 else 16)
        if kind != 0:
            continue
        address = upper + int.from_bytes(record[1:3], "big")
        if following is not None and address != following:
            raise source.error(position, f"the record is for {address:#x}, and the one before ends at {following:#x}")
        data += body
        following = address + len(body)
    return words_of_bytes(data, source, lines[-1][0])
