"""A just-in-time compiler for Brainf*ck: from eight characters to a running AArch64 function.

    python examples/brainfuck.py                            a Mandelbrot set, and how long Python takes for it
    python examples/brainfuck.py FILE.b [--input TEXT]      any other program; without --input it reads standard input
    python examples/brainfuck.py FILE.b --time              both times
    python examples/brainfuck.py FILE.b --listing           the generated instructions

It goes the way of every compiler: `parse` turns the source into operations and makes them fewer, `compile_program`
turns the operations into instructions through `armexec.Builder`, and `armexec.function` makes those callable.
`interpret` runs the same operations in Python, so that the two times compare the same work.

The dialect: 30,000 cells of 8 bits that wrap around; `,` gives 0 at the end of the input; moving the pointer off
either end of the tape is an error at once, whether or not a cell is used there.
"""

from __future__ import annotations

import argparse
import array
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import armexec
from armexec.asm.operands import Label, Operand

TAPE_SIZE = 30_000
FIRST_OUTPUT_SIZE = 1 << 16  # bytes; a program that writes more is run again with as much as it needs
MANDELBROT = Path(__file__).parent / "programs" / "mandelbrot.b"


class BrainfuckError(Exception):
    """What is wrong with a program, and where in its source. `line` and `column` count from 1."""

    def __init__(self, message: str, source: str, position: int) -> None:
        self.line = source.count("\n", 0, position) + 1
        self.column = position - source.rfind("\n", 0, position)
        super().__init__(f"line {self.line}, column {self.column}: {message}")


class UnmatchedBracket(BrainfuckError):
    """A `[` without its `]`, or the other way round."""


class TapeOverrun(BrainfuckError):
    """The pointer was moved off the tape. `output` is what the program wrote before that."""

    def __init__(self, message: str, source: str, position: int, output: bytes) -> None:
        super().__init__(message, source, position)
        self.output = output


# -- Operations --------------------------------------------------------------------------------------------------------
# An offset counts from the pointer, which stands still between two Moves: `>+>+<<` is two additions and no move. A loop
# that ends where it began needs no move either.


@dataclass
class Add:
    """cell[offset] += value"""

    offset: int
    value: int


@dataclass
class Set:
    """cell[offset] = value: the loop `[-]`, and what is added after it"""

    offset: int
    value: int


@dataclass
class Multiply:
    """cell[target] += cell[offset] * factor for each target, then cell[offset] = 0: a loop such as `[->+>+++<<]`

    The check, if there is one, is made when cell[offset] isn't 0: otherwise the loop doesn't move the pointer at all.
    """

    offset: int
    factors: dict[int, int]
    check: Check | None


@dataclass
class Output:
    """write(cell[offset])"""

    offset: int


@dataclass
class Input:
    """cell[offset] = read()"""

    offset: int


@dataclass
class Move:
    """pointer += distance"""

    distance: int


@dataclass
class Scan:
    """while cell[0]: pointer += step, and check it: a loop such as `[>]` or `[<<]`"""

    step: int
    check: Check


@dataclass
class Open:
    """while cell[offset]:"""

    offset: int


@dataclass
class Close:
    """the end of that loop"""

    offset: int


@dataclass
class Check:
    """Stop the program unless pointer + low and pointer + high are both on the tape.

    One check stands for many moves of the source, so it says that one of them goes wrong, and not yet which one:
    that is found by following the source from `position`, where its pointer was at pointer + start.
    """

    number: int
    position: int
    start: int
    low: int = 0
    high: int = 0


Operation = Add | Set | Multiply | Output | Input | Move | Scan | Open | Close | Check


@dataclass
class Program:
    """A program's operations. `brackets` is what `match_brackets` found in the source."""

    source: str
    brackets: dict[int, int]
    operations: list[Operation]
    checks: list[Check]

    def overrun(self, check_number: int, pointer: int, output: bytes) -> TapeOverrun:
        """The error to raise when a check fails."""
        check = self.checks[check_number]
        position, cell = check.position, pointer + check.start
        while True:
            if self.source[position] == "[":
                # A loop in the middle of what one check covers leaves the pointer where it was.
                position = self.brackets[position]
            elif self.source[position] in "<>":
                cell += 1 if self.source[position] == ">" else -1
                if not 0 <= cell < TAPE_SIZE:
                    break
            position += 1
        end = "left" if cell < 0 else "right"
        return TapeOverrun(f"the pointer moves off the {end} end of the tape", self.source, position, output)


