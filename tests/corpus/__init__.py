"""Corpora of freestanding C functions with the arguments to call them with.

Each ``*.c`` file of a corpus holds functions of one subject; those beside this module are the integer corpus. The
lines above a function that start with ``//@`` say how it is called; the definition that follows gives the types::

    //@ cases: (1, 2) (-1, 0x7fff) random:20     argument tuples, and how many seeded random ones
    //@ where: a=0..20, b=-5..5                  ranges for the random ones, instead of the whole type
    //@ heavy: (100000, 1)                       cases too long for an interpreter of instructions
    //@ buffer p: int32_t[8] = 1 2 3             what a pointer parameter points to: values (the rest zero),
    //@ buffer q: uint8_t[64] = random 0..9      random values (of the whole type or in a range),
    //@ buffer s: uint8_t[16] = "text"           or text
    //@ buffer x: float[8] = special             random ones, of floats infinities and NaNs too
    //@ before: reset                            called before the first case: state lasts from case to case
    //@ after: checksum                          called after each case; its result counts too
    int32_t example(int32_t a, int b, int32_t *p, const uint8_t *q, const uint8_t *s) {

Case tuples hold the arguments that aren't pointers; every case gets fresh buffers, whose final contents are part of
its outcome. At the top of a file, ``//@ default cases: CASES`` and ``//@ default buffers: 32 special`` are for the
functions and pointer parameters that have none (integers are then random), ``//@ flags: FLAGS`` adds to all builds
for AArch64, and ``//@ variant NAME: FLAGS`` asks for another build with these flags.

The expected outcomes come from the host's own compilation of the same file (`host_library`). Floating-point values
are compared bit by bit, but any NaN is as good as another: C doesn't say which one an operation gives, and
processors differ in the sign and the payload.
"""

from __future__ import annotations

import ast
import ctypes
import functools
import hashlib
import importlib.util
import math
import os
import platform
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parent

#: Flags the integer corpus is compiled with for AArch64: no SIMD and FP registers, no C library, no outlined atomics.
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


#: C floating-point types: bits. Half precision is only passed by pointer: ctypes has no such type.
FLOAT_TYPES = {"_Float16": 16, "float": 32, "double": 64}
_FLOAT_CODES = {"_Float16": "e", "float": "f", "double": "d"}
_FLOAT_CTYPES: dict[str, Any] = {
    "_Float16": ctypes.c_uint16,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
}


def _ctype(type_name: str) -> Any:
    return _FLOAT_CTYPES[type_name] if type_name in FLOAT_TYPES else _CTYPES[INTEGER_TYPES[type_name]]


