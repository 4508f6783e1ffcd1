"""The libraries that the tests of this folder share, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from .libraries import shared

# liba needs libb, which needs liba: each calls the other.
FIRST = """
extern int other(int), both(void), missing(int), missing_too(int), shared_name(void);
extern int optional(int) __attribute__((weak));
volatile int events[8], logged;
int calls_other(int x) { return other(x) + 1; }
int called_back(int x) { return x * 10; }
int both(void) { return 1; }
int calls_both(void) { return both(); }
int calls_missing(int x) { return missing(x) + missing_too(x); }
int calls_optional(int x) { return optional ? optional(x) : -x; }
int calls_shared_name(void) { return shared_name(); }
static int hidden(int x) { return x + 1000; }
int (*const table[])(int) = {calls_other, hidden, called_back};
int through_table(int i, int x) { return table[i](x); }
volatile int *events_address(void) { return events; }
__attribute__((constructor)) static void start(void) { events[logged++] = 1; }
__attribute__((destructor)) static void stop(void) { extern volatile int *ended; if (ended) *ended += 100; }
volatile int *ended;
void tell_end(int *p) { ended = p; }
"""
SECOND = """
extern int called_back(int), both(void);
extern volatile int events[], logged;
int other(int x) { return called_back(x) + 2; }
int both(void) { return 2; }
int second_calls_both(void) { return both(); }
__attribute__((constructor)) static void start(void) { events[logged++] = 2; }
"""
LEAF = """
int shared_name(void) { return 7; }
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """liba.so, which needs libb.so and libleaf.so; libb.so, which needs liba.so."""
    made = tmp_path_factory.mktemp("libraries")
    shared(made, "libleaf.so", LEAF)
    shared(made, "liba.so", "int called_back(int x){return x;} int events[8], logged;")  # for libb to be linked to
    shared(made, "libb.so", SECOND, "liba.so", "-fsemantic-interposition")
    shared(made, "liba.so", FIRST, "libb.so", "libleaf.so", "-g")
    return made