# -- From the source to operations -------------------------------------------------------------------------------------


def match_brackets(source: str) -> dict[int, int]:
    """The position of each `[`, with that of its `]`."""
    brackets: dict[int, int] = {}
    waiting: list[int] = []
    for position, character in enumerate(source):
        if character == "[":
            waiting.append(position)
        elif character == "]":
            if not waiting:
                raise UnmatchedBracket("there is no [ for this ]", source, position)
            brackets[waiting.pop()] = position
    if waiting:
        raise UnmatchedBracket("there is no ] for this [", source, waiting[-1])
    return brackets


def find_balanced(source: str) -> set[int]:
    """The positions of each `[` whose loop leaves the pointer where it was, however often it runs."""
    balanced: set[int] = set()
    distance = 0
    waiting: list[tuple[int, int]] = []
    unbalanced_after = -1  # where the last loop begins that isn't balanced: no loop around it is
    for position, character in enumerate(source):
        if character in "<>":
            distance += 1 if character == ">" else -1
        elif character == "[":
            waiting.append((position, distance))
        elif character == "]":
            begin, before = waiting.pop()
            if distance == before and unbalanced_after < begin:
                balanced.add(begin)
            else:
                unbalanced_after = begin
    return balanced


def parse(source: str) -> Program:
    """The operations of a program, or UnmatchedBracket."""
    return Parser(source).parse()


class Parser:
    """Reads the source once, from left to right."""

    def __init__(self, source: str) -> None:
        self.program = Program(source, match_brackets(source), [], [])
        self.operations = self.program.operations
        self.balanced = find_balanced(source)
        # Of each loop around: whether it is balanced, and what was known before it.
        self.around: list[tuple[bool, int, int]] = []
        self.offset = 0  # how far the source's pointer is from the one of the operations
        self.low = self.high = 0  # the offsets that are known to be on the tape
        self.begin_check(0)

    def parse(self) -> Program:
        source = self.program.source
        position = 0
        while position < len(source):
            match source[position]:
                case "+":
                    self.add(1)
                case "-":
                    self.add(-1)
                case ">":
                    self.move(1)
                case "<":
                    self.move(-1)
                case ".":
                    self.operations.append(Output(self.offset))
                    # A move after the output must not fail before it.
                    self.begin_check(position + 1)
                case ",":
                    self.operations.append(Input(self.offset))
                case "[":
                    if self.short_loop(position):
                        position = self.program.brackets[position]
                    else:
                        self.begin_loop(position)
                case "]":
                    self.end_loop(position)
            position += 1
        self.operations[:] = [operation for operation in self.operations if does_something(operation)]
        return self.program

    def add(self, value: int) -> None:
        last = self.operations[-1]
        if isinstance(last, Add | Set) and last.offset == self.offset:
            last.value += value
        else:
            self.operations.append(Add(self.offset, value))

    def move(self, distance: int) -> None:
        self.offset += distance
        if self.offset < self.low:
            self.low = self.check.low = self.offset
        elif self.offset > self.high:
            self.high = self.check.high = self.offset

    def new_check(self, position: int) -> Check:
        check = Check(len(self.program.checks), position, self.offset)
        self.program.checks.append(check)
        return check

    def begin_check(self, position: int) -> None:
        """Let one check cover all moves from here on."""
        self.check = self.new_check(position)
        self.operations.append(self.check)

    def settle(self) -> None:
        """Move the pointer to where the source has it."""
        if self.offset:
            self.operations.append(Move(self.offset))
            self.low -= self.offset
            self.high -= self.offset
            self.offset = 0

    def begin_loop(self, position: int) -> None:
        balanced = position in self.balanced
        if not balanced:
            self.settle()
            # Later rounds begin somewhere else.
            self.low = self.high = 0
        self.around.append((balanced, self.low, self.high))
        self.operations.append(Open(self.offset))
        self.begin_check(position + 1)

    def end_loop(self, position: int) -> None:
        balanced, low, high = self.around.pop()
        if not balanced:
            self.settle()
        self.operations.append(Close(self.offset))
        # What was found out inside isn't known if the loop never runs.
        self.low, self.high = low, high
        self.begin_check(position + 1)

    def short_loop(self, position: int) -> bool:
        """Append the loop that begins here as a single operation, where there is one that does the same."""
        source, end = self.program.source, self.program.brackets[position]
        if source.find("[", position + 1, end) >= 0:
            return False
        body = "".join(character for character in source[position + 1 : end] if character in "+-<>.,")
        if body and body in (">" * len(body), "<" * len(body)):
            self.settle()
            check = self.new_check(position + 1)
            step = len(body) if body[0] == ">" else -len(body)
            check.start = -step  # it is made after the step
            self.operations.append(Scan(step, check))
            self.low = self.high = 0
            self.begin_check(end + 1)
            return True
        if "." in body or "," in body:
            return False

        changes: dict[int, int] = {}
        offset = low = high = self.offset
        for character in body:
            if character in "<>":
                offset += 1 if character == ">" else -1
                low, high = min(low, offset), max(high, offset)
            else:
                changes[offset] = changes.get(offset, 0) + (1 if character == "+" else -1)
        step = changes.pop(self.offset, 0)
        if offset != self.offset or step not in (1, -1):
            return False
        # It runs cell[offset] times if it counts down, and 256 - cell[offset] times if it counts up.
        factors = {target: -step * change & 0xFF for target, change in changes.items() if change & 0xFF}
        if self.low <= low and high <= self.high:
            self.operations.append(Multiply(self.offset, factors, None) if factors else Set(self.offset, 0))
        else:
            check = self.new_check(position + 1)
            check.low, check.high = low, high
            self.operations.append(Multiply(self.offset, factors, check))
            self.begin_check(end + 1)
        return True


