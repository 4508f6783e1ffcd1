"""What a worker needs and can't get any more: its files are closed to it, and it can't start threads."""

from __future__ import annotations

import contextlib
import pkgutil
from collections.abc import Callable
from importlib import import_module

import armexec
from armexec.compiler_rt import runtime_names
from armexec.errors import ExecutionError, HostError
from armexec.forks import cached_properties
from armexec.isa.data import TABLES, rows
from armexec.libraries.names import c_names
from armexec.module import Function, Module
from armexec.objects import Image, Section, SectionSymbol
from armexec.translate.codegen.shield import shielded
from armexec.translate.support.load import preload
from armexec.translate.tiers import submit

__all__ = ["prepare", "start_threads"]

_NOT_NEEDED = {
    "__main__",
    "api",
    "asm",
    "bench",
    "cli",
    "debugger",
    "explorer",
    "isolation",
    "mcp_server",
    "notebooks",
    "profiling",
    "programs",
    "pytest_plugin",
    "sources",
    "space",
    "toolchain",
}
_LATER = (
    "concurrent.futures",
    "difflib",
    "elftools.dwarf.dwarf_expr",
    "elftools.dwarf.dwarfinfo",
    "elftools.dwarf.locationlists",
    "elftools.elf.elffile",
    "encodings.idna",
    "grp",
    "inspect",
    "itanium_demangler",
    "json",
    "linecache",
    "numpy",
    "numpy.ma",
    "plistlib",
    "pwd",
    "traceback",
)
"""What is otherwise imported when it is first used."""
_functions: list[Function] = []


def prepare() -> None:
    """Import all that workers may use, and have the engines make what they make once."""
    for name in _LATER:
        import_module(name)
    for found in pkgutil.walk_packages(armexec.__path__, "armexec."):
        if found.name.split(".")[1] not in _NOT_NEEDED:
            import_module(found.name)
    runtime_names()
    c_names()
    preload()
    for table in TABLES:
        list(rows(table))
    # f: add x0, x0, x1; ret. g: udf #0
    code = Section("code", bytes.fromhex("0000018bc0035fd600000000"))
    symbols = [SectionSymbol("f", 0, 0, 8, "function"), SectionSymbol("g", 0, 8, 4, "function")]
    for engine in (None, "translated", "reference"):
        with contextlib.suppress(HostError):
            module = Module(Image.from_code("warm", [code], symbols), engine)
            function, failing = module["f"].with_signature("long(long, long)"), module["g"].with_signature("void()")
            function(1, 2)
            function(1, 2)
            _functions.append(function)
            if module.engine != "native":
                try:
                    failing()
                except ExecutionError as error:
                    str(error)
                    str(error.backtrace)
                    str(error.cpu)
    cached_properties()


def start_threads() -> None:
    """Start the threads that the engines use."""
    submit(_Nothing())
    shielded(lambda: None)
    for function in _functions:
        function(1, 2)


class _Nothing:
    """A job for the optimizer."""

    def run(self, stopping: Callable[[], bool]) -> None:
        """Do nothing."""
