"""Address-taken functions and tables of pointers to functions."""

from __future__ import annotations

import armexec
from armexec.objects.code_pointers import address_taken_functions, function_tables


def test_tables_of_functions_end_where_something_else_stands() -> None:
    text = """
        static int one(int a) { return a + 1; }
        static int two(int a) { return a + 2; }
        static int three(int a) { return a + 3; }
        typedef int (*F)(int);
        F first[] = { one, two };
        struct { long between; F f; F g; long after; F h; } mixed = { 5, three, one, 7, two };
        int call(int i) { return first[i](1) + mixed.f(1); }
    """
    image = armexec.compile(text, "c", "-O1", flags=("-fno-inline",)).image
    at = {function.name: function.offset for function in image.functions}
    one, two, three = (at[name] for name in ("one", "two", "three"))
    assert sorted(function_tables(image)) == sorted([(one, two), (three, one), (two,)])


def test_functions_whose_addresses_are_taken() -> None:
    text = """
        pick: adr x0, first
              b called
        called: adrp x1, second
              add x1, x1, :lo12:second
              ret
        first: ret
        second: ret
        plain: ret
        .globl pick, called, first, second, plain
        .type pick, %function
        .type called, %function
        .type first, %function
        .type second, %function
        .type plain, %function
    """
    image = armexec.function(text, "long()", name="pick").module.image
    at = {function.name: function.offset for function in image.functions}
    assert address_taken_functions(image) == (at["first"], at["second"])