def rounded(type_name: str, value: float) -> float:
    """The value of a floating-point type that is nearest to `value`."""
    code = _FLOAT_CODES[type_name]
    try:
        return float(struct.unpack(code, struct.pack(code, value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def outcome_value(type_name: str, value: Any) -> int | str:
    """What is compared: an integer, or a floating-point value's exact text, the same for all NaNs."""
    if type_name not in FLOAT_TYPES:
        return int(value)
    return "nan" if math.isnan(value) else float(value).hex()


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
    values: tuple[int | float, ...]

    def make(self) -> ctypes.Array[Any]:
        """A fresh ctypes array with these contents; of unsigned integers for half precision."""
        values = self.values
        if self.type == "_Float16":
            values = struct.unpack(f"{len(values)}H", struct.pack(f"{len(values)}e", *values))
        array: ctypes.Array[Any] = (_ctype(self.type) * len(values))(*values)
        return array

    def contents(self, array: ctypes.Array[Any]) -> tuple[int | str, ...]:
        """What a ctypes array made by `make` holds now."""
        values = tuple(array)
        if self.type == "_Float16":
            values = struct.unpack(f"{len(values)}e", struct.pack(f"{len(values)}H", *values))
        return tuple(outcome_value(self.type, value) for value in values)


@dataclass(frozen=True)
class Case:
    """One call: its arguments in order, and whether it is too long for an interpreter of instructions."""

    arguments: tuple[int | float | Buffer, ...]
    heavy: bool


@dataclass(frozen=True)
class Outcome:
    """What a call did: its result (None for void), the buffers afterwards, the `after` function's result.

    Floating-point values are text (`outcome_value`).
    """

    result: int | str | None
    buffers: tuple[tuple[int | str, ...], ...]
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
        wrap: Callable[[ctypes.Array[Any], str], Any] = lambda array, _: array,
    ) -> Iterator[Outcome]:
        """Call the function for each of `cases`, in order.

        `functions` gives the callable of a name; `wrap` turns a ctypes array of the given element type into what
        is passed for a pointer, sharing its memory.
        """
        call = functions(self.name)
        if self.before:
            functions(self.before)()
        for case in cases:
            arrays = []
            arguments: list[Any] = []
            for argument in case.arguments:
                if isinstance(argument, Buffer):
                    arrays.append((argument, argument.make()))
                    arguments.append(wrap(arrays[-1][1], argument.type))
                else:
                    arguments.append(argument)
            result = call(*arguments)
            yield Outcome(
                None if result is None else outcome_value(self.result, result),
                tuple(buffer.contents(array) for buffer, array in arrays),
                int(functions(self.after)()) if self.after else None,
            )


@dataclass(frozen=True)
class CorpusFile:
    """A C file of a corpus: its functions, and by name the flags of its builds for AArch64 ("base" is always one)."""

    path: Path
    functions: tuple[CorpusFunction, ...]
    variants: dict[str, tuple[str, ...]]

    @property
    def source(self) -> str:
        """The C text."""
        return self.path.read_text()


@dataclass(frozen=True)
class Corpus:
    """The C files of a directory, with the flags they are compiled with for AArch64 and for the host."""

    directory: Path
    flags: tuple[str, ...]
    host_flags: tuple[str, ...] = ()

    @functools.cached_property
    def files(self) -> dict[str, CorpusFile]:
        """The files by name, without the suffix."""
        return {path.stem: read(path) for path in sorted(self.directory.glob("*.c"))}

    @property
    def builds(self) -> list[tuple[str, str]]:
        """A file's name and a variant's, for each build."""
        return [(stem, variant) for stem, file in self.files.items() for variant in file.variants]

    @property
    def functions(self) -> list[CorpusFunction]:
        """All functions of all files."""
        return [function for file in self.files.values() for function in file.functions]


INTEGER_CORPUS = Corpus(DIRECTORY, FLAGS)


# -- reading

_TYPE_NAMES = "|".join(sorted((re.escape(name) for name in (*INTEGER_TYPES, *FLOAT_TYPES)), key=len, reverse=True))
_DEFINITION = re.compile(rf"(?P<result>void|{_TYPE_NAMES}) (?P<name>\w+)\((?P<parameters>[^()]*)\) \{{")
_PARAMETER = re.compile(rf"(?P<const>const )?(?P<type>{_TYPE_NAMES}) (?P<pointer>\*?)(?P<name>\w+)")
_DIRECTIVE = re.compile(
    r"//@ (?P<key>cases|where|heavy|before|after|buffer|flags|variant|default)(?: (?P<name>\w+))?: (?P<text>.+)"
)
_BUFFER = re.compile(rf"(?P<type>{_TYPE_NAMES})\[(?P<length>\d+)\] = (?P<init>.+)")
_NUMBER = r"-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:e-?\d+)?)"
_RANGE = re.compile(rf"(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})")
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


@dataclass(frozen=True)
class _Defaults:
    """What functions without cases and pointer parameters without buffers get."""

    cases: str = ""
    buffers: str = ""

    def complete(self, pending: _Pending | None, parameters: Sequence[Parameter]) -> _Pending:
        pending = pending or _Pending()
        if not pending.cases and not pending.heavy:
            pending.cases = self.cases
        if self.buffers:
            length, _, init = self.buffers.partition(" ")
            for p in parameters:
                if p.pointer:
                    contents = init if p.type in FLOAT_TYPES else "random"
                    pending.buffers.setdefault(p.name, f"{p.type}[{length}] = {contents}")
        return pending


def _number(text: str, type_name: str) -> int | float:
    """The value a text stands for; raises ValueError if the type doesn't have it."""
    if type_name in FLOAT_TYPES:
        value = float.fromhex(text) if "0x" in text else float(text)
        if math.isinf(rounded(type_name, value)) and not math.isinf(value):
            raise ValueError(f"{text} doesn't fit {type_name}")
        return rounded(type_name, value)
    number = int(text, 0)
    least, most = limits(type_name)
    if not least <= number <= most:
        raise ValueError(f"{text} doesn't fit {type_name}")
    return number


def _span(text: str, type_name: str) -> tuple[int, int] | tuple[float, float]:
    match = _RANGE.fullmatch(text)
    if not match:
        raise ValueError(f"not a range: {text!r}")
    low, high = _number(match["low"], type_name), _number(match["high"], type_name)
    if low > high:
        raise ValueError(f"range {text} is empty")
    return low, high


def _random_value(rng: random.Random, type_name: str, span: tuple[Any, Any] | None) -> int | float:
    """A value of the type, with its limits, powers of two and small values more often than by chance."""
    if type_name in FLOAT_TYPES:
        return _random_float(rng, type_name, span)
    low, high = limits(type_name)
    if span is not None:
        return int(rng.choice((*span, rng.randint(*span), rng.randint(*span), rng.randint(*span))))
    bits = INTEGER_TYPES[type_name][0]
    kind = rng.randrange(4)
    if kind == 0:
        value = rng.choice((0, 1, -1, 2, low, high, low + 1, high - 1))
    elif kind == 1:
        value = (1 << rng.randrange(bits)) + rng.choice((-1, 0, 1))
    else:
        value = rng.getrandbits(rng.randint(1, bits)) * rng.choice((1, -1))
    return low + (value - low) % (high - low + 1)


def _random_float(rng: random.Random, type_name: str, span: tuple[float, float] | None) -> float:
    """A finite value of the type: any bit pattern, or a small multiple of a quarter, or a number around 1.

    Zeros of both signs, denormals and the limits come more often than by chance.
    """
    if span is not None:
        value = rng.choice((rng.uniform(*span), rng.uniform(*span), rng.uniform(*span), round(rng.uniform(*span))))
        return rounded(type_name, min(max(value, span[0]), span[1]))
    bits = FLOAT_TYPES[type_name]
    integer, code = {16: "H", 32: "I", 64: "Q"}[bits], _FLOAT_CODES[type_name]
    fraction = {16: 10, 32: 23, 64: 52}[bits]
    infinity = (1 << bits - 1) - (1 << fraction)
    kind = rng.randrange(6)
    if kind == 0:
        pattern = rng.choice((0, 1, 1 << fraction, (1 << fraction) - 1, infinity - 1, rng.getrandbits(fraction)))
    elif kind <= 2:
        pattern = rng.randrange(infinity)
    else:
        scale = rng.choice((1.0, 1.0, 100.0, 2000.0))
        value = rng.uniform(0, scale) if kind < 5 else rng.randrange(401) / 4
        return rounded(type_name, value * rng.choice((1, -1)))
    return float(struct.unpack(code, struct.pack(integer, pattern))[0]) * rng.choice((1, -1))


def _buffer(rng: random.Random, text: str) -> Buffer:
    match = _BUFFER.fullmatch(text)
    if not match:
        raise ValueError(f"not a buffer: {text!r}")
    type_name, length, init = match["type"], int(match["length"]), match["init"]
    values: list[int | float]
    if init == "random" or init.startswith("random "):
        span = _span(init.removeprefix("random "), type_name) if init != "random" else None
        values = [_random_value(rng, type_name, span) for _ in range(length)]
    elif init == "special" and type_name in FLOAT_TYPES:
        values = [
            rng.choice((math.inf, -math.inf, math.nan)) if rng.random() < 0.2 else _random_float(rng, type_name, None)
            for _ in range(length)
        ]
    elif init.startswith('"'):
        values = list(ast.literal_eval(f"b{init}"))
    else:
        values = [_number(word, type_name) for word in init.split()]
    if len(values) > length:
        raise ValueError(f"contents don't fit: {text!r}")
    zero = 0.0 if type_name in FLOAT_TYPES else 0
    return Buffer(type_name, (*values, *[zero] * (length - len(values))))


def _cases(rng: random.Random, pending: _Pending, parameters: Sequence[Parameter]) -> Iterator[Case]:
    scalars = {p.name: p.type for p in parameters if not p.pointer}
    if "_Float16" in scalars.values():
        raise ValueError("_Float16 is only passed by pointer")
    if set(pending.buffers) != {p.name for p in parameters if p.pointer}:
        raise ValueError("each pointer parameter needs one //@ buffer, and nothing else does")
    spans: dict[str, tuple[Any, Any]] = {}
    for item in filter(None, pending.where.split(", ")):
        name, _, text = item.partition("=")
        if name not in scalars:
            raise ValueError(f"//@ where: no such parameter, or a pointer: {name!r}")
        spans[name] = _span(text, scalars[name])

    def given(text: str) -> Iterator[int | float]:
        words = [word.strip() for word in text.split(",") if word.strip()]
        if len(words) != len(scalars):
            raise ValueError(f"{len(words)} values for {len(scalars)} parameters that aren't pointers: {text!r}")
        for word, (name, type_name) in zip(words, scalars.items(), strict=True):
            try:
                yield _number(word, type_name)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None

    def complete(values: Iterable[int | float], heavy: bool) -> Case:
        remaining = iter(values)
        return Case(
            tuple(_buffer(rng, pending.buffers[p.name]) if p.pointer else next(remaining) for p in parameters),
            heavy,
        )

    for text, heavy in ((pending.cases, False), (pending.heavy, True)):
        if _CASE.sub("", text).strip():
            raise ValueError(f"not cases: {text!r}")
        for match in _CASE.finditer(text):
            if match["count"]:
                for _ in range(int(match["count"])):
                    values = [_random_value(rng, type_name, spans.get(name)) for name, type_name in scalars.items()]
                    yield complete(values, heavy)
            else:
                yield complete(list(given(match["values"])), heavy)


def _function(path: Path, definition: re.Match[str], pending: _Pending | None, defaults: _Defaults) -> CorpusFunction:
    name = definition["name"]
    parameters = []
    if definition["parameters"] != "void":
        for text in definition["parameters"].split(", "):
            match = _PARAMETER.fullmatch(text)
            if not match:
                raise ValueError(f"not a parameter: {text!r}")
            parameters.append(Parameter(match["name"], match["type"], bool(match["pointer"]), bool(match["const"])))
    pending = defaults.complete(pending, parameters)
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
    common: tuple[str, ...] = ()
    defaults = _Defaults()
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
                if key == "flags":
                    common = tuple(text.split())
                    continue
                if key == "default":
                    if name not in ("cases", "buffers"):
                        raise ValueError("only cases and buffers have a default")
                    defaults = replace(defaults, **{name: text})
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
                functions.append(_function(path, definition, pending, defaults))
            elif pending:
                raise ValueError(f"a function definition on one line must follow the //@ lines, not {line!r}")
            pending = None
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from None
    names = {function.name for function in functions}
    for function in functions:
        if not {function.before, function.after} <= {*names, None}:
            raise ValueError(f"{path}: {function.name}: //@ before or //@ after names no function of the file")
    return CorpusFile(path, tuple(functions), {name: common + flags for name, flags in variants.items()})


# -- the host's own compilation


class NoHostCompiler(Exception):
    """There is no C compiler for this machine, or none that knows the types of the file."""


@functools.cache
def zig_clang() -> Path | None:
    """The ziglang wheel's `zig`, which holds a clang for every target, or None."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        return None
    return next(filter(Path.is_file, (Path(spec.origin).with_name(name) for name in ("zig", "zig.exe"))), None)


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
def half_precision() -> tuple[str, ...]:
    """Options by which the host's compiler rounds every operation on `_Float16` to it, as AArch64 does."""
    compiler, source = _host_compiler(), Path(_build_directory().name) / "half.c"
    source.write_text("void f(_Float16 *p) { p[0] = p[1] * p[2] + p[3]; }")
    for option in ("-fexcess-precision=16", "-ffloat16-excess-precision=none"):
        command = [*compiler, option, "-c", str(source), "-o", os.devnull]
        if not subprocess.run(command, capture_output=True, check=False).returncode:
            return (option,)
    if platform.machine() in ("aarch64", "arm64"):
        return ()
    raise NoHostCompiler(f"{compiler[0]} has no _Float16 that is rounded after each operation")


@functools.cache
def _build(path: Path, opt: str, flags: tuple[str, ...]) -> Path:
    compiler = _host_compiler()
    key = hashlib.sha256(f"{path}{opt}{flags}".encode()).hexdigest()[:12]
    library = Path(_build_directory().name) / f"{path.stem}-{key}.so"
    # No library is linked but the compiler's own. Without -Bsymbolic, calls inside the file would go to
    # functions of the same name that the process already has. gcc turns loops into calls of memset even in
    # memset itself.
    options = ["-std=gnu11", opt, "-shared", "-fPIC", "-ffreestanding", "-fno-stack-protector", "-w", *flags]
    if "_Float16" in path.read_text():
        options += half_precision()
    if sys.platform != "darwin":
        options += ["-nostdlib", "-Wl,-Bsymbolic"]
    if "gcc" in Path(compiler[0]).name:
        options += ["-fno-tree-loop-distribute-patterns"]
    command = [*compiler, *options, "-o", str(library), str(path)]
    if "zig" not in Path(compiler[0]).name and sys.platform != "darwin":
        command += ["-lm", "-lgcc"]  # libm is for fma and rounding where the processor may lack them
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")
    return library


def host_library(file: CorpusFile, opt: str, flags: tuple[str, ...] = ()) -> ctypes.CDLL:
    """The file compiled for this machine, with `argtypes` and `restype` set for all its functions.

    It is built once a process, but each call loads a copy of its own, whose static data is as at the start.
    Raises NoHostCompiler with the reason where that isn't possible.
    """
    built = _build(file.path, opt, flags)
    handle, copy = tempfile.mkstemp(suffix=".so", dir=built.parent)
    os.close(handle)
    shutil.copy(built, copy)
    library = ctypes.CDLL(copy)
    for function in file.functions:
        call = getattr(library, function.name)
        call.restype = None if function.result == "void" else _ctype(function.result)
        types = [(_ctype(p.type), p.pointer) for p in function.parameters]
        call.argtypes = [ctypes.POINTER(ctype) if pointer else ctype for ctype, pointer in types]
    return library
