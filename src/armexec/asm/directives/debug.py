"""The directives about source lines and call frames."""

from __future__ import annotations

import re
from collections.abc import Callable

from armexec.asm.context import Arguments, Context, Handler
from armexec.asm.object_file.call_frames import Frame, Pointer
from armexec.asm.object_file.debug_lines import Row
from armexec.asm.output.subsections import leb128
from armexec.asm.where import Where

__all__ = ["DEBUG_DIRECTIVES"]


_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|\S+')


def _words(arguments: Arguments, where: Where) -> list[str]:
    """Words separated by spaces; strings keep their quotes."""
    if not arguments:
        return []
    if len(arguments) > 1:
        raise where.error("expected spaces between the words, not commas", column=arguments[1][1])
    return [match[0] for match in _WORD.finditer(arguments[0][0])]


def _text(word: str) -> str:
    if len(word) < 2 or word[0] != '"' or word[-1] != '"':
        raise ValueError(word)
    octal = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), word[1:-1])
    return re.sub(r"\\(.)", r"\1", octal)


def _file(a: Context, arguments: Arguments, where: Where) -> None:
    words = _words(arguments, where)
    try:
        if len(words) == 1:
            name = _text(words[0])
            if name not in a.output.files:
                a.output.files.append(name)
            return
        number, words = int(words[0], 0), words[1:]
        names = [words.pop(0)]
        if words and words[0][:1] == '"':
            names.append(words.pop(0))
        directory, name = ("", _text(names[0])) if len(names) == 1 else (_text(names[0]), _text(names[1]))
        md5 = b""
        if words[:1] == ["md5"]:
            md5 = int(words[1], 16).to_bytes(16, "big")
        # A name with a directory needs no other directory.
        if not directory and number and "/" in name:
            directory, _, name = name.rpartition("/")
            directory = directory or "/"
    except (ValueError, IndexError, OverflowError):
        raise where.error('expected .file "name", or .file number "directory" "name"') from None
    a.lines.file(number, directory, name, md5, where)


def _loc(a: Context, arguments: Arguments, where: Where) -> None:
    words = _words(arguments, where)
    lines = a.lines
    try:
        numbers: list[int] = []
        while words and re.fullmatch(r"\d+", words[0]) and len(numbers) < 3:
            numbers.append(int(words.pop(0)))
        file, line = numbers[:2]
        column = numbers[2] if len(numbers) > 2 else 0
        marks, discriminator, view = [], 0, ""
        while words:
            word = words.pop(0)
            if word in ("basic_block", "prologue_end", "epilogue_begin"):
                marks.append(word)
            elif word == "is_stmt":
                lines.is_stmt = bool(int(words.pop(0)))
            elif word == "isa":
                lines.isa = int(words.pop(0))
            elif word == "discriminator":
                discriminator = int(words.pop(0))
            elif word == "view":
                view = words.pop(0)
            else:
                raise ValueError(word)
    except (ValueError, IndexError):
        raise where.error("expected .loc file line column, and options such as prologue_end or is_stmt 0") from None
    lines.row(Row(file, line, column, lines.is_stmt, tuple(marks), lines.isa, discriminator), where)
    if view in ("-0", "0"):
        lines.reset_view()
    number = lines.view()
    if view and not view.lstrip("-").isdigit():
        a.output.assign(view, ("number", number), where)


# -- call frames -----------------------------------------------------------------------------------------------------

_REGISTERS = {
    **{f"{k}{n}": n for k in "xw" for n in range(31)},
    **{f"{k}{n}": 64 + n for k in "vbhsdq" for n in range(32)},
    **{f"z{n}": 96 + n for n in range(32)},
    **{f"p{n}": 48 + n for n in range(16)},
    "sp": 31,
    "wsp": 31,
    "fp": 29,
    "lr": 30,
    "vg": 46,
    "ffr": 47,
}


def _register(a: Context, arguments: Arguments, index: int, where: Where) -> int:
    if index < len(arguments):
        number = _REGISTERS.get(arguments[index][0].lower())
        if number is not None:
            return number
    number = a.constant(arguments, index, where)
    if not 0 <= number < 1 << 16:
        raise where.error(f"{number} is no number of a register")
    return number


