"""A corpus of freestanding C functions with the arguments to call them with.

Each ``*.c`` file beside this module holds functions of one subject. The lines above a function that start
with ``//@`` say how it is called; the definition that follows gives the types::

    //@ cases: (1, 2) (-1, 0x7fff) random:20     argument tuples, and how many seeded random ones
    //@ where: a=0..20, b=-5..5                  ranges for the random ones, instead of the whole type
    //@ heavy: (100000, 1)                       cases too long for an interpreter of instructions
    //@ buffer p: int32_t[8] = 1 2 3             what a pointer parameter points to: values (the rest zero),
    //@ buffer q: uint8_t[64] = random 0..9      random values (of the whole type or in a range),
    //@ buffer s: uint8_t[16] = "text"           or text
    //@ before: reset                            called before the first case: state lasts from case to case
    //@ after: checksum                          called after each case; its result counts too
    int32_t example(int32_t a, int b, int32_t *p, const uint8_t *q, const uint8_t *s) {

Case tuples hold the integer arguments only; every case gets fresh buffers, whose final contents are part of
its outcome. ``//@ variant NAME: FLAGS`` at the top of a file asks for another build of it with these flags.

The expected outcomes come from the host's own compilation of the same file (`host_library`).
"""

from __future__ import annotations

import ast
import ctypes
import functools
import hashlib
import importlib.util
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parent

#: Flags the corpus is compiled with for AArch64: integer registers only, no C library, no outlined atomics.
FLAGS = ("-mgeneral-regs-only", "-ffreestanding", "-mno-outline-atomics")

OPTIMIZATION_LEVELS = ("-O0", "-O2", "-O3")

#: C integer types as LP64 AArch64 and x86-64 Linux (and macOS) agree on them: bits, signed.
INTEGER_TYPES: dict[str, tuple[int, bool]] = {
    "_Bool": (1, False),
    "signed char": (8, True),
    "unsigned char": (8, False),
    "short": (16, True),
    "unsigned short": (16, False),
    "int": (32, True),
    "unsigned": (32, False),
    "unsigned int": (32, False),
    "long": (64, True),
    "unsigned long": (64, False),
    "long long": (64, True),
    "unsigned long long": (64, False),
    "size_t": (64, False),
    "uintptr_t": (64, False),
    **{f"int{bits}_t": (bits, True) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}_t": (bits, False) for bits in (8, 16, 32, 64)},
}

_CTYPES: dict[tuple[int, bool], Any] = {
    (1, False): ctypes.c_bool,
    (8, True): ctypes.c_int8,
    (8, False): ctypes.c_uint8,
    (16, True): ctypes.c_int16,
    (16, False): ctypes.c_uint16,
    (32, True): ctypes.c_int32,
    (32, False): ctypes.c_uint32,
    (64, True): ctypes.c_int64,
    (64, False): ctypes.c_uint64,
}


def limits(type_name: str) -> tuple[int, int]:
    """The smallest and largest value of a C integer type."""
    bits, signed = INTEGER_TYPES[type_name]
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a corpus function; `pointer` ones take a buffer of `type` elements."""

    name: str
    type: str
    pointer: bool
    const: bool


@dataclass(frozen=True)
class Buffer:
    """The initial contents of what a pointer argument points to."""

    type: str
    values: tuple[int, ...]

    def make(self) -> ctypes.Array[Any]:
        """A fresh ctypes array with these contents."""
        array: ctypes.Array[Any] = (_CTYPES[INTEGER_TYPES[self.type]] * len(self.values))(*self.values)
        return array


@dataclass(frozen=True)
class Case:
    """One call: its arguments in order, and whether it is too long for an interpreter of instructions."""

    arguments: tuple[int | Buffer, ...]
    heavy: bool


@dataclass(frozen=True)
class Outcome:
    """What a call did: its result (None for void), the buffers afterwards, the `after` function's result."""

    result: int | None
    buffers: tuple[tuple[int, ...], ...]
    after: int | None


