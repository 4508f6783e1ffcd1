"""The directives about sections: GNU as's for ELF, and those of Apple's assembler."""

from __future__ import annotations

import re

from armexec.asm.contents import CodeSection
from armexec.asm.context import Arguments, Context, Handler
from armexec.asm.output.subsections import Subsection
from armexec.asm.where import Where

__all__ = ["SECTION_DIRECTIVES"]


# Default attributes of sections (System V ABI, chapter 4, "Special Sections").
_ATTRIBUTES = [
    (r"\.(text|init|fini)", "ax"),
    (r"\.(data1?|bss|(preinit|init|fini)_array)", "aw"),
    (r"\.(tdata|tbss)", "awT"),
    (r"\.(rodata1?|eh_frame|gcc_except_table)", "a"),
]
_TYPES = [
    (r"\.t?bss", "nobits"),
    (r"\.note", "note"),
    (r"\.init_array", "init_array"),
    (r"\.fini_array", "fini_array"),
    (r"\.preinit_array", "preinit_array"),
]
_KNOWN_TYPES = {"progbits", "nobits", "note", "init_array", "fini_array", "preinit_array", "unwind", "llvm_addrsig"}
_LETTERS = "awxMSGTIRDeodlsy?"
_SOLARIS = {"alloc": "a", "write": "w", "execinstr": "x", "exclude": "e", "tls": "T"}
_FLAG_BITS = {1: "w", 2: "a", 4: "x", 0x10: "M", 0x20: "S", 0x400: "T", 0x80000000: "e"}


def _by_name(table: list[tuple[str, str]], name: str, default: str) -> str:
    return next((value for pattern, value in table if re.fullmatch(rf"{pattern}(\..*)?", name)), default)


def protection(letters: str) -> str:
    """The protection of an ELF section by its letters; "" if it isn't loaded."""
    if "a" not in letters:
        return ""
    return "r" + "w" * ("w" in letters) + "x" * ("x" in letters)


def _section(a: Context, arguments: Arguments, where: Where) -> None:
    a.go_to(_named(a, arguments, where))


def _named(a: Context, arguments: Arguments, where: Where) -> Subsection:
    """The section that `.section` and its arguments mean."""
    if not arguments:
        raise where.error("expected the section's name")
    name = a.name(arguments[0])
    macho = re.fullmatch(r"__\w+", name) is not None and len(arguments) > 1 and arguments[1][0][:1] != '"'
    return _macho(a, name, arguments, where) if macho else _elf(a, name, arguments, where)


def _elf(a: Context, name: str, arguments: Arguments, where: Where) -> Subsection:
    rest = arguments[1:]
    number = 0
    if rest and rest[0][0][:1].isdigit():
        number, rest = a.constant(rest, 0, where), rest[1:]
    known = next((s for s in a.output.sections.values() if s.name == name and not rest), None)
    if known is not None:
        wanted = CodeSection(name, known.flags, group=known.group, link=known.link)
        return a.output.subsection(a.output.make_section(wanted), number)
    letters = _by_name(_ATTRIBUTES, name, "")
    kind = _by_name(_TYPES, name, "progbits")
    if rest and rest[0][0][:1] == "#":
        letters = "".join(_SOLARIS.get(text.lstrip("#"), "") for text, _ in rest)
        rest = []
    entry_size, group, comdat, link, unique = 0, "", False, "", ""
    if rest:
        text, column = rest[0]
        rest = rest[1:]
        if len(text) < 2 or text[0] != '"' or text[-1] != '"':
            raise where.error(
                f'expected the section\'s flags in quotes, such as "ax", not {text[:30]!r}', column=column
            )
        letters = _letters(text[1:-1], where, column)
        if rest and rest[0][0][:1] in '@%"' and rest[0][0]:
            kind = _type(rest[0], where)
            rest = rest[1:]
        if "M" in letters:
            entry_size = a.constant(rest, 0, where)
            if not 0 < entry_size < 1 << 32:
                raise where.error(f"the size {entry_size} of an entry is out of range 1..{(1 << 32) - 1}")
            rest = rest[1:]
        if "?" in letters:
            previous = a.output.section.section
            letters, group, comdat = letters.replace("?", ""), previous.group, previous.comdat
        if "G" in letters:
            if not rest:
                raise where.error("expected the name of the section group")
            group, rest = a.name(rest[0]), rest[1:]
            if rest and rest[0][0] in ("comdat", "1"):
                comdat, rest = True, rest[1:]
        if "o" in letters:
            if not rest:
                raise where.error("expected the section or symbol that this one is linked to")
            link, rest = a.name(rest[0]), rest[1:]
        if rest and rest[0][0] == "unique":
            unique, rest = str(a.constant(rest, 1, where)), rest[2:]
    if rest:
        raise where.error(f"unexpected {rest[0][0][:30]!r}", column=rest[0][1])
    wanted = CodeSection(
        name,
        protection(letters),
        type=kind,
        attributes=letters,
        entry_size=entry_size,
        group=group,
        comdat=comdat,
        link=link,
    )
    return a.output.subsection(a.output.make_section(wanted, unique), number)


def _letters(text: str, where: Where, column: int) -> str:
    if text.isdigit() or text.startswith("0x"):
        try:
            bits = int(text, 0)
        except ValueError:
            bits = 1 << 31
        return "".join(letter for bit, letter in _FLAG_BITS.items() if bits & bit)
    for letter in text:
        if letter not in _LETTERS:
            raise where.error(
                f"unknown flag {letter!r} of a section",
                "a is allocated, w writable, x executable, M mergeable, S strings, G in a group, T thread-local",
                column,
            )
    return text


