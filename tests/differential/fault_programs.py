"""Random C programs that read or write, somewhere in nested calls, what isn't there."""

from __future__ import annotations

import random

__all__ = ["OPTIONS", "fault_program"]

TYPES = ("long", "int", "unsigned", "unsigned long", "short", "unsigned char", "signed char", "unsigned short")
OPTIONS = ((), (), ("-fno-omit-frame-pointer",), ("-fomit-frame-pointer",), ("-fno-asynchronous-unwind-tables",))
_CONSTANTS = (0, 1, 2, 3, 7, 255, 65535, 0xFF00, -1, 0x7FFFFFFF)


class _Writer:
    """Writes a program. `count`: of the variables that have names."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0

    def name(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def expression(self, variables: list[str], depth: int = 0) -> str:
        r = self.random
        if depth > 2 or r.random() < 0.25:
            kind = r.random()
            if kind < 0.6:
                return r.choice(variables)
            if kind < 0.8:
                return str(r.choice((*_CONSTANTS, r.getrandbits(12))))
            return f"p[{r.randrange(64)}]"
        a, b = self.expression(variables, depth + 1), self.expression(variables, depth + 1)
        kind = r.randrange(12)
        if kind == 4:
            return f"(({r.choice(TYPES)})({a}))"
        if kind == 5:
            return f"({a} {r.choice(('<', '>', '==', '!='))} {b} ? {a} : {b})"
        if kind == 6:
            return f"((unsigned long)({a}) {r.choice(('<<', '>>'))} {r.randrange(1, 31)})"
        if kind == 7:
            return f"(({a}) & {r.choice((0xFF, 0xFFFF, 0xFFFFFFFF, 0xF0))}L)"
        if kind == 8:
            return f"(({r.choice(TYPES)} *)p)[({a}) & 31]"
        return f"({a} {r.choice(('+', '-', '*', '&', '|', '^'))} {b})"

    def access(self, variables: list[str]) -> str:
        """An access that faults where a condition holds."""
        r = self.random
        condition = f"({self.expression(variables)}) & {r.choice((1, 3, 7))}"
        place = f"(({condition}) ? (long)p : {16 * r.randrange(1, 200)}L)"
        return f"(({r.choice(TYPES)} *){place})[{r.randrange(4)}]"

    def statements(self, function: int, variables: list[str], depth: int) -> str:
        r = self.random
        out = []
        for _ in range(r.randrange(2, 6)):
            kind = r.random()
            if kind < 0.35:
                name = self.name("v")
                out.append(f"{r.choice(TYPES)} {name} = {self.expression(variables)};")
                variables = [*variables, name]
            elif kind < 0.5:
                out.append(f"{r.choice(variables)} {r.choice(('=', '+=', '^='))} {self.expression(variables)};")
            elif kind < 0.6:
                out.append(f"p[{r.randrange(64)}] = {self.expression(variables)};")
            elif kind < 0.68:
                access = self.access(variables)
                out.append(f"s += {access};" if r.random() < 0.5 else f"{access} = {self.expression(variables)};")
            elif kind < 0.8 and depth < 2:
                i = self.name("i")
                body = self.statements(function, variables, depth + 1)
                out.append(f"for (int {i} = 0; {i} < {r.randrange(1, 6)}; {i}++) {{ {body} s += {i}; }}")
            elif kind < 0.88 and depth < 2:
                out.append(f"if ({self.expression(variables)}) {{ {self.statements(function, variables, depth + 1)} }}")
            elif function > 0 or r.random() < 0.1:
                # A function of a lower number, or the first one itself.
                called = r.randrange(function) if function > 0 else 0
                first, second = self.expression(variables), self.expression(variables)
                out.append(f"s += f{called}({first}, {second}, p, d + 1);")
        return " ".join(out)


def fault_program(seed: int) -> tuple[str, str]:
    """A program, and the name of its outermost function: `long (long a, int b, long *p, int d)`, where `p` points to 64
    numbers, and `d` is 0. It may well not fault, and ends."""
    w = _Writer(seed)
    r = w.random
    count = r.randrange(2, 6)
    is_strict = r.random() < 0.12
    lines = ['static long fpsr(void) { long r; __asm__ volatile("mrs %0, fpsr" : "=r"(r)); return r; }'] * is_strict
    lines += [f"long f{n}(long a, int b, long *p, int d);" for n in range(count)]
    for n in range(count):
        kept = r.choice(("", "", "__attribute__((noinline)) ")) if n < count - 1 else ""
        body = w.statements(n, ["a", "b", "s"], 0)
        result = "s + fpsr()" if is_strict and n == 0 else "s"
        lines.append(f"{kept}long f{n}(long a, int b, long *p, int d)")
        lines.append(f"{{ long s = a; if (d > 4) return b; {body} return {result}; }}")
    return "\n".join(lines), f"f{count - 1}"
