"""SQLite calls Python to compare texts, and for functions in SQL."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from pathlib import Path

import pytest

import armexec

pytestmark = pytest.mark.long  # half a minute of translating; examples/sqlite.py is tested always
OK, ROW, DONE, UTF8 = 0, 100, 101, 1


class Sqlite:
    """A database in memory."""

    def __init__(self, path: Path, search: list[Path]) -> None:
        self.m = armexec.load(path, search=search, engine="translated")
        place = ctypes.c_uint64()
        assert self.function("int sqlite3_open(const char *, void **)")(":memory:", place) == OK
        self.database = place.value

    def function(self, prototype: str) -> armexec.Function:
        name = prototype.partition("(")[0].split()[-1].lstrip("*")
        return self.m[name].with_signature(prototype)

    def rows(self, sql: str) -> list[tuple[str | None, ...]]:
        place = ctypes.c_uint64()
        prepare = self.function("int sqlite3_prepare_v2(void *, const char *, int, void **, void *)")
        assert prepare(self.database, sql, -1, place, 0) == OK, self.error()
        statement = place.value
        step = self.function("int sqlite3_step(void *)")
        text = self.function("const char *sqlite3_column_text(void *, int)").returning(str)
        columns = self.function("int sqlite3_column_count(void *)")(statement)
        found = []
        while (status := step(statement)) == ROW:
            found.append(tuple(text(statement, i) for i in range(columns)))
        assert self.function("int sqlite3_finalize(void *)")(statement) == OK or status != DONE
        assert status == DONE, self.error()
        return found

    def error(self) -> str:
        return str(self.function("const char *sqlite3_errmsg(void *)").returning(str)(self.database))


@pytest.fixture(scope="module", params=["glibc", "own"])
def sqlite(
    request: pytest.FixtureRequest, library: Callable[[str], Path], search: Callable[[str], list[Path]]
) -> Sqlite:
    return Sqlite(library("libsqlite3.so.0"), search(request.param))


def test_statements(sqlite: Sqlite) -> None:
    sqlite.rows("create table t (name text, n real)")
    sqlite.rows("insert into t values ('b', 2.25), ('a', -1), ('c', 1e300), (null, 0.1)")
    assert sqlite.rows("select name, n from t order by n") == [
        ("a", "-1.0"),
        (None, "0.1"),
        ("b", "2.25"),
        ("c", "1.0e+300"),
    ]
    assert sqlite.rows("select printf('%.3f|%5d|%s', avg(n), count(*), 'x') from t where n < 1e9") == [
        ("0.450|    3|x",)
    ]
    assert sqlite.rows("select sqrt(2), upper('x'), strftime('%Y-%m-%d', 86400, 'unixepoch')") == [
        ("1.4142135623731", "X", "1970-01-02")
    ]
    sqlite.rows("drop table t")


def test_collations_and_functions_of_python(sqlite: Sqlite) -> None:
    seen = []

    def compare(_: object, size: int, a: int, other: int, b: int) -> int:
        left, right = ctypes.string_at(a, size).decode(), ctypes.string_at(b, other).decode()
        seen.append((left, right))
        return (len(left) > len(right)) - (len(left) < len(right))

    compares = "int (*)(void *, int, const void *, int, const void *)"
    create = sqlite.function(f"int sqlite3_create_collation(void *, const char *, int, void *, {compares})")
    assert create(sqlite.database, "length", UTF8, 0, compare) == OK
    rows = sqlite.rows("with t(x) as (values ('long one'), ('s'), ('mid')) select x from t order by x collate length")
    assert rows == [("s",), ("mid",), ("long one",)]
    assert seen

    value = sqlite.function("long sqlite3_value_int64(void *)")
    result = sqlite.function("void sqlite3_result_int64(void *, long)")

    def gcd(context: int, count: int, values: int) -> None:
        a, b = (ctypes.c_uint64 * count).from_address(int(values))
        result(context, math.gcd(value(a), value(b)))

    takes = "void *, const char *, int, int, void *, void (*)(void *, int, void **), void *, void *"
    assert sqlite.function(f"int sqlite3_create_function({takes})")(sqlite.database, "gcd", 2, UTF8, 0, gcd, 0, 0) == OK
    assert sqlite.rows("select gcd(12, 18), gcd(17, 5)") == [("6", "1")]


def test_an_exception_in_a_collation_passes_through(sqlite: Sqlite) -> None:
    def compare(*_: object) -> int:
        raise ZeroDivisionError("in a comparison")

    compares = "int (*)(void *, int, const void *, int, const void *)"
    create = sqlite.function(f"int sqlite3_create_collation(void *, const char *, int, void *, {compares})")
    assert create(sqlite.database, "raises", UTF8, 0, compare) == OK
    with pytest.raises(ZeroDivisionError, match="in a comparison"):
        sqlite.rows("with t(x) as (values ('a'), ('b')) select x from t order by x collate raises")
