"""One module with something of everything, for all tests of pickles."""

from __future__ import annotations

import pytest

import armexec

SOURCE = """
typedef struct { double x, y; } point;
struct node { int value; struct node *next; };
enum color { RED, GREEN = 5 };
enum color color_of(struct node n) { return n.value ? GREEN : RED; }
int counter = 3;
__attribute__((constructor)) static void start(void) { counter += 4; }
point middle(point a, point b) { return (point){(a.x + b.x) / 2, (a.y + b.y) / 2}; }
long apply(long (*f)(long), long x) { return f(x) + 1; }
int count(void) { return ++counter; }
int load(const int *p) {
    return *p;
}
const char *text(void) { return "guest"; }
int sum(int n, ...) {
    __builtin_va_list rest;
    __builtin_va_start(rest, n);
    int all = 0;
    for (int i = 0; i < n; i++) all += __builtin_va_arg(rest, int);
    __builtin_va_end(rest);
    return all;
}
"""


@pytest.fixture(scope="package")
def mod() -> armexec.Module:
    return armexec.compile(SOURCE, "c", filename="all.c")
