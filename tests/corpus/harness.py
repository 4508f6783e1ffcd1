"""A C program that makes all calls of a corpus file and prints their outcomes, to check the corpus itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import INTEGER_TYPES, Buffer, CorpusFile, Outcome

_START = """\
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
"""


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
                    calls.append(
                        f"    static {argument.type} {parameter.name}_{len(calls)}[] = {{{values}}};"
                    )
                    arguments.append(f"{parameter.name}_{len(calls) - 1}")
                    buffers.append(arguments[-1])
                else:
                    arguments.append(_constant(parameter.type, argument))
            call = f"{function.name}({', '.join(arguments)})"
            calls.append(f'    printf("%s", "{function.name} {number}");')
            calls.append(f"    {call};" if function.result == "void" else f"    put((long long){call});")
            calls.extend(
                f"    for (size_t i = 0; i < sizeof {b} / sizeof *{b}; i++) put((long long){b}[i]);"
                for b in buffers
            )
            if function.after:
                calls.append(f"    put((long long){function.after}());")
            calls.append('    puts("");')
    lines = [_START, *(f"{function.prototype};" for function in file.functions)]
    lines += [
        'static void put(long long value) { printf(" %lld", value); }',
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
            signed = (int(v) - (1 << 64) if int(v) >> 63 == 1 else int(v) for v in values)
            yield " ".join((function.name, str(number), *map(str, signed)))


def _constant(type_name: str, value: int) -> str:
    return (
        f"({type_name}){value & (1 << 64) - 1:#x}ull" if INTEGER_TYPES[type_name][0] > 1 else str(int(value))
    )