@dataclass(frozen=True)
class CorpusFunction:
    """A C function with the cases to call it with."""

    name: str
    prototype: str
    result: str
    parameters: tuple[Parameter, ...]
    cases: tuple[Case, ...]
    before: str | None
    after: str | None

    def run(
        self,
        functions: Callable[[str], Callable[..., Any]],
        cases: Sequence[Case],
        wrap: Callable[[ctypes.Array[Any]], Any] = lambda array: array,
    ) -> Iterator[Outcome]:
        """Call the function for each of `cases`, in order.

        `functions` gives the callable of a name; `wrap` turns a ctypes array into what is passed for a
        pointer, sharing its memory.
        """
        call = functions(self.name)
        if self.before:
            functions(self.before)()
        for case in cases:
            arrays = []
            arguments: list[Any] = []
            for argument in case.arguments:
                if isinstance(argument, Buffer):
                    arrays.append(argument.make())
                    arguments.append(wrap(arrays[-1]))
                else:
                    arguments.append(argument)
            result = call(*arguments)
            yield Outcome(
                None if result is None else int(result),
                tuple(tuple(array) for array in arrays),
                int(functions(self.after)()) if self.after else None,
            )


@dataclass(frozen=True)
class CorpusFile:
    """A C file of the corpus: its functions, and by name the extra flags of its builds ("base" has none)."""

    path: Path
    functions: tuple[CorpusFunction, ...]
    variants: dict[str, tuple[str, ...]]

    @property
    def source(self) -> str:
        """The C text."""
        return self.path.read_text()


# -- reading

_TYPE_NAMES = "|".join(sorted((re.escape(name) for name in INTEGER_TYPES), key=len, reverse=True))
_DEFINITION = re.compile(rf"(?P<result>void|{_TYPE_NAMES}) (?P<name>\w+)\((?P<parameters>[^()]*)\) \{{")
_PARAMETER = re.compile(rf"(?P<const>const )?(?P<type>{_TYPE_NAMES}) (?P<pointer>\*?)(?P<name>\w+)")
_DIRECTIVE = re.compile(
    r"//@ (?P<key>cases|where|heavy|before|after|buffer|variant)(?: (?P<name>\w+))?: (?P<text>.+)"
)
_BUFFER = re.compile(rf"(?P<type>{_TYPE_NAMES})\[(?P<length>\d+)\] = (?P<init>.+)")
_INTEGER = r"-?(?:0x[0-9a-fA-F]+|\d+)"
_RANGE = re.compile(rf"(?P<low>{_INTEGER})\.\.(?P<high>{_INTEGER})")
_CASE = re.compile(r"\((?P<values>[^()]*)\)|random:(?P<count>\d+)")
# Support routines a compiler may call by name: not corpus functions.
_SUPPORT = re.compile(r"mem(cpy|set|move|cmp)|__\w+")


@dataclass
class _Pending:
    """The directives read since the last definition."""

    cases: str = ""
    heavy: str = ""
    where: str = ""
    before: str | None = None
    after: str | None = None
    buffers: dict[str, str] = field(default_factory=dict)


