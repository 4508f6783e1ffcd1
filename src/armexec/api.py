"""The functions that make modules: `compile`, `load` and `function`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from armexec.errors import LoadError
from armexec.files import find_file
from armexec.module import Function, Module
from armexec.module.settings import Settings
from armexec.module.signatures import described, prototype_of
from armexec.objects import link_files, load_image
from armexec.objects.names import source_name
from armexec.sources import Source, kind_of_code

if TYPE_CHECKING:
    from armexec.asm import Code
    from armexec.module.imports import Import
    from armexec.objects import Image, Prototype

__all__ = ["compile", "function", "load", "load_source", "source_image"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


def source_image(source: Source, engine: str | None = None) -> Image:
    """The image that a source of any kind becomes, to be loaded for an engine.

    Raises:
        CompileError, AssemblyError, LoadError: it can't be compiled, assembled or read.
    """
    return source.image(_prepare(engine))


def load_source(
    source: Source,
    engine: str | None = None,
    imports: Mapping[str, Import] | None = None,
    *,
    image: Image | None = None,
    settings: Settings | None = None,
) -> Module:
    """Load a source of any kind, or the `image` that `source_image` has made of it.

    Raises:
        CompileError, AssemblyError, LoadError: it can't be compiled, assembled or read.
        HostError: the engine can't run here.
    """
    return _module(image or source_image(source, engine), source, engine, imports, settings)


def _module(
    image: Image,
    source: Source,
    engine: str | None,
    imports: Mapping[str, Import] | None = None,
    settings: Settings | None = None,
) -> Module:
    settings = settings or Settings()
    return _kind_of_module(settings)(
        image,
        engine,
        imports=imports,
        settings=settings,
        assembly=source.assembly,
        diagnostics=source.diagnostics,
        texts=source.texts,
    )


def _kind_of_module(settings: Settings) -> type[Module]:
    """The class of modules that run in this process, or in others."""
    if settings.isolate is None:
        return Module
    from armexec.isolation.module import IsolatedModule

    return IsolatedModule


def _prestart(settings: Settings) -> None:
    """Have what workers are forked from start while the compiler runs. Raises HostError."""
    if settings.isolate is not None:
        from armexec.isolation.server.client import fork_server

        fork_server()


def _prepare(engine: str | None) -> Iterator[None]:
    """Import the packages that loading and calling a new function will need, one a step."""
    from importlib import import_module

    from armexec.engines import get_engine
    from armexec.errors import HostError

    with contextlib.suppress(HostError):  # raised again when the module is loaded
        if get_engine(engine).name == "translated":
            yield
            import_module("armexec.translate.ir.unit")
    for needed in ("armexec.abi", "elftools.dwarf.dwarfinfo"):
        yield
        import_module(needed)


def compile(
    source: str,
    language: str = "c++",
    opt: str | int = "-O0",
    target: str = "host",
    flags: Iterable[str] | str = (),
    *,
    engine: str | None = None,
    compiler: str | None = None,
    filename: str | None = None,
    imports: Mapping[str, Import] | None = None,
    time_limit: float | None = None,
    instruction_limit: int | None = None,
    memory_limit: int | None = None,
    stack_size: int | None = None,
    isolate: str | None = None,
    files: Mapping[str, str] | None = None,
    sandbox: bool = False,
) -> Module:
    """Compile C or C++ for AArch64 and load the result.

    Args:
        source: the text.
        language: "c" or "c++".
        opt: -O0 to -O3, -Og, -Os, -Oz or -Ofast; also 2 for -O2.
        target: "host", "linux", "apple" or "bare"; every one can be compiled for, and runs, everywhere.
        flags: more of the compiler's options.
        engine: "native", "translated" or "reference"; this host's default otherwise.
        compiler: another clang or gcc than the one of the ziglang package; the environment's ARMEXEC_CC does the same.
        filename: the source's name in messages, and where `#include "..."` looks.
        imports: what the functions and variables that the source only declares are, by their names; see `load`.
        time_limit: seconds that each call from Python may take; see `limits`, whose nearer limit counts.
        instruction_limit: how many instructions each call from Python may execute.
        memory_limit: bytes by which the module's own memory may grow, in all calls: what its heap (`malloc`) and the C
            library may have. More is refused: malloc gives a null pointer.
        stack_size: bytes of the guest's stack, in each call from Python.
        isolate: "process": the code runs in a process of its own, which can do nothing else: it can't open files,
            connect or start processes, and its end is an exception (WorkerCrashed). It is a bit slower to call. See
            `armexec.isolation.IsolatedModule`.
        files: folders of the host by the absolute paths under which functions of the C library such as `fopen` see
            them: `files={"/data": "folder"}`. They can only be read, except where the folder's path ends in ":rw". A
            process of its own has none.
        sandbox: see `load`.

    Raises:
        CompileError: with the compiler's diagnostics.
        LoadError: the object needs what it doesn't define.
        SignatureError: a limit or `isolate` has a value that it can't have.
        HostError: the engine can't run here, or a worker process can't be started.
    """
    settings = Settings(time_limit, instruction_limit, memory_limit, stack_size, isolate, files, sandbox)
    _prestart(settings)
    given = Source(source, language, file=filename, opt=opt, target=target, flags=flags, compiler=compiler)
    # Assembly too goes to the compiler here.
    image = load_image(given.compiled(_prepare(engine)).data, filename or "<source>")
    return _module(image, given, engine, imports, settings)


def load(
    file: str | os.PathLike[str] | bytes | Sequence[str | os.PathLike[str]],
    *,
    engine: str | None = None,
    imports: Mapping[str, Import] | None = None,
    search: Sequence[str | os.PathLike[str]] | str | os.PathLike[str] = (),
    dlopen: Sequence[str | os.PathLike[str]] | str | os.PathLike[str] = (),
    time_limit: float | None = None,
    instruction_limit: int | None = None,
    memory_limit: int | None = None,
    stack_size: int | None = None,
    isolate: str | None = None,
    files: Mapping[str, str] | None = None,
    sandbox: bool = False,
) -> Module:
    """Load a relocatable object (ELF or Mach-O for AArch64), a static library of such, a shared library (ELF) or a
    dynamic one (Mach-O), from a path or from bytes; or several objects and static libraries that use each other, from a
    list of paths, as one module.

    Beside an object, those members of static libraries are loaded that define what is undefined; of such libraries
    alone, all.

    Args:
        file: the path, bytes or list; the bare name of a shared library is looked for in `search` first.
        engine: "native", "translated" or "reference"; this host's default otherwise.
        imports: what undefined symbols stand for, by their names: a Function, a Module that defines the symbol, or an
            address. `Module.missing` tells which are left.
        search: folders where the libraries are that a shared library needs. Those of this system are never used. Where
            the C library isn't there, armexec's own stands in.
        dlopen: more shared libraries, which the code may open with dlopen: paths, or names to be looked for in
            `search`. They are loaded, and their initializers called, at once.
        time_limit, instruction_limit, memory_limit, stack_size: limits of the module; see `compile`.
        isolate: "process": the code runs in a process of its own; see `compile`.
        files: folders that the guest may use; see `compile`.
        sandbox: the code can't reach memory outside of 4 GiB of its own, in which addresses count from 0. Arrays, text
            and structs that are passed are copied into it, and back after the call where it may have changed them;
            `Module.empty` makes arrays in it, which aren't copied. Its engine is "translated".

    Raises:
        LoadError: it can't be read, isn't such a file, needs what none defines, or two define the same; a library that
            it needs isn't found.
        SignatureError: a limit or `isolate` has a value that it can't have.
        HostError: the engine can't run here, or a worker process can't be started.
    """
    settings = Settings(time_limit, instruction_limit, memory_limit, stack_size, isolate, files, sandbox)
    names = _paths(search, "search is a list of folders")
    opened = _paths(dlopen, "dlopen is a list of shared libraries")
    if isinstance(file, list | tuple) and all(isinstance(path, str | os.PathLike) for path in file):
        return _kind_of_module(settings)(link_files(file), engine, imports=imports, settings=settings)
    if isinstance(file, bytes | bytearray | memoryview):
        source = Source(file, "object", search=names, opened=opened)
        return load_source(source, engine, imports, settings=settings)
    if isinstance(file, str | os.PathLike):
        path = os.fspath(file)
        if names and isinstance(path, str) and not os.path.dirname(path):
            path = find_file(path, names) or path
        source = Source.from_file(path, "object", search=names, opened=opened)
        return load_source(source, engine, imports, settings=settings)
    raise LoadError(f"an object is loaded from a path, a list of paths, or from bytes, not from {type(file).__name__}")


def _paths(given: object, what: str) -> list[str]:
    paths = [given] if isinstance(given, str | os.PathLike) else given
    if not isinstance(paths, list | tuple) or not all(isinstance(path, str | os.PathLike) for path in paths):
        raise LoadError(f"{what}, not {described(given)}")
    return [os.fsdecode(path) for path in paths]


def function(
    code: Iterable[int] | bytes | str | Code,
    signature: str | Prototype,
    *,
    engine: str | None = None,
    name: str | None = None,
    imports: Mapping[str, Import] | None = None,
    time_limit: float | None = None,
    instruction_limit: int | None = None,
    memory_limit: int | None = None,
    stack_size: int | None = None,
    isolate: str | None = None,
    files: Mapping[str, str] | None = None,
    sandbox: bool = False,
) -> Function:
    """A function from machine words, their bytes, assembly text or assembled code.

    Args:
        code: 32-bit ints; bytes in the order of memory; text, which is assembly unless it is hexadecimal words
            throughout (`0xD10043FF 0xB9000FE0`); or what `assemble` or a Builder made.
        signature: a C prototype such as "int(int)".
        engine: "native", "translated" or "reference"; this host's default otherwise.
        name: the function's name, and, in assembly, the label that it begins at. By default that is the label of the
            prototype's name, or the first function if there is no such label.
        imports: what symbols that the code doesn't define stand for; see `load`.
        time_limit, instruction_limit, memory_limit, stack_size: limits of the module; see `compile`.
        isolate: "process": the code runs in a process of its own; see `compile`.
        files: folders that the guest may use; see `compile`.
        sandbox: see `load`.

    Raises:
        AssemblyError: the text can't be assembled.
        LoadError: the code isn't whole 32-bit words, or uses an undefined symbol; a folder of `files` isn't there.
        SignatureError: the signature can't be read, or a limit has a value that it can't have.
        HostError: the engine can't run here.
    """
    prototype = prototype_of(signature)
    if name is not None and (not isinstance(name, str) or "\0" in name):
        raise LoadError(f"a function's name is text without null characters, not {described(name)}")
    wanted = name or prototype.name
    source = Source(code, kind_of_code(code), entry=wanted or "function")
    settings = Settings(time_limit, instruction_limit, memory_limit, stack_size, isolate, files, sandbox)
    module = load_source(source, engine, imports, settings=settings)
    missing = [name for name in module.image.undefined() if source_name(name) in module.missing]
    if missing:
        module.close()
        places = source.reference_places()
        names = ", ".join(source_name(name) + places.get(name, "") for name in missing)
        raise LoadError(
            f"undefined symbol{'s' if len(missing) > 1 else ''} {names}: the code doesn't define what it uses"
        )
    found = module[wanted] if wanted and wanted in module else module.functions[0]
    return found.with_signature(prototype)
