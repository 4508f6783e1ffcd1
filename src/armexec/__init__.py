"""Turns C++, C, assembly or machine words into a running AArch64 function, on any machine.

>>> import armexec
>>> mod = armexec.compile("int fn(int num) { return num; }")
>>> mod.fn(3)
3
"""

from __future__ import annotations

import os

# typing itself costs more to import than the rest of this file.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from armexec.abi.guest_pointer import GuestPointer
    from armexec.api import compile, function, load
    from armexec.asm import Builder, Code, assemble
    from armexec.cpu import Cpu, Stop
    from armexec.debugger import Session, debug
    from armexec.disasm import Instruction, Memory, Operand, Shift, disassemble
    from armexec.errors import (
        Aborted,
        AssemblyError,
        BreakpointHit,
        CompileError,
        Diagnostic,
        Error,
        ExecutionError,
        GuestException,
        HostError,
        IllegalInstruction,
        InstructionLimitExceeded,
        LoadError,
        MemoryFault,
        SignatureError,
        StackOverflow,
        SystemCallDenied,
        TimeLimitExceeded,
        UndefinedSymbol,
        UnsupportedInstruction,
        WorkerCrashed,
    )
    from armexec.module import Function, Module
    from armexec.module.arguments.variable import VariableArguments
    from armexec.module.code_buffer import CodeBuffer
    from armexec.module.guest_callbacks import Callback, callback
    from armexec.profiling.profile import HotFunction, HotLine, Profile, profile
    from armexec.program.images import ProgramResult
    from armexec.programs import run
    from armexec.resource_limits.run_limits import limits
    from armexec.space import AddressSpace
    from armexec.tracing import Trace, trace

__all__ = [
    "Aborted",
    "AddressSpace",
    "AssemblyError",
    "BreakpointHit",
    "Builder",
    "Callback",
    "Code",
    "CodeBuffer",
    "CompileError",
    "Cpu",
    "Diagnostic",
    "Error",
    "ExecutionError",
    "Function",
    "GuestException",
    "GuestPointer",
    "HostError",
    "HotFunction",
    "HotLine",
    "IllegalInstruction",
    "Instruction",
    "InstructionLimitExceeded",
    "LoadError",
    "Memory",
    "MemoryFault",
    "Module",
    "Operand",
    "Profile",
    "ProgramResult",
    "Session",
    "Shift",
    "SignatureError",
    "StackOverflow",
    "Stop",
    "SystemCallDenied",
    "TimeLimitExceeded",
    "Trace",
    "UndefinedSymbol",
    "UnknownRegister",
    "UnsupportedInstruction",
    "VariableArguments",
    "WorkerCrashed",
    "__version__",
    "assemble",
    "callback",
    "compile",
    "debug",
    "disassemble",
    "function",
    "limits",
    "load",
    "profile",
    "run",
    "trace",
]

__version__ = "0.1.0"

# Nothing is imported before it is used, so that `import armexec` costs nothing.
_HOMES = {
    **dict.fromkeys(("Builder", "Code", "assemble"), "armexec.asm"),
    **dict.fromkeys(("Instruction", "Memory", "Operand", "Shift", "disassemble"), "armexec.disasm"),
    **dict.fromkeys(("compile", "function", "load"), "armexec.api"),
    **dict.fromkeys(("Function", "Module"), "armexec.module"),
    **dict.fromkeys(("HotFunction", "HotLine", "Profile", "profile"), "armexec.profiling.profile"),
    **dict.fromkeys(("Cpu", "Stop"), "armexec.cpu"),
    **dict.fromkeys(("Session", "debug"), "armexec.debugger"),
    **dict.fromkeys(("Trace", "trace"), "armexec.tracing"),
    **dict.fromkeys(("Callback", "callback"), "armexec.module.guest_callbacks"),
    "ProgramResult": "armexec.program.images",
    "run": "armexec.programs",
    "AddressSpace": "armexec.space",
    "CodeBuffer": "armexec.module.code_buffer",
    "GuestPointer": "armexec.abi.guest_pointer",
    "VariableArguments": "armexec.module.arguments.variable",
    "limits": "armexec.resource_limits.run_limits",
}


_PUBLIC_MODULES = ("notebooks", "testing")


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _PUBLIC_MODULES:
        return import_module(f"armexec.{name}")
    if name not in __all__:
        raise AttributeError(f"module 'armexec' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES.get(name, "armexec.errors")), name)
    return value


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext armexec`: cells that begin with %%armexec are Arm code (`armexec.notebooks`)."""
    from armexec.notebooks import load

    load(shell)


def _at_forks() -> None:
    """Have `armexec.forks` called, from the first module on that any thread imports."""

    def named(name: str) -> Callable[[], None]:
        def call() -> None:
            from armexec import forks

            getattr(forks, name)()

        return call

    names = ("before", "after_in_parent", "after_in_child")
    os.register_at_fork(**{name: named(name) for name in names})


if hasattr(os, "register_at_fork"):
    _at_forks()


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