def _uleb(value: int) -> bytes:
    return leb128(value, signed=False)


def _saved(a: Context, register: int, offset: int, where: Where) -> bytes:
    """DW_CFA_offset: a register is saved at an offset from the CFA."""
    factored = a.frames.factored(offset, where)
    if factored < 0:
        return b"\x11" + _uleb(register) + leb128(factored, signed=True)
    if register < 0x40:
        return bytes([0x80 | register]) + _uleb(factored)
    return b"\x05" + _uleb(register) + _uleb(factored)


Maker = Callable[[Context, Frame, Arguments, Where], bytes]


def _cfi(make: Maker, count: int) -> Handler:
    """A directive that adds one instruction to the open function."""

    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        if a.apple:
            return
        if len(arguments) < count:
            raise where.error(f"expected {count} argument{'s' * (count > 1)}")
        frame = a.frames.current(where)
        frame.add(make(a, frame, arguments, where))

    return handler


def _def_cfa(a: Context, frame: Frame, arguments: Arguments, where: Where) -> bytes:
    frame.cfa_offset = a.constant(arguments, 1, where)
    return b"\x0c" + _uleb(_register(a, arguments, 0, where)) + _uleb(_positive(frame.cfa_offset, where))


def _positive(offset: int, where: Where) -> int:
    if offset < 0:
        raise where.error(f"the offset {offset} of the CFA is negative")
    return offset


def _def_cfa_offset(a: Context, frame: Frame, arguments: Arguments, where: Where) -> bytes:
    frame.cfa_offset = a.constant(arguments, 0, where)
    return b"\x0e" + _uleb(_positive(frame.cfa_offset, where))


def _adjust_cfa_offset(a: Context, frame: Frame, arguments: Arguments, where: Where) -> bytes:
    frame.cfa_offset += a.constant(arguments, 0, where)
    return b"\x0e" + _uleb(_positive(frame.cfa_offset, where))


def _offset(a: Context, frame: Frame, arguments: Arguments, where: Where) -> bytes:
    return _saved(a, _register(a, arguments, 0, where), a.constant(arguments, 1, where), where)


def _rel_offset(a: Context, frame: Frame, arguments: Arguments, where: Where) -> bytes:
    offset = a.constant(arguments, 1, where) - frame.cfa_offset
    return _saved(a, _register(a, arguments, 0, where), offset, where)


def _val_offset(a: Context, frame: Frame, arguments: Arguments, where: Where) -> bytes:
    factored = a.frames.factored(a.constant(arguments, 1, where), where)
    register = _uleb(_register(a, arguments, 0, where))
    return b"\x14" + register + _uleb(factored) if factored >= 0 else b"\x15" + register + leb128(factored, signed=True)


def _restore(a: Context, frame: Frame, arguments: Arguments, where: Where) -> bytes:
    result = b""
    for index in range(len(arguments)):
        register = _register(a, arguments, index, where)
        result += bytes([0xC0 | register]) if register < 0x40 else b"\x06" + _uleb(register)
    return result


def _simple(opcode: int, registers: int) -> Maker:
    def make(a: Context, frame: Frame, arguments: Arguments, where: Where) -> bytes:
        return bytes([opcode]) + b"".join(_uleb(_register(a, arguments, i, where)) for i in range(registers))

    return make


def _remember(a: Context, frame: Frame, arguments: Arguments, where: Where) -> bytes:
    frame.saved_offsets.append(frame.cfa_offset)
    return b"\x0a"


def _restore_state(a: Context, frame: Frame, arguments: Arguments, where: Where) -> bytes:
    if not frame.saved_offsets:
        raise where.error(".cfi_restore_state without .cfi_remember_state")
    frame.cfa_offset = frame.saved_offsets.pop()
    return b"\x0b"


def _escape(a: Context, frame: Frame, arguments: Arguments, where: Where) -> bytes:
    return bytes(a.constant(arguments, index, where) & 0xFF for index in range(len(arguments)))


