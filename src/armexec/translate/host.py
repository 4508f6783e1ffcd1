"""IR text to host code, through LLVM."""

from __future__ import annotations

import ctypes
import platform
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from armexec.errors import HostError
from armexec.machines.llvm import Host

__all__ = ["LOCK", "HostCode", "compile_object", "host_features", "host_machine", "unavailable"]

LOCK = threading.RLock()
"""Held around everything that LLVM does: its contexts are not for several threads."""

_LARGE = 1000
"""Of more guest instructions than this, loops are neither unrolled nor vectorized: it takes a third of all the time."""
_LEVELS = {"O0": 0, "O1": 1, "O2": 2, "O3": 3}


@contextmanager
def _no_callbacks() -> Iterator[None]:
    """Keep llvmlite from making ctypes callbacks when it is imported.

    It makes two for its object cache, which isn't used here, and on Linux CPython puts callbacks into a page that is
    writable and executable at once.
    """
    original = ctypes.CFUNCTYPE

    def functype(*arguments: Any, **options: Any) -> Any:
        prototype = original(*arguments, **options)
        if not str(sys._getframe(1).f_globals.get("__name__")).startswith("llvmlite."):
            return prototype

        def null(cls: Any, *_: Any) -> Any:
            return prototype.__new__(cls)

        body = {"__new__": null, "__init__": lambda *_: None, "_flags_": prototype._flags_}
        body |= {"_argtypes_": prototype._argtypes_, "_restype_": prototype._restype_}
        metatype: Any = type(prototype)
        return metatype("NullFunction", (prototype,), body)

    ctypes.CFUNCTYPE = functype
    try:
        yield
    finally:
        ctypes.CFUNCTYPE = original


@cache
def _llvm() -> Any:
    """llvmlite, initialized. Raises ImportError."""
    with _no_callbacks():
        import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


@cache
def unavailable() -> str | None:
    """Why nothing can be translated on this host, or None."""
    try:
        _llvm()
    except (ImportError, OSError, RuntimeError) as error:
        return f"llvmlite doesn't work: {error}"
    return None


def host_machine() -> str:
    return platform.machine()


@cache
def _features() -> str:
    return str(_llvm().get_host_cpu_features().flatten())


@cache
def host_features() -> Host:
    """What this processor can do."""
    features = frozenset(f[1:] for f in _features().split(",") if f.startswith("+"))
    is_arm = host_machine() in ("aarch64", "arm64")
    return Host(features, wide_atomics=is_arm or "cx16" in features, halves=is_arm or "f16c" in features)


def _dispose(manager: Any) -> None:
    """Free a pass manager: llvmlite 0.50 doesn't, since `ObjectRef._dispose` hides the one that would (80 KB each)."""
    from llvmlite.binding import ffi, newpassmanagers

    if type(manager)._dispose is ffi.ObjectRef._dispose:
        newpassmanagers.NewPassManager._dispose(manager)


def _optimized(text: str, tier: str, size: int) -> tuple[Any, Any]:
    """The module of a text, optimized, and the target machine to make its code with."""
    llvm = _llvm()
    level = _LEVELS[tier]
    module = llvm.parse_assembly(text)
    # The parser lets through what the passes then abort the process over.
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=_features(), opt=level, reloc="pic", codemodel="small", jit=True
    )
    if level:
        options = llvm.create_pipeline_tuning_options(speed_level=level)
        if size > _LARGE:
            options.loop_unrolling = options.loop_interleaving = options.loop_vectorization = False
        builder = llvm.create_pass_builder(machine, options)
        manager = builder.getModulePassManager()
        manager.run(module, builder)
        _dispose(manager)
    return module, machine


def compile_object(text: str, *, tier: str, size: int = 0) -> bytes:
    """The object file that a text becomes."""
    with LOCK:
        module, machine = _optimized(text, tier, size)
        return bytes(machine.emit_object(module))


class HostCode:
    """A module in executable memory, freed when nothing refers to it.

    `symbols`: the addresses of what the text declares external; names of the C library are found by themselves.

    Raises:
        HostError: LLVM refuses the text, which is a defect of armexec, or the memory.
    """

    def __init__(self, text: str, symbols: Mapping[str, int], *, tier: str = "O2", size: int = 0) -> None:
        with LOCK:
            try:
                module, machine = _optimized(text, tier, size)
                self._engine = _llvm().create_mcjit_compiler(module, machine)
                for name, address in symbols.items():
                    self._map(module, name, address)
                self._engine.finalize_object()
            except RuntimeError as error:
                raise HostError(f"LLVM refused translated code: {error}") from error

    def _map(self, module: Any, name: str, address: int) -> None:
        try:
            value = module.get_global_variable(name)
        except NameError:
            try:
                value = module.get_function(name)
            except NameError:
                return
        self._engine.add_global_mapping(value, address)

    def address(self, name: str) -> int:
        """Where a function of the module is."""
        with LOCK:
            return int(self._engine.get_function_address(name))