def does_something(operation: Operation) -> bool:
    match operation:
        case Check(low=0, high=0):
            return False
        case Add(value=value):
            return value & 0xFF != 0
    return True


# -- From operations to instructions -----------------------------------------------------------------------------------

PROTOTYPE = (
    "long run(unsigned char *tape, const unsigned char *input, unsigned long input_size,"
    " unsigned char *output, unsigned long output_size, long report[2])"
)
"""The result is the number of the check that failed, or -1. `report` gets the size of the output and the pointer.

Output that has no room is counted but not written, as snprintf does: the caller comes back with more room.
"""


def compile_program(program: Program) -> armexec.Code:
    """A function with the prototype above."""
    a = armexec.Builder()

    # AAPCS64 gives the arguments in X0 to X5, and a function that calls no other may use X0 to X17 as it likes.
    tape, input_, input_end, output, output_size, report = a.x0, a.x1, a.x2, a.x3, a.x4, a.x5
    written = a.x6
    pointer = a.x7  # the address of a cell, so that a load or store reaches its neighbours by an offset
    value, other, factor = a.w9, a.w10, a.w11  # 32-bit halves: only their low 8 bits are ever stored
    index, limit = a.x12, a.x13
    failed = a.x14
    stop = a.label()

    def move(distance: int) -> None:
        if abs(distance) < 4096:
            a.add(pointer, pointer, distance)
        else:
            a.load_immediate(index, distance)
            a.add(pointer, pointer, index)

    def cell(offset: int) -> list[Operand]:
        """The address operand for a cell."""
        if -256 <= offset < 4096:
            return [pointer, offset]
        a.load_immediate(index, offset)
        return [pointer, index]

    def check(check: Check) -> None:
        # As an unsigned number, an index below 0 is a large one: one comparison finds both ends.
        passed = a.label()
        a.sub(index, pointer, tape)
        if check.low:
            a.load_immediate(limit, check.low)
            a.add(index, index, limit)
        room = TAPE_SIZE - (check.high - check.low)
        a.load_immediate(limit, max(room, 0))
        a.cmp(index, limit)
        a.b_lo(passed)
        a.load_immediate(failed, check.number)
        a.b(stop)
        a.bind(passed)

    a.here("run")
    a.global_("run")
    a.mov(pointer, tape)
    a.add(input_end, input_, input_end)
    a.mov(written, 0)

    loops: list[tuple[Label, Label]] = []
    for operation in program.operations:
        match operation:
            case Add(offset, amount):
                a.ldrb(value, cell(offset))
                a.add(value, value, amount & 0xFF)
                a.strb(value, cell(offset))
            case Set(offset, amount):
                a.mov(value, amount & 0xFF)
                a.strb(value, cell(offset))
            case Move(distance):
                move(distance)
            case Check():
                check(operation)
            case Open():
                body, end = a.label(), a.label()
                a.ldrb(value, cell(operation.offset))
                a.cbz(value, end)
                a.bind(body)
                loops.append((body, end))
            case Close():
                body, end = loops.pop()
                a.ldrb(value, cell(operation.offset))
                a.cbnz(value, body)
                a.bind(end)
            case Multiply(offset, factors, condition):
                end = a.label()
                a.ldrb(value, cell(offset))
                if condition:  # without one, nothing happens by itself when the cell is 0
                    a.cbz(value, end)
                    check(condition)
                for target, times in factors.items():
                    a.ldrb(other, cell(target))
                    if times == 1:
                        a.add(other, other, value)
                    elif times == 0xFF:
                        a.sub(other, other, value)
                    else:
                        a.mov(factor, times)
                        a.madd(other, value, factor, other)
                    a.strb(other, cell(target))
                a.strb(a.wzr, cell(offset))
                a.bind(end)
            case Scan(step, condition):
                again, end = a.label(), a.label()
                a.bind(again)
                a.ldrb(value, [pointer])
                a.cbz(value, end)
                move(step)
                check(condition)
                a.b(again)
                a.bind(end)
            case Output(offset):
                full = a.label()
                a.ldrb(value, cell(offset))
                a.cmp(written, output_size)
                a.b_hs(full)
                a.strb(value, [output, written])
                a.bind(full)
                a.add(written, written, 1)
            case Input(offset):
                empty = a.label()
                a.mov(value, 0)
                a.cmp(input_, input_end)
                a.b_hs(empty)
                a.ldrb(value, [input_], 1)
                a.bind(empty)
                a.strb(value, cell(offset))

    a.mov(failed, -1)
    a.bind(stop)
    a.sub(pointer, pointer, tape)
    a.stp(written, pointer, [report])
    a.mov(a.x0, failed)
    a.ret()
    return a.assemble()