def _type(argument: tuple[str, int], where: Where) -> str:
    text, column = argument
    name = text.strip('"').lstrip("@%")
    if name in _KNOWN_TYPES or re.fullmatch(r"0x[0-9a-fA-F]{1,8}|[1-9]\d{,8}|0", name):
        return name
    raise where.error(f"unknown type {text[:30]!r} of a section: @progbits, @nobits, @note, @init_array", column=column)


_MACHO_TYPES = {"__mod_init_func": "mod_init_funcs", "__mod_term_func": "mod_term_funcs", "__bss": "zerofill"}
_ZEROFILL = ("zerofill", "gb_zerofill", "thread_local_zerofill")


def _macho(a: Context, segment: str, arguments: Arguments, where: Where) -> Subsection:
    section, column = arguments[1]
    for text, at in ((segment, arguments[0][1]), (section, column)):
        if not 0 < len(text.encode()) <= 16:
            raise where.error(f"{text[:30]!r}: names of segments and sections have 1 to 16 characters", column=at)
    words = [text for text, _ in arguments[2:]]
    kind = words[0] if words and words[0] else _MACHO_TYPES.get(section, "regular")
    attributes = words[1] if len(words) > 1 else ""
    return _macho_section(a, segment, section, kind, attributes)


def _macho_section(a: Context, segment: str, section: str, kind: str, attributes: str = "") -> Subsection:
    name = f"{segment},{section}"
    if name == "__TEXT,__text":
        return a.output.subsection(a.output.make_section(CodeSection(name if a.apple else ".text", "rx")))
    if segment in ("__DWARF", "__LD") or section == "__eh_frame" or "debug" in attributes.split("+"):
        flags = ""
    elif "pure_instructions" in attributes or section in ("__stubs", "__text"):
        flags = "rx"
    else:
        flags = "rw" if segment.startswith("__DATA") and segment != "__DATA_CONST" else "r"
    kind = "nobits" if kind in _ZEROFILL else kind
    wanted = CodeSection(name, flags, type=kind, attributes=attributes or "no")
    return a.output.subsection(a.output.make_section(wanted))


_ELF_PLAIN = {".text": ("ax", "progbits"), ".data": ("aw", "progbits"), ".bss": ("aw", "nobits"), ".rodata": ("a", "")}
_MACHO_PLAIN = {
    ".data": ("__DATA", "__data", "regular"),
    ".bss": ("__DATA", "__bss", "zerofill"),
    ".rodata": ("__TEXT", "__const", "regular"),
    ".const": ("__TEXT", "__const", "regular"),
    ".cstring": ("__TEXT", "__cstring", "cstring_literals"),
    ".const_data": ("__DATA", "__const", "regular"),
    ".literal4": ("__TEXT", "__literal4", "4byte_literals"),
    ".literal8": ("__TEXT", "__literal8", "8byte_literals"),
    ".literal16": ("__TEXT", "__literal16", "16byte_literals"),
    ".static_data": ("__DATA", "__static_data", "regular"),
    ".static_const": ("__TEXT", "__static_const", "regular"),
    ".constructor": ("__TEXT", "__constructor", "regular"),
    ".destructor": ("__TEXT", "__destructor", "regular"),
    ".mod_init_func": ("__DATA", "__mod_init_func", "mod_init_funcs"),
    ".mod_term_func": ("__DATA", "__mod_term_func", "mod_term_funcs"),
    ".tdata": ("__DATA", "__thread_data", "thread_local_regular"),
    ".tlv": ("__DATA", "__thread_vars", "thread_local_variables"),
    ".thread_init_func": ("__DATA", "__thread_init", "thread_local_init_function_pointers"),
}


def _plain(name: str) -> Handler:
    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        if a.apple and name == ".text":
            a.go_to(a.output.subsection(a.output.make_section(CodeSection("__TEXT,__text", "rx"))))
            return
        if name not in _ELF_PLAIN and not a.apple:
            raise where.error(f'{name} is a directive of Apple\'s assembler: assemble with target="apple"')
        if name in _MACHO_PLAIN and a.apple:
            if arguments:
                raise where.error(f"expected the end of the line after {name}", column=arguments[0][1])
            a.go_to(_macho_section(a, *_MACHO_PLAIN[name]))
            return
        number = a.constant(arguments, 0, where, default=0)
        if len(arguments) > 1:
            raise where.error(f"expected the end of the line after {name}", column=arguments[1][1])
        letters, kind = _ELF_PLAIN[name]
        wanted = CodeSection(name, protection(letters), type=kind)
        a.go_to(a.output.subsection(a.output.make_section(wanted), _subsection(number, where)))

    return handler


def _subsection(number: int, where: Where) -> int:
    if not 0 <= number <= 8192:
        raise where.error(f"subsection {number} is out of range 0..8192")
    return number


def _subsection_number(a: Context, arguments: Arguments, where: Where) -> None:
    number = _subsection(a.constant(arguments, 0, where, default=0), where)
    a.go_to(a.output.subsection(a.output.section.section, number))


def _push(a: Context, arguments: Arguments, where: Where) -> None:
    entered = _named(a, arguments, where)
    a.section_stack.append((a.output.section, a.previous))
    a.go_to(entered)


def _pop(a: Context, arguments: Arguments, where: Where) -> None:
    if not a.section_stack:
        raise where.error(".popsection without .pushsection")
    a.output.section, a.previous = a.section_stack.pop()


def _previous(a: Context, arguments: Arguments, where: Where) -> None:
    a.go_to(a.previous)


SECTION_DIRECTIVES: dict[str, Handler] = {
    ".section": _section,
    ".pushsection": _push,
    ".popsection": _pop,
    ".previous": _previous,
    ".subsection": _subsection_number,
    **{name: _plain(name) for name in (*_ELF_PLAIN, *_MACHO_PLAIN)},
}
