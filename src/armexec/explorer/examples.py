"""The page's examples: sources to start from, and what to call them with."""

from __future__ import annotations

from typing import Any

__all__ = ["EXAMPLES"]

_WORDS = """\
# int fn(int num) { return num; }, as clang compiles it at -O0 for armv8-a.
0xD10043FF  # sub sp, sp, #16
0xB9000FE0  # str w0, [sp, #12]
0xB9400FE0  # ldr w0, [sp, #12]
0x910043FF  # add sp, sp, #16
0xD65F03C0  # ret
"""
_GCD = """\
int gcd(int a, int b) {
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}
"""
_FACTORIAL = """\
long factorial(long n) {
    if (n < 2)
        return 1;
    return n * factorial(n - 1);
}
"""
_SORT = """\
void sort(int *values, int n) {
    for (int i = 1; i < n; i++) {
        int value = values[i];
        int j = i;
        while (j > 0 && values[j - 1] > value) {
            values[j] = values[j - 1];
            j--;
        }
        values[j] = value;
    }
}
"""
_DOT = """\
#include <arm_neon.h>

float dot(const float *a, const float *b) {
    float32x4_t sum = vmulq_f32(vld1q_f32(a), vld1q_f32(b));
    return vaddvq_f32(sum);
}
"""
_BOARD = """\
/* Keeps the three best scores. After four scores it should have kept 3, and it says 10.
   Who wrote the 10? Go to the end, and ask for the last write of w0. */
struct board {
    int best[3];
    int count;
};

static void add(struct board *b, int score) {
    int i = b->count;
    while (i > 0 && b->best[i - 1] < score) {
        b->best[i] = b->best[i - 1];
        i--;
    }
    b->best[i] = score;
    if (b->count < 3)
        b->count++;
}

int kept(const int *scores, int n) {
    struct board b = {{0}, 0};
    for (int i = 0; i < n; i++)
        add(&b, scores[i]);
    return b.count;
}
"""
_HELLO = """\
#include <stdio.h>

int main(int argc, char **argv) {
    char name[32] = "world";
    scanf("%31s", name);
    printf("Hello, %s!\\n", name);
    return argc - 1;
}
"""
_VECTOR = """\
// Sixteen bytes in capitals: all at once, without a branch.
        .globl  upper
upper:
        ldr     q0, [x0]
        movi    v1.16b, #'a'
        movi    v2.16b, #25
        movi    v3.16b, #0x20
        sub     v1.16b, v0.16b, v1.16b
        cmhs    v1.16b, v2.16b, v1.16b      // where 'a' <= byte <= 'z'
        and     v1.16b, v1.16b, v3.16b
        eor     v0.16b, v0.16b, v1.16b
        str     q0, [x0]
        ret
"""
_RULES = """\
// The sum of n numbers. It is right, and yet no caller can live with
// it: it breaks the calling convention. The key v goes there.
        .globl  total
total:
        mov     x19, x1                     // x19 is the caller's
        str     x30, [sp, #-8]              // below sp is nobody's
        movi    v8.4s, #0                   // so is the low half of v8
        mov     x2, #0
1:      cbz     x19, 2f
        ldr     x3, [x0], #8
        add     x2, x2, x3
        sub     x19, x19, #1
        b       1b
2:      ldr     x30, [sp, #-8]
        mov     x0, x2
        ret
"""
_FOREVER = """\
/* It never ends: the limits stop it, and say so. */
unsigned collatz(unsigned n) {
    while (n != 0)
        n = n % 2 ? 3 * n + 1 : n / 2;
    return n;
}
"""
_SHAPES = """\
struct shape {
    virtual double area() const = 0;
};

struct square : shape {
    double side;
    explicit square(double s) : side(s) {}
    double area() const override { return side * side; }
};

double area(double side) {
    square s(side);
    const shape &some = s;
    return some.area();
}
"""


def _example(title: str, kind: str, name: str, text: str, arguments: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "kind": kind, "name": name, "text": text, "arguments": arguments, **more}


_FN = "int fn(int num) { return num; }\n"

EXAMPLES: list[dict[str, Any]] = [
    _example("The founding five words", "hex", "fn.hex", _WORDS, "3", signature="int(int)"),
    _example("The same in C", "c", "fn.c", _FN, "3"),
    _example("Greatest common divisor", "c", "gcd.c", _GCD, "48 18", opt="-O1"),
    _example("Recursion and its stack", "c", "factorial.c", _FACTORIAL, "5"),
    _example("Sorting an array", "c", "sort.c", _SORT, "[5,2,9,1] 4", opt="-O1"),
    _example("A bug, found backwards", "c", "board.c", _BOARD, "[10,40,20,30] 4", function="kept"),
    _example("A program with input and output", "c", "hello.c", _HELLO, "one two", input="Ada\n"),
    _example("NEON from C", "c", "dot.c", _DOT, "[1,2,3,4] [5,6,7,8]", opt="-O2"),
    _example(
        "Vector lanes in assembly", "assembly", "upper.s", _VECTOR, "sixteen-letters!", signature="void(char *text)"
    ),
    _example(
        "A broken calling convention",
        "assembly",
        "total.s",
        _RULES,
        "[3,4,5] 3",
        signature="long(const long *numbers, long n)",
    ),
    _example("A virtual function in C++", "c++", "shapes.cpp", _SHAPES, "3", function="area", opt="-O1"),
    _example("A loop that never ends", "c", "collatz.c", _FOREVER, "27"),
]
"""In the order of the menu. `arguments` are written as on the command line; `kind` is a kind of sources."""