def _arguments_size(a: Context, frame: Frame, arguments: Arguments, where: Where) -> bytes:
    return b"\x2e" + _uleb(_positive(a.constant(arguments, 0, where), where))


def _start(a: Context, arguments: Arguments, where: Where) -> None:
    if not a.apple:
        a.frames.begin(where, simple=[text for text, _ in arguments] == ["simple"])


def _end(a: Context, arguments: Arguments, where: Where) -> None:
    if not a.apple:
        a.frames.end(where)


def _sections(a: Context, arguments: Arguments, where: Where) -> None:
    names = {text for text, _ in arguments}
    a.frames.eh_frame, a.frames.debug_frame = ".eh_frame" in names, ".debug_frame" in names


def _pointer(a: Context, arguments: Arguments, where: Where) -> Pointer | None:
    """An encoding and a symbol; None if the encoding means that there is none."""
    encoding = a.constant(arguments, 0, where)
    if encoding == 0xFF:
        return None
    if len(arguments) != 2 or not 0 <= encoding < 0x100:
        raise where.error("expected an encoding and a symbol")
    return Pointer(encoding, a.name(arguments[1]))


def _personality(a: Context, arguments: Arguments, where: Where) -> None:
    if not a.apple:
        a.frames.current(where).personality = _pointer(a, arguments, where)


def _lsda(a: Context, arguments: Arguments, where: Where) -> None:
    if not a.apple:
        a.frames.current(where).lsda = _pointer(a, arguments, where)


def _return_column(a: Context, arguments: Arguments, where: Where) -> None:
    if not a.apple:
        a.frames.current(where).return_column = _register(a, arguments, 0, where)


def _flag(name: str) -> Handler:
    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        if not a.apple:
            setattr(a.frames.current(where), name, True)

    return handler


def _nothing(a: Context, arguments: Arguments, where: Where) -> None:
    pass


DEBUG_DIRECTIVES: dict[str, Handler] = {
    ".file": _file,
    ".loc": _loc,
    ".loc_mark_labels": _nothing,
    ".cfi_sections": _sections,
    ".cfi_startproc": _start,
    ".cfi_endproc": _end,
    ".cfi_personality": _personality,
    ".cfi_lsda": _lsda,
    ".cfi_return_column": _return_column,
    ".cfi_signal_frame": _flag("signal"),
    ".cfi_b_key_frame": _flag("b_key"),
    ".cfi_mte_tagged_frame": _flag("mte_tagged"),
    ".cfi_def_cfa": _cfi(_def_cfa, 2),
    ".cfi_def_cfa_register": _cfi(_simple(0x0D, 1), 1),
    ".cfi_def_cfa_offset": _cfi(_def_cfa_offset, 1),
    ".cfi_adjust_cfa_offset": _cfi(_adjust_cfa_offset, 1),
    ".cfi_offset": _cfi(_offset, 2),
    ".cfi_rel_offset": _cfi(_rel_offset, 2),
    ".cfi_val_offset": _cfi(_val_offset, 2),
    ".cfi_restore": _cfi(_restore, 1),
    ".cfi_undefined": _cfi(_simple(0x07, 1), 1),
    ".cfi_same_value": _cfi(_simple(0x08, 1), 1),
    ".cfi_register": _cfi(_simple(0x09, 2), 2),
    ".cfi_remember_state": _cfi(_remember, 0),
    ".cfi_restore_state": _cfi(_restore_state, 0),
    ".cfi_escape": _cfi(_escape, 1),
    ".cfi_gnu_args_size": _cfi(_arguments_size, 1),
    ".cfi_negate_ra_state": _cfi(_simple(0x2D, 0), 0),
    ".cfi_window_save": _cfi(_simple(0x2D, 0), 0),
    ".cfi_negate_ra_state_with_pc": _cfi(_simple(0x2C, 0), 0),
    ".cfi_label": _nothing,
    ".cfi_inline_lsda": _nothing,
    ".cfi_fde_data": _nothing,
}
