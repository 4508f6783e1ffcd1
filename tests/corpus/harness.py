"""A C program that makes all calls of a corpus file and prints their outcomes, to check the corpus itself."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator

from . import INTEGER_TYPES, Buffer, CorpusFile, Outcome

_START = """\
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
"""

# Floating-point values are printed as the bits of the double of the same value.
_PUT = """\
static void put(long long value) { printf(" %lld", value); }
static void put_float(double value) {
    if (value != value)
        printf(" nan");
    else
        put(((union { double value; long long bits; }){value}).bits);
}
#define PUT(x) ((__typeof__(x))0.5 != 0 && sizeof(x) != 1 ? put_float((double)(x)) : put((long long)(x)))"""


def harness(file: CorpusFile) -> str:
    """The program's C text, to be compiled and linked with the corpus file."""
    calls: list[str] = []
    for function in file.functions:
        if function.before:
            calls.append(f"    {function.before}();")
        for number, case in enumerate(function.cases):
            arguments, buffers = [], []
            for parameter, argument in zip(function.parameters, case.arguments, strict=True):
                if isinstance(argument, Buffer):
                    values = ", ".join(_constant(argument.type, value) for value in argument.values)
                    calls.append(f"    static {argument.type} {parameter.name}_{len(calls)}[] = {{{values}}};")
                    arguments.append(f"{parameter.name}_{len(calls) - 1}")
                    buffers.append(arguments[-1])
                else:
                    arguments.append(_constant(parameter.type, argument))
            call = f"{function.name}({', '.join(arguments)})"
            calls.append(f'    printf("%s", "{function.name} {number}");')
            calls.append(f"    {call};" if function.result == "void" else f"    PUT({call});")
            calls.extend(f"    for (size_t i = 0; i < sizeof {b} / sizeof *{b}; i++) PUT({b}[i]);" for b in buffers)
            if function.after:
                calls.append(f"    put((long long){function.after}());")
            calls.append('    puts("");')
    lines = [_START, *(f"{function.prototype};" for function in file.functions)]
    lines += [
        _PUT,
        "int main(void) {",
        *calls,
        "}",
        "",
    ]
    return "\n".join(lines)


def lines(file: CorpusFile, outcomes: Iterable[Iterable[Outcome]]) -> Iterator[str]:
    """What the program prints, from the outcomes of each function's cases."""
    for function, of_function in zip(file.functions, outcomes, strict=True):
        for number, outcome in enumerate(of_function):
            values = [v for v in (outcome.result, *sum(outcome.buffers, ()), outcome.after) if v is not None]
            yield " ".join((function.name, str(number), *map(_printed, values)))


def _printed(value: int | str) -> str:
    if isinstance(value, str):
        return "nan" if value == "nan" else str(struct.unpack("<q", struct.pack("<d", float.fromhex(value)))[0])
    return str(value - (1 << 64) if value >> 63 == 1 else value)


def _constant(type_name: str, value: int | float) -> str:
    if isinstance(value, float):
        if math.isnan(value):
            return '__builtin_nan("")'
        return ("-" if value < 0 else "") + "__builtin_inf()" if math.isinf(value) else value.hex()
    return f"({type_name}){value & (1 << 64) - 1:#x}ull" if INTEGER_TYPES[type_name][0] > 1 else str(int(value))
