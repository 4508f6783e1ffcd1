"""The first lesson of code generation: make a function while the program runs, and call it.

    python examples/jit_constant.py [CONSTANT]

Two functions are generated through `armexec.Builder`, where every mnemonic of A64 is a method. The first one returns
its argument, with the instructions that a compiler writes for `int fn(int num) { return num; }` without optimization.
The second one exists only because of what was typed on the command line: it returns that constant.
"""

from __future__ import annotations

import argparse
import sys

import armexec


def identity() -> armexec.Code:
    """int fn(int num) { return num; }"""
    a = armexec.Builder()
    a.sub(a.sp, a.sp, 16)  # the stack grows downwards, 16 bytes at a time
    a.str(a.w0, [a.sp, 12])  # the first argument comes in W0: keep it in the stack frame
    a.ldr(a.w0, [a.sp, 12])  # the result goes out in W0 too
    a.add(a.sp, a.sp, 16)
    a.ret()
    return a.assemble()


def constant(value: int) -> armexec.Code:
    """long fn(void) { return value; }

    An instruction has room for 16 bits of a number at most, so this takes between one and four of them, and the return.
    """
    a = armexec.Builder()
    a.load_immediate(a.x0, value)
    a.ret()
    return a.assemble()


def show(title: str, code: armexec.Code) -> None:
    print(title)
    print("  words:", *(f"0x{word:08X}" for word in code.words))
    print(code.disassembly, end="\n\n")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Generate a function that returns its argument, and a constant.")
    parser.add_argument("constant", nargs="?", default="0x123456789abc", help="64 bits, in decimal or as 0x...")
    parser.add_argument("--engine", choices=("native", "translated", "reference"), help="how armexec runs them")
    options = parser.parse_args(arguments)
    try:
        value = int(options.constant, 0)
    except ValueError:
        parser.error(f"{options.constant!r} is not a whole number")

    try:
        code = identity()
        show("A function that returns its argument", code)
        fn = armexec.function(code, "int(int num)", engine=options.engine)
        print(f"  fn(3) = {fn(3)}, fn(-7) = {fn(-7)}\n")

        code = constant(value)
        show(f"A function that returns {options.constant}", code)
        # The same 64 bits can be meant with a sign or without.
        fn = armexec.function(code, "long(void)" if value < 1 << 63 else "unsigned long(void)", engine=options.engine)
        print(f"  fn() = {fn()} ({fn.engine})")
    except armexec.Error as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
