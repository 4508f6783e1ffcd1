"""Writes mandelbrot.b: a Mandelbrot set in fixed point, for cells of 8 bits, compiled to Brainf*ck from Python.

    python examples/programs/make_mandelbrot.py > examples/programs/mandelbrot.b

Brainf*ck has no numbers larger than a cell, so a number here is three cells, each a hexadecimal digit: 256ths, 16ths
and units. Digits are multiplied by counting, and carried by dividing by 16. There are no signs: what is to be
subtracted is summed in a number of its own, and the smaller of the two sums is taken from the larger one at the end.

Every variable has a place on the tape that is known here, so that "go to a variable" is a row of > or <.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

BASE = 16
PALETTE = "@%#*o=+-:,. "  # the first for what never escapes, the last for what escapes at once

Number = list[int]
"""The cells of a number's digits, the 256ths first."""


def digits(value: int) -> list[int]:
    """The digits of a number of 256ths."""
    return [value % BASE, value // BASE % BASE, value // BASE**2]


class Writer:
    """Writes Brainf*ck for cells and numbers that have a place. A cell that is used up is 0 after."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.pointer = 0
        self.cells = 0
        # For the operations below; all are 0 between them.
        self.spare, self.counter, self.borrow, self.quotient = (self.cell() for _ in range(4))
        self.amount, self.left, self.counted, self.full = (self.cell() for _ in range(4))
        self.low_columns = [self.cell(), self.cell()]

    def cell(self) -> int:
        self.cells += 1
        return self.cells - 1

    def number(self) -> Number:
        return [self.cell() for _ in range(3)]

    # -- cells ----------------------------------------------------------------------------------------------------
    def write(self, cell: int, text: str) -> None:
        """Go to a cell and do something there that leaves the pointer in place."""
        distance = cell - self.pointer
        self.text.append((">" * distance if distance > 0 else "<" * -distance) + text)
        self.pointer = cell

    def add(self, cell: int, value: int) -> None:
        self.write(cell, "+" * value if value > 0 else "-" * -value)

    def clear(self, *cells: int) -> None:
        for cell in cells:
            self.write(cell, "[-]")

    @contextmanager
    def repeat(self, cell: int) -> Iterator[None]:
        """Count the cell down to 0, and do something each time."""
        self.write(cell, "[-")
        yield
        self.write(cell, "]")

    @contextmanager
    def once(self, cell: int) -> Iterator[None]:
        """Do something if the cell isn't 0. It is used up."""
        self.write(cell, "[")
        yield
        self.write(cell, "[-]]")

    def move(self, source: int, *targets: int) -> None:
        """Add a cell, which is used up, to others."""
        with self.repeat(source):
            for target in targets:
                self.add(target, 1)

    def copy(self, source: int, target: int) -> None:
        """Add a cell to another."""
        self.move(source, target, self.spare)
        self.move(self.spare, source)

    # -- numbers --------------------------------------------------------------------------------------------------
    def add_number(self, target: Number, source: Number) -> None:
        for to, digit in zip(target, source, strict=True):
            self.copy(digit, to)

    def add_constant(self, target: Number, value: int) -> None:
        for to, digit in zip(target, digits(value), strict=True):
            self.add(to, digit)

    def carry_digit(self, digit: int, carry: int) -> None:
        """Leave digit modulo 16, and add digit divided by 16 to `carry`."""
        self.move(digit, self.amount)
        self.add(self.left, BASE)
        with self.repeat(self.amount):
            self.add(self.left, -1)
            self.copy(self.left, self.counted)
            self.add(self.full, 1)
            with self.once(self.counted):
                self.add(self.full, -1)
            with self.once(self.full):
                self.add(self.left, BASE)
                self.add(carry, 1)
        # The digit is what was counted since then.
        self.add(digit, BASE)
        with self.repeat(self.left):
            self.add(digit, -1)

    def carry(self, number: Number) -> None:
        """Make the digits after the point less than 16 again."""
        self.carry_digit(number[0], number[1])
        self.carry_digit(number[1], number[2])

    def multiply(self, a: Number, b: Number, product: Number) -> None:
        """Put a times b, without the digits below the 256ths, into a product that is 0."""
        columns = [*self.low_columns, *product]
        for column, total in enumerate(columns):
            for i in range(max(0, column - 2), min(column, 2) + 1):
                self.copy(a[i], self.counter)
                with self.repeat(self.counter):
                    self.copy(b[column - i], total)
                # 15 times 15, and what was carried, still fits a cell; two such products don't.
                if total != product[-1]:
                    self.carry_digit(total, columns[column + 1])
        self.clear(*self.low_columns)

    def subtract(self, a: Number, b: Number, difference: Number) -> None:
        """Put a less b into the difference, modulo 4096 / 256, and 1 into `borrow`, which is 0, if it is negative."""
        for minuend, subtrahend, digit in zip(a, b, difference, strict=True):
            self.clear(digit)
            self.copy(minuend, digit)
            self.add(digit, BASE)
            with self.repeat(self.borrow):
                self.add(digit, -1)
            self.copy(subtrahend, self.counter)
            with self.repeat(self.counter):
                self.add(digit, -1)
            # 16 too much: if it isn't carried, it was needed.
            self.add(self.borrow, 1)
            self.carry_digit(digit, self.quotient)
            with self.repeat(self.quotient):
                self.add(self.borrow, -1)

    def distance(self, a: Number, b: Number, result: Number, negative: int) -> None:
        """Put the difference of a and b into the result, and whether a < b into `negative`. Both are used up."""
        self.carry(a)
        self.carry(b)
        self.subtract(a, b, result)
        self.clear(negative)
        with self.once(self.borrow):
            self.add(negative, 1)
            self.clear(self.borrow)
            self.subtract(b, a, result)
        self.clear(*a, *b)


def mandelbrot(columns: int = 48, rows: int = 21, iterations: int = 12) -> str:
    """The program that draws c = -2 to 1 and -1.25i to 1.25i. The step is a whole number of 256ths."""
    step_x, step_y = 3 * 256 // columns, 5 * 256 // 2 // max(rows - 1, 1)
    w = Writer()
    row, column, remaining, running, inside, output = (w.cell() for _ in range(6))
    # c is column_c - 2 + (row_c - 1.25) i, and z is x + y i, with the signs apart.
    column_c, row_c, x, y, xx, yy, xy, plus, minus = (w.number() for _ in range(9))
    x_negative, y_negative, differ, same = (w.cell() for _ in range(4))

    w.add(row, rows)
    with w.repeat(row):
        w.add(column, columns)
        with w.repeat(column):
            w.add(remaining, iterations)
            w.add(running, 1)
            with w.repeat(running):
                w.multiply(x, x, xx)
                w.multiply(y, y, yy)

                # Outside of the circle of radius 2 it escapes: the square of its distance is 4 or more.
                w.add_number(plus, xx)
                w.add_number(plus, yy)
                w.carry(plus)
                w.clear(*plus[:2])
                w.add(inside, 1)
                units = plus[2]
                with w.once(units):
                    w.add(units, -1)
                    with w.once(units):
                        w.add(units, -1)
                        with w.once(units):
                            w.add(units, -1)
                            with w.once(units):
                                w.add(inside, -1)

                with w.once(inside):
                    # y = 2 x y + the imaginary part of c
                    w.multiply(x, y, xy)
                    w.copy(x_negative, differ)
                    w.copy(y_negative, differ)
                    w.add(same, 1)
                    with w.once(differ):
                        w.add(differ, -1)
                        w.add(same, -1)
                        with w.once(differ):
                            w.add(same, 1)
                    w.copy(same, differ)
                    w.add(differ, -1)  # 0 if they have the same sign, else 255
                    with w.once(same):
                        w.add_number(plus, xy)
                        w.add_number(plus, xy)
                    with w.once(differ):
                        w.add_number(minus, xy)
                        w.add_number(minus, xy)
                    w.clear(*xy)
                    w.add_number(plus, row_c)
                    w.add_constant(minus, (rows - 1) * step_y // 2)
                    w.distance(plus, minus, y, y_negative)
                    # x = x x - y y + the real part of c
                    w.add_number(plus, xx)
                    w.add_number(plus, column_c)
                    w.add_number(minus, yy)
                    w.add_constant(minus, 2 * 256)
                    w.distance(plus, minus, x, x_negative)
                    # Once more, unless that was the last time.
                    w.add(remaining, -1)
                    w.copy(remaining, same)
                    with w.once(same):
                        w.add(running, 1)
                w.clear(*xx, *yy)

            w.clear(*x, *y, x_negative, y_negative)
            draw(w, remaining, output, PALETTE)
            w.add_constant(column_c, step_x)
            w.carry(column_c)
        w.add(output, ord("\n"))
        w.write(output, ".")
        w.clear(output, *column_c)
        w.add_constant(row_c, step_y)
        w.carry(row_c)
    return "".join(w.text)


def draw(w: Writer, index: int, output: int, palette: str) -> None:
    """Write the character of that index in the palette, or the last one. The index is used up."""
    w.add(output, ord(palette[0]))
    for before, after in pairwise(palette):
        w.write(index, "[-")
        w.add(output, ord(after) - ord(before))
    w.clear(index)
    w.write(index, "]" * (len(palette) - 1))
    w.write(output, ".")
    w.clear(output)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a Mandelbrot set in Brainf*ck to standard output.")
    parser.add_argument("--columns", type=int, default=48)
    parser.add_argument("--rows", type=int, default=21)
    parser.add_argument("--iterations", type=int, default=12)
    options = parser.parse_args()
    print("A Mandelbrot set written by make_mandelbrot (see there how it works)\n")
    print(textwrap.fill(mandelbrot(options.columns, options.rows, options.iterations), 100))


if __name__ == "__main__":
    main()
