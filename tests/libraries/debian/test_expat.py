"""expat calls Python for each element."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import pytest

import armexec

from .combinations import combinations

pytestmark = pytest.mark.slow

DOCUMENT = b'<list kind="a&amp;b"><item n="1">one</item><item n="2"/></list>'
HANDLERS = "void (*)(void *, const char *, const char **), void (*)(void *, const char *)"


class Expat:
    def __init__(self, path: Path, search: list[Path], engine: str) -> None:
        self.m = armexec.load(path, search=search, engine=engine)
        self.parser = self.function("void *XML_ParserCreate(const char *)")(None)

    def function(self, prototype: str) -> armexec.Function:
        name = prototype.partition("(")[0].split()[-1].lstrip("*")
        return self.m[name].with_signature(prototype)

    def parse(self, text: bytes) -> int:
        parse = self.function("int XML_Parse(void *, const char *, int, int)")
        return int(parse(self.parser, text, len(text), 1))


@pytest.fixture(params=combinations(("translated", "own"), ("reference", "glibc")))
def expat(request: pytest.FixtureRequest, library: Callable[[str], Path], search: Callable[[str], list[Path]]) -> Expat:
    engine, c_library = request.param
    return Expat(library("libexpat.so.1"), search(c_library), engine)


def test_elements(expat: Expat) -> None:
    events: list[tuple[object, ...]] = []

    def start(user: int, name: armexec.GuestPointer, attributes: armexec.GuestPointer) -> None:
        pairs = (ctypes.c_char_p * 8).from_address(int(attributes))
        events.append(("start", int(user), ctypes.string_at(name), *takewhile(bool, pairs)))

    def end(user: int, name: armexec.GuestPointer) -> None:
        events.append(("end", int(user), ctypes.string_at(name)))

    def characters(user: int, text: armexec.GuestPointer, size: int) -> None:
        events.append(("text", ctypes.string_at(text, size)))

    expat.function(f"void XML_SetElementHandler(void *, {HANDLERS})")(expat.parser, start, end)
    expat.function("void XML_SetCharacterDataHandler(void *, void (*)(void *, const char *, int))")(
        expat.parser, characters
    )
    expat.function("void XML_SetUserData(void *, void *)")(expat.parser, 0x1234)
    assert expat.parse(DOCUMENT) == 1
    assert events == [
        ("start", 0x1234, b"list", b"kind", b"a&b"),
        ("start", 0x1234, b"item", b"n", b"1"),
        ("text", b"one"),
        ("end", 0x1234, b"item"),
        ("start", 0x1234, b"item", b"n", b"2"),
        ("end", 0x1234, b"item"),
        ("end", 0x1234, b"list"),
    ]


@pytest.mark.slow
def test_exceptions_pass_through(expat: Expat) -> None:
    problem = KeyError("an element that nobody expected")

    def start(user: int, name: int, attributes: int) -> None:
        raise problem

    expat.function(f"void XML_SetElementHandler(void *, {HANDLERS})")(expat.parser, start, lambda user, name: None)
    with pytest.raises(KeyError) as caught:
        expat.parse(DOCUMENT)
    assert caught.value is problem
    # The library is as usable as before, with another parser.
    expat.parser = expat.function("void *XML_ParserCreate(const char *)")(None)
    assert expat.parse(DOCUMENT) == 1


def test_errors_have_their_text(expat: Expat) -> None:
    assert expat.parse(b"<a></b>") == 0
    code = expat.function("int XML_GetErrorCode(void *)")(expat.parser)
    assert expat.function("const char *XML_ErrorString(int)").returning(str)(code) == "mismatched tag"
