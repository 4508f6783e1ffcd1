"""Structs by value, callbacks, thread-local variables and the C library: armexec's calls of Arm code beside ctypes' and
cffi's of the host's own build.

    python benchmarks/structs_and_callbacks.py [--json]

cffi is left out where it isn't installed. Processor time, minima of several rounds, all measured in turn.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import time
from collections.abc import Callable
from typing import Any

import armexec
from armexec.bench.contenders.host_build import host_library

TYPES = "typedef struct { long a; double b; } pair;"
SOURCE = """
pair next(pair v) { v.a++; return v; }
long eleven(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, long k) { return a + k; }
long apply(long (*f)(long), long count) { long sum = 0; for (long i = 0; i < count; i++) sum += f(i); return sum; }
"""
THREAD_LOCAL = "_Thread_local long counter; long bump(long by) { return counter += by; }"
LIBRARY = """
#include <stdlib.h>
long number(const char *text) { return strtol(text, 0, 10); }
"""
DECLARATIONS = f"""
{TYPES}
pair next(pair v);
long eleven(long, long, long, long, long, long, long, long, long, long, long);
long apply(long (*f)(long), long count);
long bump(long by);
long number(const char *text);
"""
CALLBACKS = 20_000
ELEVEN = range(11)


class _Pair(ctypes.Structure):
    _fields_ = (("a", ctypes.c_long), ("b", ctypes.c_double))


def _identity(x: int) -> int:
    return x


def _of_armexec() -> dict[str, Callable[[], Any]]:
    module = armexec.compile(TYPES + SOURCE, "c", "-O2", engine="translated")
    value = module.types["pair"](a=1, b=2)
    following, eleven, apply = module.next, module.eleven, module.apply
    bump = armexec.compile(THREAD_LOCAL, "c", "-O2", engine="translated").bump
    number = armexec.compile(LIBRARY, "c", "-O2", engine="translated").number
    return {
        "a struct of 16 bytes, in and out": lambda: following(value),
        "eleven longs": lambda: eleven(*ELEVEN),
        "a thread-local variable": lambda: bump(1),
        "strtol of the C library": lambda: number(b"17"),
        "a callback": lambda: apply(_identity, CALLBACKS),
    }


def _of_ctypes(library: ctypes.CDLL) -> dict[str, Callable[[], Any]]:
    following, eleven, apply, bump, number = library.next, library.eleven, library.apply, library.bump, library.number
    following.restype, following.argtypes = _Pair, (_Pair,)
    eleven.restype, eleven.argtypes = ctypes.c_long, (ctypes.c_long,) * 11
    kind = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long)
    apply.restype, apply.argtypes = ctypes.c_long, (kind, ctypes.c_long)
    bump.restype, bump.argtypes = ctypes.c_long, (ctypes.c_long,)
    number.restype, number.argtypes = ctypes.c_long, (ctypes.c_char_p,)
    value, called = _Pair(1, 2), kind(_identity)
    return {
        "a struct of 16 bytes, in and out": lambda: following(value),
        "eleven longs": lambda: eleven(*ELEVEN),
        "a thread-local variable": lambda: bump(1),
        "strtol of the C library": lambda: number(b"17"),
        "a callback": lambda: apply(called, CALLBACKS),
    }


def _of_cffi(library: ctypes.CDLL) -> dict[str, Callable[[], Any]]:
    import cffi

    ffi = cffi.FFI()
    ffi.cdef(DECLARATIONS)
    opened = ffi.dlopen(library._name)
    value, called = ffi.new("pair *", (1, 2))[0], ffi.callback("long(long)", _identity)
    return {
        "a struct of 16 bytes, in and out": lambda: opened.next(value),
        "eleven longs": lambda: opened.eleven(*ELEVEN),
        "a thread-local variable": lambda: opened.bump(1),
        "strtol of the C library": lambda: opened.number(b"17"),
        "a callback": lambda: opened.apply(called, CALLBACKS),
    }


def _bare() -> dict[str, Callable[[], Any]]:
    return {"a callback": lambda: sum(map(_identity, range(CALLBACKS)))}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    with host_library(LIBRARY + TYPES + SOURCE + THREAD_LOCAL) as library:
        found = {"armexec": _of_armexec(), "ctypes": _of_ctypes(library), "Python": _bare()}
        with contextlib.suppress(ImportError):
            found["cffi"] = _of_cffi(library)
        best: dict[str, dict[str, float]] = {}
        for _ in range(arguments.rounds):
            for name, calls in found.items():
                for what, call in calls.items():
                    count = 2 if what == "a callback" else 5_000
                    start = time.process_time()
                    for _ in range(count):
                        call()
                    each = (time.process_time() - start) / count / (CALLBACKS if what == "a callback" else 1)
                    best.setdefault(what, {})[name] = min(each, best.get(what, {}).get(name, each))
    if arguments.json:
        print(json.dumps(best, indent=2))
        return
    for what, times in best.items():
        print(what)
        for name, each in times.items():
            print(f"  {name:8} {each * 1e9:7.0f} ns {each / times['ctypes']:6.2f} x ctypes")


if __name__ == "__main__":
    main()
