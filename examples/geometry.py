"""Structs by value: a small library of geometry, whose C types become Python classes.

python examples/geometry.py
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

import armexec

GEOMETRY = """
#include <stdbool.h>

typedef struct { double x, y; } point;
typedef struct { point low, high; } box;
typedef struct { float m[2][2]; point shift; } transform;
typedef union { unsigned rgba; unsigned char channels[4]; } color;
typedef struct { box bounds; color fill; unsigned visible : 1, layer : 7; } shape;

static double least(double a, double b) { return a < b ? a : b; }
static double most(double a, double b) { return a > b ? a : b; }

box around(point a, point b) {
    return (box){{least(a.x, b.x), least(a.y, b.y)}, {most(a.x, b.x), most(a.y, b.y)}};
}
double area(box b) { return (b.high.x - b.low.x) * (b.high.y - b.low.y); }
bool holds(const box *b, point p) { return b->low.x <= p.x && p.x <= b->high.x && b->low.y <= p.y && p.y <= b->high.y; }
point moved(transform t, point p) {
    return (point){t.m[0][0] * p.x + t.m[0][1] * p.y + t.shift.x, t.m[1][0] * p.x + t.m[1][1] * p.y + t.shift.y};
}
shape raised(shape s, int layers) { s.layer += layers; s.fill.channels[3] = 255; return s; }
point center(const point *points, long count) {
    point sum = {0, 0};
    for (long i = 0; i < count; i++) { sum.x += points[i].x; sum.y += points[i].y; }
    return (point){sum.x / count, sum.y / count};
}
"""


def tour(engine: str | None = None) -> list[str]:
    """What the library says, a line each."""
    lib = armexec.compile(GEOMETRY, "c", "-O2", engine=engine)
    point, box, shape = (lib.types[name] for name in ("point", "box", "shape"))
    bounds = lib.around(point(3, 1), (0, 5))
    quarter = {"m": [[0, -1], [1, 0]], "shift": (10, 0)}
    cloud = np.array([(0, 0), (4, 0), (4, 4), (0, 4)], dtype=point.dtype)
    red = shape(bounds=bounds, fill=lib.types["color"](rgba=0x0000FF), visible=1, layer=2)
    return [
        f"around: {bounds}",
        f"area: {lib.area(bounds)}",
        f"holds (1, 1): {lib.holds(bounds, point(1, 1))}, (9, 9): {lib.holds(bounds, (9, 9))}",
        f"a quarter turn of (2, 1), and 10 to the right: {lib.moved(quarter, point(2, 1))}",
        f"center of a NumPy array: {lib.center(cloud, len(cloud))}",
        f"raised: layer {lib.raised(red, 3).layer}, color {lib.raised(red, 3).fill.rgba:#010x}",
        f"a box has {box.ctype.size} bytes, and NumPy sees {box.dtype.names}",
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Structs by value, in and out.")
    parser.add_argument("--engine", choices=("native", "translated", "reference"), help="how armexec runs it")
    print("\n".join(tour(parser.parse_args(arguments).engine)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
