"""`%%armexec`: the cell is code of the guest, and becomes a module in the notebook's namespace."""

from __future__ import annotations

import argparse
import linecache
import shlex
from typing import Any, NoReturn

from armexec.api import compile as compile_text
from armexec.errors import Error, SignatureError
from armexec.module import Module
from armexec.notebooks.tracebacks import show_errors

__all__ = ["load"]

_LANGUAGES = ("c++", "c", "assembly")
_TARGETS = ("host", "linux", "apple", "bare")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are armexec's."""

    def error(self, message: str) -> NoReturn:
        raise SignatureError(f"%%armexec: {message}\n{self.format_usage()}")


def _parser() -> _Parser:
    parser = _Parser("%%armexec", add_help=False, description="Compile the cell for AArch64.")
    parser.add_argument("name", nargs="?", default="mod", help="the variable that the module becomes")
    parser.add_argument("--language", "-l", choices=_LANGUAGES, default="c++")
    parser.add_argument("--opt", "-O", default="0", metavar="LEVEL")
    parser.add_argument("--target", choices=_TARGETS, default="host")
    parser.add_argument("--engine", choices=("native", "translated", "reference"))
    parser.add_argument("--flag", action="append", default=[], metavar="OPTION", help="an option of the compiler")
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="of each call")
    return parser


def load(shell: Any) -> None:
    """Have `%%armexec` cells in an IPython shell, and where the guest was below exceptions."""

    def armexec(line: str, cell: str) -> Module | None:
        try:
            return _module(shell, line, cell)
        except Error as error:
            # The compiler's messages say enough: where Python was says nothing.
            text = [f"{type(error).__name__}: {error}"]
            error.__dict__["_render_traceback_"] = lambda *_: text
            raise

    armexec.__doc__ = _parser().format_help()
    shell.register_magic_function(armexec, magic_kind="cell", magic_name="armexec")
    show_errors(shell)


def _module(shell: Any, line: str, cell: str) -> Module:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise SignatureError(f"%%armexec: {error}") from None
    given = _parser().parse_args(words)
    if not given.name.isidentifier():
        raise SignatureError(f"%%armexec: {given.name!r} is no name of a variable")
    level = given.opt.removeprefix("-").removeprefix("O")
    module = compile_text(
        cell,
        given.language,
        f"-O{level}",
        given.target,
        given.flag,
        engine=given.engine,
        time_limit=given.time_limit,
        filename=f"<{given.name}>",
    )
    # Messages about the code show its lines.
    linecache.cache[f"<{given.name}>"] = (len(cell), None, cell.splitlines(keepends=True), f"<{given.name}>")
    shell.user_ns[given.name] = module
    for diagnostic in module.diagnostics:
        print(f"{diagnostic.file}:{diagnostic.line}:{diagnostic.column}: {diagnostic.severity}: {diagnostic.message}")
    return module
