"""SQLite of AArch64 Linux, on any host: a database in memory, sorted by a comparison function of Python.

    python examples/sqlite.py [--engine ENGINE] [libsqlite3.so.0]

The library is Debian's libsqlite3-0 for arm64, for instance: `scripts/arm64-packages folder libsqlite3-0` fetches it on
a Debian host, and puts it below the folder. Without an argument it is looked for where cross compilers have libraries.
"""

from __future__ import annotations

import argparse
import ctypes
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import armexec

NAME = "libsqlite3.so.0"
FOLDERS = ("/usr/lib/aarch64-linux-gnu", "/usr/aarch64-linux-gnu/lib", "/usr/aarch64-linux-gnu/usr/lib")
OK, ROW, DONE, UTF8 = 0, 100, 101, 1
ALL_BYTES, COPY = -1, -1
"""As the size of a text: up to its null; as what frees it (SQLITE_TRANSIENT): make a copy."""


def find_library() -> Path:
    """The library of a cross compiler, or this host's own if that is AArch64. Raises FileNotFoundError."""
    found = next((path for folder in FOLDERS if (path := Path(folder, NAME)).exists()), None)
    if found is None:
        raise FileNotFoundError(
            f"there is no {NAME} for AArch64 in {', '.join(FOLDERS)}: give the path of one\n"
            "(on a Debian host, scripts/arm64-packages FOLDER libsqlite3-0 puts it below FOLDER)"
        )
    return found


class Database:
    """A database in memory."""

    def __init__(self, library: Path, engine: str | None = None) -> None:
        # Where the C library isn't beside it, armexec's own stands in.
        self._sqlite = armexec.load(library, search=[library.parent], engine=engine)
        self._text = self._sqlite["sqlite3_errmsg"].with_signature("const char *(void *)").returning(str)
        place = ctypes.c_uint64()  # the pointer that is written
        self._check(self._function("int sqlite3_open(const char *, void **)")(":memory:", place))
        self._database = place.value

    def _function(self, prototype: str) -> armexec.Function:
        return self._sqlite[prototype.partition("(")[0].split()[-1].lstrip("*")].with_signature(prototype)

    def _check(self, status: int, *expected: int) -> int:
        if status not in (expected or (OK,)):
            raise RuntimeError(self._text(self._database))
        return status

    def create_collation(self, name: str, compare: Callable[[str, str], int]) -> None:
        """Have `compare(a, b)` order texts, as an int below, at or above 0."""

        def call(_: object, size: int, a: int, other_size: int, b: int) -> int:
            return compare(ctypes.string_at(a, size).decode(), ctypes.string_at(b, other_size).decode())

        compares = "int (*)(void *, int, const void *, int, const void *)"
        create = self._function(f"int sqlite3_create_collation(void *, const char *, int, void *, {compares})")
        self._check(create(self._database, name, UTF8, 0, call))

    def rows(self, sql: str, *values: int | str) -> Iterator[tuple[str | None, ...]]:
        """Run a statement; its rows, as texts."""
        statement = ctypes.c_uint64()
        prepare = self._function("int sqlite3_prepare_v2(void *, const char *, int, void **, void *)")
        self._check(prepare(self._database, sql, ALL_BYTES, statement, 0))
        at = statement.value
        bind_text = self._function("int sqlite3_bind_text(void *, int, const char *, int, long)")
        bind_int = self._function("int sqlite3_bind_int64(void *, int, long)")
        for number, value in enumerate(values, 1):
            if isinstance(value, int):
                self._check(bind_int(at, number, value))
            else:
                self._check(bind_text(at, number, value, ALL_BYTES, COPY))
        step = self._function("int sqlite3_step(void *)")
        text = self._function("const char *sqlite3_column_text(void *, int)").returning(str)
        columns = self._function("int sqlite3_column_count(void *)")(at)
        try:
            while self._check(step(at), ROW, DONE) == ROW:
                yield tuple(text(at, column) for column in range(columns))
        finally:
            self._function("int sqlite3_finalize(void *)")(at)

    def run(self, sql: str, *values: int | str) -> None:
        """Run a statement that has no rows."""
        for _ in self.rows(sql, *values):
            pass

    def close(self) -> None:
        """Close the database, and let go of the library."""
        self._check(self._function("int sqlite3_close(void *)")(self._database))
        self._sqlite.close()


def natural(a: str, b: str) -> int:
    """Compare texts as people order them: file2 before file10."""

    def parts(text: str) -> list[tuple[str, int]]:
        return [(letters, int(number or 0)) for letters, number in re.findall(r"(\D*)(\d*)", text)]

    return (parts(a) > parts(b)) - (parts(a) < parts(b))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Sort rows by a comparison function of Python, in SQLite.")
    parser.add_argument("library", nargs="?", type=Path, help=f"{NAME} for AArch64; looked for by default")
    parser.add_argument("--engine", help="how armexec runs it, such as translated:O0")
    options = parser.parse_args(arguments)
    try:
        database = Database(options.library or find_library(), options.engine)
    except (FileNotFoundError, armexec.LoadError) as error:
        sys.exit(str(error))
    database.create_collation("by_number", natural)
    database.run("create table files (name text, size int)")
    for name, size in [("file10", 7), ("file2", 5), ("file1", 11), ("about", 3)]:
        database.run("insert into files values (?, ?)", name, size)
    for name, size, share in database.rows(
        "select name, size, printf('%.0f%%', 100.0 * size / (select sum(size) from files)) from files"
        " order by name collate by_number"
    ):
        print(f"{name:8}{size:>4}{share:>6}")
    database.close()


if __name__ == "__main__":
    main()