def run(function: Callable[..., int], program: Program, data: bytes = b"") -> bytes:
    """What the compiled program writes for this input, or TapeOverrun."""
    size = FIRST_OUTPUT_SIZE
    while True:
        tape, output, report = bytearray(TAPE_SIZE), bytearray(size), array.array("q", [0, 0])
        failed = function(tape, data, len(data), output, size, report)
        written, pointer = report
        if written > size:
            size = written
            continue
        if failed >= 0:
            raise program.overrun(failed, pointer, bytes(output[:written]))
        return bytes(output[:written])


# -- The same in Python ------------------------------------------------------------------------------------------------


def interpret(program: Program, data: bytes = b"") -> bytes:
    """What the program writes for this input, or TapeOverrun."""
    operations: list[Any] = [*program.operations]
    # Where to go on from each Open and Close, found once.
    partner = [0] * len(operations)
    waiting: list[int] = []
    for at, operation in enumerate(operations):
        if isinstance(operation, Open):
            waiting.append(at)
        elif isinstance(operation, Close):
            partner[at] = waiting.pop()
            partner[partner[at]] = at

    def check(check: Check) -> None:
        if pointer + check.low < 0 or pointer + check.high >= TAPE_SIZE:
            raise program.overrun(check.number, pointer, bytes(output))

    tape = bytearray(TAPE_SIZE)
    output = bytearray()
    reader = iter(data)
    pointer = at = 0
    end = len(operations)
    while at < end:
        operation = operations[at]
        kind = operation.__class__  # much faster than a match statement
        if kind is Move:
            pointer += operation.distance
        elif kind is Add:
            cell = pointer + operation.offset
            tape[cell] = (tape[cell] + operation.value) & 0xFF
        elif kind is Close:
            if tape[pointer + operation.offset]:
                at = partner[at]
        elif kind is Open:
            if not tape[pointer + operation.offset]:
                at = partner[at]
        elif kind is Multiply:
            count = tape[pointer + operation.offset]
            if count:
                if operation.check:
                    check(operation.check)
                for target, factor in operation.factors.items():
                    tape[pointer + target] = (tape[pointer + target] + count * factor) & 0xFF
                tape[pointer + operation.offset] = 0
        elif kind is Set:
            tape[pointer + operation.offset] = operation.value & 0xFF
        elif kind is Check:
            check(operation)
        elif kind is Scan:
            while tape[pointer]:
                pointer += operation.step
                check(operation.check)
        elif kind is Output:
            output.append(tape[pointer + operation.offset])
        else:
            tape[pointer + operation.offset] = next(reader, 0)
        at += 1
    return bytes(output)


