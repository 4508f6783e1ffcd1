"""Source text to object bytes: the C and C++ compiler, its diagnostics and the cache of what it made."""

from __future__ import annotations

from armexec.toolchain.compile import Compiled, assembly_output, compile_assembly, compile_object
from armexec.toolchain.compiler import Compiler, find_compiler, wheel_compiler
from armexec.toolchain.options import CompileOptions
from armexec.toolchain.targets import Target, resolve_target

__all__ = [
    "CompileOptions",
    "Compiled",
    "Compiler",
    "Target",
    "assembly_output",
    "compile_assembly",
    "compile_object",
    "find_compiler",
    "resolve_target",
    "wheel_compiler",
]
