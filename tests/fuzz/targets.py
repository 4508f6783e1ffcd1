"""What is fuzzed: the readers of what comes from outside, as functions of bytes that raise nothing but Errors."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from tests.objects.helpers import ZIG

import armexec
from armexec.abi import parse_prototype
from armexec.objects import load_image
from armexec.toolchain import compile_object

__all__ = ["FOUND", "TARGETS", "run", "seeds"]

FOUND = Path(__file__).parent / "found"
"""Inputs that have failed once, by target."""

_C = """
struct point { int x : 5; double y; struct point *next; };
typedef int (*compare)(const void *, const void *);
enum color { RED, GREEN = 7 };
static __thread int counter = 3;
extern int outside(int, ...);
double names[4] = {1, 2, 3, 4};
int first(struct point *p, compare f, enum color c) { return p->x + f(p, names) + c + counter; }
float second(float _Complex z, short a[], unsigned long n) { return outside(a[n], 1.5) + __real__ z; }
"""
_ASSEMBLY = """
.macro twice reg, n=2
    add \\reg, \\reg, #\\n
.endm
.equ SIZE, 4*(2+1)
start: twice x0
    ldr x1, =0x123456789abcdef
    ldp q0, q1, [sp], #32
    fmla v0.4s, v1.4s, v2.s[3]
1:  cbnz w2, 1b
    adrp x3, data
    add x3, x3, :lo12:data
    .rept 3
    nop
    .endr
    .ifdef SIZE
    mov x4, SIZE
    .endif
    ret
    .data
data: .quad start, 1f - 1b
    .asciz "text\\n"
1:
"""
_PROTOTYPES = [
    b"int f(int, const char *, double)",
    b"struct p { int x : 3; float y[2]; }; struct p f(struct p a, struct p *b, ...)",
    b"typedef unsigned long size_t; void *g(size_t n, int (*compare)(const void *, const void *))",
    b"enum e { A, B = 3 << 2 }; _Bool h(enum e, long double, __int128, float32x4x2_t)",
]


@cache
def _object(target: str, *flags: str) -> bytes:
    return bytes(compile_object(_C, language="c", target=target, flags=["-g", *flags]).data)


@cache
def _shared_library(target: str, *flags: str) -> bytes:
    command = [ZIG, "cc", "-target", target, "-shared", "-fPIC", "-nostdlib", "-O1", "-w", "-xc", "-", *flags, "-o"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        subprocess.run([*command, path], input=_C.encode(), check=True, timeout=120)
        return path.read_bytes()


def _archive(members: dict[str, bytes], symbols: dict[str, str]) -> bytes:
    """A static library (ar(5)). `symbols`: what its symbol table has, with the members that define it."""
    table = len(symbols).to_bytes(4, "big") + bytes(4 * len(symbols)) + b"".join(n.encode() + b"\0" for n in symbols)
    out = bytearray(b"!<arch>\n")
    places: dict[str, int] = {}
    for name, data in {"": table, **members}.items():
        places[name] = len(out)
        out += f"{name + '/':<16}{0:<12}{0:<6}{0:<6}{'644':<8}{len(data):<10}`\n".encode()
        out += data + b"\n" * (len(data) % 2)
    for index, member in enumerate(symbols.values()):
        at = len(b"!<arch>\n") + 60 + 4 + 4 * index
        out[at : at + 4] = places[member].to_bytes(4, "big")
    return bytes(out)


def _read_everything(data: bytes) -> None:
    image = load_image(data, "fuzzed")
    for function in image.own_functions:
        _ = function.prototype, function.source_name
        image.line_of(function.offset)
    for name in image.undefined():
        image.prototype(name)
    _ = image.missing_symbols, image.initializers, image.debug_files()


def _assembler(data: bytes) -> None:
    armexec.assemble(data.decode("utf-8", "replace"))


def _prototype(data: bytes) -> None:
    parse_prototype(data.decode("utf-8", "replace"))


def _debug(data: bytes) -> None:
    """The bytes replace a part of an object: its debug information, mostly. The first two say which."""
    whole = bytearray(_object("linux"))
    at = int.from_bytes(data[:2], "little") % len(whole)
    whole[at : at + len(data) - 2] = data[2:]
    _read_everything(bytes(whole[: max(len(whole), 64)]))


TARGETS: dict[str, Callable[[bytes], None]] = {
    "assembler": _assembler,
    "elf": _read_everything,
    "macho": _read_everything,
    "debug": _debug,
    "archive": _read_everything,
    "prototype": _prototype,
}


def seeds(target: str) -> Iterator[bytes]:
    """Good inputs for a target, to begin with."""
    if target == "assembler":
        yield _ASSEMBLY.encode()
    elif target == "elf":
        yield _object("linux")
        yield _object("linux", "-gz")
        yield _shared_library("aarch64-linux-musl")
        yield _shared_library("aarch64-linux-musl", "-g", "-Wl,--hash-style=sysv")
    elif target == "macho":
        yield _object("apple")
        yield _shared_library("aarch64-macos", "-Wl,-undefined,dynamic_lookup")
        yield _shared_library("aarch64-macos", "-g", "-Wl,-undefined,dynamic_lookup")
    elif target == "debug":
        whole = _object("linux")
        for at in range(0, min(len(whole), 1 << 16), 512):
            yield at.to_bytes(2, "little") + whole[at : at + 64]
    elif target == "archive":
        yield _archive({"a.o": _object("linux")}, {"first": "a.o", "second": "a.o"})
    else:
        yield from _PROTOTYPES


def run(target: str, data: bytes) -> None:
    """Give an input to a target. Whatever is raised but an Error is a defect."""
    with contextlib.suppress(armexec.Error):
        TARGETS[target](data)