def _span(text: str, type_name: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(text)
    if not match:
        raise ValueError(f"not a range: {text!r}")
    low, high = int(match["low"], 0), int(match["high"], 0)
    least, most = limits(type_name)
    if not least <= low <= high <= most:
        raise ValueError(f"range {text} doesn't fit {type_name}")
    return low, high


def _random_value(rng: random.Random, type_name: str, span: tuple[int, int] | None) -> int:
    """A value of the type, with its limits, powers of two and small values more often than by chance."""
    low, high = limits(type_name)
    if span is not None:
        return rng.choice((*span, rng.randint(*span), rng.randint(*span), rng.randint(*span)))
    bits = INTEGER_TYPES[type_name][0]
    kind = rng.randrange(4)
    if kind == 0:
        value = rng.choice((0, 1, -1, 2, low, high, low + 1, high - 1))
    elif kind == 1:
        value = (1 << rng.randrange(bits)) + rng.choice((-1, 0, 1))
    else:
        value = rng.getrandbits(rng.randint(1, bits)) * rng.choice((1, -1))
    return low + (value - low) % (high - low + 1)


def _buffer(rng: random.Random, text: str) -> Buffer:
    match = _BUFFER.fullmatch(text)
    if not match:
        raise ValueError(f"not a buffer: {text!r}")
    type_name, length, init = match["type"], int(match["length"]), match["init"]
    if init == "random" or init.startswith("random "):
        span = _span(init.removeprefix("random "), type_name) if init != "random" else None
        values = [_random_value(rng, type_name, span) for _ in range(length)]
    elif init.startswith('"'):
        values = list(ast.literal_eval(f"b{init}"))
    else:
        values = [int(word, 0) for word in init.split()]
    if len(values) > length or any(not limits(type_name)[0] <= v <= limits(type_name)[1] for v in values):
        raise ValueError(f"contents don't fit: {text!r}")
    return Buffer(type_name, (*values, *[0] * (length - len(values))))


def _cases(rng: random.Random, pending: _Pending, parameters: Sequence[Parameter]) -> Iterator[Case]:
    integers = {p.name: p.type for p in parameters if not p.pointer}
    if set(pending.buffers) != {p.name for p in parameters if p.pointer}:
        raise ValueError("each pointer parameter needs one //@ buffer, and nothing else does")
    spans: dict[str, tuple[int, int]] = {}
    for item in filter(None, pending.where.split(", ")):
        name, _, text = item.partition("=")
        if name not in integers:
            raise ValueError(f"//@ where: no integer parameter {name!r}")
        spans[name] = _span(text, integers[name])

    def complete(values: Sequence[int], heavy: bool) -> Case:
        if len(values) != len(integers):
            raise ValueError(f"{len(values)} values for {len(integers)} integer parameters: {values}")
        for value, (name, type_name) in zip(values, integers.items(), strict=True):
            low, high = limits(type_name)
            if not low <= value <= high:
                raise ValueError(f"{name}={value} doesn't fit {type_name}")
        remaining = iter(values)
        return Case(
            tuple(
                _buffer(rng, pending.buffers[p.name]) if p.pointer else next(remaining) for p in parameters
            ),
            heavy,
        )

    for text, heavy in ((pending.cases, False), (pending.heavy, True)):
        if _CASE.sub("", text).strip():
            raise ValueError(f"not cases: {text!r}")
        for match in _CASE.finditer(text):
            if match["count"]:
                for _ in range(int(match["count"])):
                    values = [
                        _random_value(rng, type_name, spans.get(name)) for name, type_name in integers.items()
                    ]
                    yield complete(values, heavy)
            else:
                yield complete([int(v, 0) for v in match["values"].split(",") if v.strip()], heavy)


def _function(path: Path, definition: re.Match[str], pending: _Pending) -> CorpusFunction:
    name = definition["name"]
    parameters = []
    if definition["parameters"] != "void":
        for text in definition["parameters"].split(", "):
            match = _PARAMETER.fullmatch(text)
            if not match:
                raise ValueError(f"not a parameter: {text!r}")
            parameters.append(
                Parameter(match["name"], match["type"], bool(match["pointer"]), bool(match["const"]))
            )
    if not pending.cases and not pending.heavy:
        raise ValueError(f"{name} has no //@ cases or //@ heavy")
    return CorpusFunction(
        name,
        definition[0].removesuffix(" {"),
        definition["result"],
        tuple(parameters),
        tuple(_cases(random.Random(f"{path.name}:{name}"), pending, parameters)),
        pending.before,
        pending.after,
    )


def read(path: Path) -> CorpusFile:
    """Read one file. Raises ValueError, with its line, for what isn't written as described above."""
    functions: list[CorpusFunction] = []
    variants: dict[str, tuple[str, ...]] = {"base": ()}
    pending: _Pending | None = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            if line.startswith("//@"):
                directive = _DIRECTIVE.fullmatch(line)
                if not directive:
                    raise ValueError(f"not a directive: {line!r}")
                key, name, text = directive["key"], directive["name"], directive["text"]
                if key == "variant":
                    variants[name] = tuple(text.split())
                    continue
                pending = pending or _Pending()
                if key == "buffer":
                    pending.buffers[name] = text
                elif name or getattr(pending, key):
                    raise ValueError(f"//@ {key} twice, or with a name")
                else:
                    setattr(pending, key, text)
                continue
            definition = _DEFINITION.fullmatch(line)
            if definition and (pending or not _SUPPORT.fullmatch(definition["name"])):
                functions.append(_function(path, definition, pending or _Pending()))
            elif pending:
                raise ValueError(f"a function definition on one line must follow the //@ lines, not {line!r}")
            pending = None
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from None
    names = {function.name for function in functions}
    for function in functions:
        if not {function.before, function.after} <= {*names, None}:
            raise ValueError(
                f"{path}: {function.name}: //@ before or //@ after names no function of the file"
            )
    return CorpusFile(path, tuple(functions), variants)


@functools.cache
def files() -> list[CorpusFile]:
    """All files of the corpus, by name."""
    return [read(path) for path in sorted(DIRECTORY.glob("*.c"))]


# -- the host's own compilation


class NoHostCompiler(Exception):
    """There is no C compiler for this machine."""


@functools.cache
def zig_clang() -> Path | None:
    """The ziglang wheel's `zig`, which holds a clang for every target, or None."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        return None
    return next(
        filter(Path.is_file, (Path(spec.origin).with_name(name) for name in ("zig", "zig.exe"))), None
    )


def _host_compiler() -> list[str]:
    for name in ("gcc", "cc", "clang"):
        if found := shutil.which(name):
            return [found]
    if (zig := zig_clang()) and sys.platform == "linux":
        return [str(zig), "cc", "-target", f"{platform.machine()}-linux-musl", "-fno-sanitize=all"]
    raise NoHostCompiler("no gcc, cc, clang or zig compiles for this machine")


@functools.cache
def _build_directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="corpus-", ignore_cleanup_errors=True)


@functools.cache
def _build(path: Path, opt: str) -> Path:
    compiler = _host_compiler()
    key = hashlib.sha256(f"{path}{opt}".encode()).hexdigest()[:12]
    library = Path(_build_directory().name) / f"{path.stem}-{key}.so"
    # No library is linked but the compiler's own. Without -Bsymbolic, calls inside the file would go to
    # functions of the same name that the process already has. gcc turns loops into calls of memset even in
    # memset itself.
    options = ["-std=gnu11", opt, "-shared", "-fPIC", "-ffreestanding", "-fno-stack-protector", "-w"]
    if sys.platform != "darwin":
        options += ["-nostdlib", "-Wl,-Bsymbolic"]
    if "gcc" in Path(compiler[0]).name:
        options += ["-fno-tree-loop-distribute-patterns"]
    command = [*compiler, *options, "-o", str(library), str(path)]
    if "zig" not in Path(compiler[0]).name and sys.platform != "darwin":
        command.append("-lgcc")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")
    return library


def host_library(file: CorpusFile, opt: str) -> ctypes.CDLL:
    """The file compiled for this machine, with `argtypes` and `restype` set for all its functions.

    It is built once a process, but each call loads a copy of its own, whose static data is as at the start.
    Raises NoHostCompiler with the reason where that isn't possible.
    """
    built = _build(file.path, opt)
    handle, copy = tempfile.mkstemp(suffix=".so", dir=built.parent)
    os.close(handle)
    shutil.copy(built, copy)
    library = ctypes.CDLL(copy)
    for function in file.functions:
        call = getattr(library, function.name)
        call.restype = None if function.result == "void" else _CTYPES[INTEGER_TYPES[function.result]]
        types = [(_CTYPES[INTEGER_TYPES[p.type]], p.pointer) for p in function.parameters]
        call.argtypes = [ctypes.POINTER(ctype) if pointer else ctype for ctype, pointer in types]
    return library
