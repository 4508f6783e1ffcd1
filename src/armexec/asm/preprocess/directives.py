"""The directives that decide which lines are assembled, by name."""

from __future__ import annotations

import re
from collections.abc import Callable

from armexec.asm.expressions import STRING
from armexec.asm.lines import Statement, split_arguments
from armexec.asm.preprocess.conditions import CONDITIONS
from armexec.asm.preprocess.context import PreprocessContext
from armexec.asm.preprocess.files import find_file, read_file
from armexec.asm.preprocess.repeats import repeat, repeat_for_characters, repeat_for_values
from armexec.asm.text import string_bytes
from armexec.asm.where import Where

__all__ = ["PREPROCESSING"]

Handler = Callable[[PreprocessContext, Statement, Where], None]


def _nothing_more(statement: Statement, where: Where) -> None:
    if statement.operands:
        raise where.error(
            f"expected the end of the line after {statement.name}, not {statement.operands[:20]!r}",
            column=statement.operands_column,
        )


def _if(a: PreprocessContext, statement: Statement, where: Where) -> None:
    a.conditions.begin(a, statement, where)


def _elseif(a: PreprocessContext, statement: Statement, where: Where) -> None:
    a.conditions.otherwise_if(a, statement.operands, statement.operands_column, where)


def _else(a: PreprocessContext, statement: Statement, where: Where) -> None:
    _nothing_more(statement, where)
    a.conditions.otherwise(where)


def _endif(a: PreprocessContext, statement: Statement, where: Where) -> None:
    _nothing_more(statement, where)
    a.conditions.end(where)


def _macro(a: PreprocessContext, statement: Statement, where: Where) -> None:
    a.shadow(a.macros.define(statement, where))


def _exitm(a: PreprocessContext, statement: Statement, where: Where) -> None:
    depth = a.source.leave()
    if depth is None:
        raise where.error(".exitm outside of a macro and of a repetition")
    a.conditions.cut(depth)


def _purgem(a: PreprocessContext, statement: Statement, where: Where) -> None:
    for argument in split_arguments(statement.operands, statement.operands_column):
        name = a.name(argument)
        if not a.macros.remove(name):
            a.report("warning", f"there is no macro {name!r} to purge", where.at(argument[1]))


def _stray(opening: str) -> Handler:
    def handler(a: PreprocessContext, statement: Statement, where: Where) -> None:
        raise where.error(f"{statement.name} without {opening} before it")

    return handler


def _alternate(on: bool) -> Handler:
    def handler(a: PreprocessContext, statement: Statement, where: Where) -> None:
        _nothing_more(statement, where)
        a.macros.alternate = on

    return handler


def _enable(on: bool) -> Handler:
    def handler(a: PreprocessContext, statement: Statement, where: Where) -> None:
        _nothing_more(statement, where)
        a.macros.enabled = on

    return handler


def _file_name(a: PreprocessContext, argument: tuple[str, int], where: Where) -> str:
    text, column = argument
    if re.fullmatch(STRING, text) is None:
        raise where.error("expected the file's name in double quotes", column=column)
    return string_bytes(text[1:-1]).decode("utf-8", "surrogateescape")


def _include(a: PreprocessContext, statement: Statement, where: Where) -> None:
    name = _file_name(a, (statement.operands, statement.operands_column), where)
    path = find_file(name, a.source.top.place, a.folders)
    where = where.at(statement.operands_column)
    a.source.include(a.readable(read_file(path, where), path, where), path, where, a.conditions.depth)


def _incbin(a: PreprocessContext, statement: Statement, where: Where) -> None:
    arguments = split_arguments(statement.operands, statement.operands_column)
    name = _file_name(a, arguments[0] if arguments else ("", statement.operands_column), where)
    if len(arguments) > 3:
        raise where.error("expected a file, how many bytes to skip and how many to take", column=arguments[3][1])
    skip = a.constant(arguments, 1, where, default=0) if len(arguments) > 1 else 0
    count = a.constant(arguments, 2, where) if len(arguments) > 2 else None
    if skip < 0 or (count is not None and count < 0):
        raise where.error("bytes to skip and to take can't be negative")
    where = where.at(arguments[0][1])
    data = read_file(find_file(name, a.source.top.place, a.folders), where, skip=skip, count=count)
    if count is not None and len(data) < count:
        raise where.error(f"{name!r} has only {skip + len(data)} bytes, not {skip + count}")
    a.output.append(data, where)


def _end(a: PreprocessContext, statement: Statement, where: Where) -> None:
    a.source.stop()


# -- messages --------------------------------------------------------------------------------------------------------
def _message(statement: Statement, default: str) -> str:
    text = statement.operands
    if not text:
        return default
    return string_bytes(text[1:-1]).decode("utf-8", "replace") if text[0] == text[-1] == '"' and len(text) > 1 else text


def _error(a: PreprocessContext, statement: Statement, where: Where) -> None:
    raise where.error(_message(statement, f"{statement.name} stands in the source"))


def _warning(a: PreprocessContext, statement: Statement, where: Where) -> None:
    a.report("warning", _message(statement, f"{statement.name} stands in the source"), where)


def _print(a: PreprocessContext, statement: Statement, where: Where) -> None:
    a.report("note", _message(statement, ""), where)


def _fail(a: PreprocessContext, statement: Statement, where: Where) -> None:
    value = a.number(statement.operands, statement.operands_column, where)
    if value < 500:
        raise where.error(f".fail {value} stands in the source")
    a.report("warning", f".fail {value} stands in the source", where)


# -- names of registers ----------------------------------------------------------------------------------------------
def _unreq(a: PreprocessContext, statement: Statement, where: Where) -> None:
    if a.aliases.pop(statement.operands.lower(), None) is None:
        a.report("warning", f"{statement.operands!r} is no name of a register", where)


PREPROCESSING: dict[str, Handler] = {
    **dict.fromkeys(CONDITIONS, _if),
    ".elseif": _elseif,
    ".else": _else,
    ".endif": _endif,
    ".macro": _macro,
    ".endm": _stray(".macro"),
    ".endmacro": _stray(".macro"),
    ".exitm": _exitm,
    ".purgem": _purgem,
    ".altmacro": _alternate(True),
    ".noaltmacro": _alternate(False),
    ".macros_on": _enable(True),
    ".macros_off": _enable(False),
    ".rept": repeat,
    ".rep": repeat,
    ".irp": repeat_for_values,
    ".irpc": repeat_for_characters,
    ".endr": _stray(".rept, .irp or .irpc"),
    ".include": _include,
    ".incbin": _incbin,
    ".end": _end,
    ".error": _error,
    ".err": _error,
    ".abort": _error,
    ".warning": _warning,
    ".print": _print,
    ".fail": _fail,
    ".unreq": _unreq,
}
"""The function of each directive; the others are in `armexec.asm.directives`."""