# -- The command line --------------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Compile a Brainf*ck program to AArch64 and run it.")
    parser.add_argument("file", nargs="?", type=Path, help="the program; a Mandelbrot set, with --time, if left out")
    parser.add_argument("--input", metavar="TEXT", help="what the program reads; standard input if left out")
    parser.add_argument("--engine", choices=("native", "translated", "reference"), help="how armexec runs it")
    parser.add_argument("--time", action="store_true", help="interpret it in Python too, and compare the times")
    parser.add_argument("--listing", action="store_true", help="print the instructions instead of running them")
    options = parser.parse_args(arguments)

    file = options.file or MANDELBROT
    try:
        source = file.read_text(encoding="latin-1")  # all that isn't one of the eight characters is comment
        begin = time.perf_counter()
        program = parse(source)
        code = compile_program(program)
        compile_time = time.perf_counter() - begin
        if options.listing:
            print(code.disassembly)
            return 0

        data = b""
        if options.input is not None:
            data = options.input.encode()
        elif "," in source:
            data = sys.stdin.buffer.read()
        function = armexec.function(code, PROTOTYPE, engine=options.engine)
        begin = time.perf_counter()
        output = run(function, program, data)
        first_time = time.perf_counter() - begin
        sys.stdout.write(output.decode("latin-1"))
        sys.stdout.flush()
        if options.time or options.file is None:
            print_times(program, function, data, output, len(code.words), compile_time, first_time)
    except TapeOverrun as error:
        sys.stdout.write(error.output.decode("latin-1"))
        sys.stdout.flush()
        print(f"{file}: {error}", file=sys.stderr)
        return 1
    except (BrainfuckError, armexec.Error, OSError) as error:
        print(f"{file}: {error}", file=sys.stderr)
        return 1
    return 0


def print_times(
    program: Program,
    function: armexec.Function,
    data: bytes,
    output: bytes,
    instructions: int,
    compile_time: float,
    first_time: float,
) -> None:
    begin = time.perf_counter()
    run(function, program, data)
    run_time = time.perf_counter() - begin
    begin = time.perf_counter()
    expected = interpret(program, data)
    python_time = time.perf_counter() - begin
    print(f"\n{len(program.operations)} operations, {instructions} instructions, engine {function.engine}")
    print(f"compiled in                {compile_time:9.3f} s")
    print(f"first run                  {first_time:9.3f} s")
    print(f"second run                 {run_time:9.3f} s")
    print(f"Python's interpreter       {python_time:9.3f} s, {python_time / run_time:.0f} times as long")
    print("Both wrote the same." if output == expected else "They wrote different things: this is a bug.")


if __name__ == "__main__":
    sys.exit(main())
