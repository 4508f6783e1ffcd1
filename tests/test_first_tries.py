"""What people try first, and get wrong: each is an Error that says what it is and what is wanted."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import armexec
from armexec import AssemblyError, CompileError, Error, HostError, LoadError, MemoryFault, SignatureError
from engines import AVAILABLE

WORDS: Any = [0xD10043FF, 0xB9000FE0, 0xB9400FE0, 0x910043FF, 0xD65F03C0]
SOURCE: Any = "int fn(int num) { return num; }"
NONE: Any = None
FIVE: Any = 5


@pytest.mark.parametrize(
    ("attempt", "error", "message"),
    [
        (lambda: armexec.function(WORDS, NONE), SignatureError, r'such as "int\(int\)", not None'),
        (lambda: armexec.function(WORDS, FIVE), SignatureError, "not int 5"),
        (lambda: armexec.function(WORDS, int), SignatureError, "not type <class 'int'>"),  # type: ignore[arg-type]
        (lambda: armexec.function(WORDS, b"int(int)"), SignatureError, "not bytes"),  # type: ignore[arg-type]
        (lambda: armexec.function(WORDS, "int"), SignatureError, "of one function"),
        (lambda: armexec.function(WORDS, "int(" + "*" * 5000 + ")"), SignatureError, r"can't read.{,320}$"),
        (lambda: armexec.function(WORDS, "int(int " + "*" * 5000 + ")"), SignatureError, "nested too deeply"),
        (lambda: armexec.function(WORDS, "int(int a" + "[2]" * 3000 + ")"), SignatureError, "nested too deeply"),
        (lambda: armexec.function(WORDS, "(" * 5000 + "int" + ")" * 5000), SignatureError, "can't read|nested"),
        (lambda: armexec.function(WORDS, "int(" + "int," * 50000 + "int)"), SignatureError, "at most 65536 are read"),
        (lambda: armexec.function(WORDS, "int(\ud800)"), SignatureError, "can't read"),
        (lambda: armexec.function(WORDS, "int(int)", name=FIVE), LoadError, "name is text"),
        (lambda: armexec.function(WORDS, "int(int)", name="a\0b"), LoadError, "null characters"),
        (lambda: armexec.function(NONE, "int(int)"), LoadError, "not NoneType"),
        (lambda: armexec.function(0xD65F03C0, "int(int)"), LoadError, "not int"),  # type: ignore[arg-type]
        (lambda: armexec.function(Path("fn.s"), "int(int)"), LoadError, "not PosixPath"),  # type: ignore[arg-type]
        (lambda: armexec.function([*WORDS, "ret"], "int(int)"), LoadError, "word 5 is 'ret'"),
        (lambda: armexec.function("", "int(int)"), LoadError, "no code"),
        (lambda: armexec.function("\ud800: ret", "int(int)"), AssemblyError, "half of a character"),
        (lambda: armexec.function(WORDS, "int(int)", engine=FIVE), HostError, "by its name"),
        (lambda: armexec.compile(SOURCE, engine=FIVE), HostError, "by its name"),
        (lambda: armexec.compile(SOURCE, engine="qemu"), HostError, "choose one of native, translated, reference"),
        (lambda: armexec.compile(SOURCE.encode()), CompileError, "not bytes: decode it"),
        (lambda: armexec.compile(Path("fn.c")), CompileError, "not PosixPath: read it"),  # type: ignore[arg-type]
        (lambda: armexec.compile(NONE), CompileError, "not NoneType"),
        (lambda: armexec.compile(SOURCE + "// \ud800"), CompileError, "isn't Unicode text"),
        (lambda: armexec.compile(SOURCE, flags=FIVE), CompileError, "a list of texts, not int"),
        (lambda: armexec.compile(SOURCE, flags=[FIVE]), CompileError, "not a compiler flag: 5"),
        (lambda: armexec.compile(SOURCE, compiler=FIVE), CompileError, "compiler is text, not int"),
        (lambda: armexec.compile(SOURCE, filename=FIVE), CompileError, "filename is text, not int"),
        (lambda: armexec.compile(SOURCE, target=FIVE), CompileError, "unknown target 5"),
        (lambda: armexec.compile(SOURCE, language=FIVE), CompileError, "unknown language 5"),
        (lambda: armexec.Function(NONE, NONE), LoadError, r"module\[name\]"),
        (lambda: armexec.Module(NONE), LoadError, "not of None: use armexec.load"),
        (lambda: armexec.Module("fn.o"), LoadError, "not of str 'fn.o'"),  # type: ignore[arg-type]
        (lambda: armexec.Code(NONE, NONE, NONE), AssemblyError, "made by armexec.assemble"),
        (lambda: armexec.load(NONE), LoadError, "not from NoneType"),
        (lambda: armexec.load([]), LoadError, "no object"),
        (lambda: armexec.load("no\0name"), LoadError, "null"),
        (lambda: armexec.assemble(NONE), AssemblyError, "not NoneType"),
        (lambda: armexec.assemble(b"ret"), AssemblyError, "decode it"),  # type: ignore[arg-type]
        (lambda: armexec.assemble("ret", address=1), AssemblyError, "multiple of 4"),
        (lambda: armexec.assemble("ret", address=-4), AssemblyError, "multiple of 4"),
        (lambda: armexec.assemble("ret", address="0x1000"), AssemblyError, "multiple of 4"),  # type: ignore[arg-type]
        (lambda: armexec.disassemble(NONE), LoadError, "no code"),
        (lambda: armexec.disassemble(["d65f03c0"]), LoadError, "not an int"),
        (lambda: armexec.disassemble("return"), AssemblyError, "not a word"),
        (lambda: armexec.disassemble(WORDS, address="0"), LoadError, "an address is an int"),  # type: ignore[arg-type]
        (lambda: armexec.disassemble(WORDS, symbols=FIVE), LoadError, "map addresses"),
    ],
)
def test_what_is_wrong_is_said(attempt: Callable[[], object], error: type[Error], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        attempt()
    assert len(str(caught.value)) < 600


@pytest.fixture(scope="module", params=AVAILABLE)
def module(request: pytest.FixtureRequest) -> Iterator[armexec.Module]:
    source = """
    const char *greeting(int n) { return n == 0 ? "hello" : n == 1 ? "Gr\\u00fc\\xc3\\x9f" "e" : n == 2 ? "\\xff" : 0; }
    const char *same(const char *text) { return text; }
    int number(void) { return 0; }
    """
    with armexec.compile(source, "c", engine=request.param) as made:
        yield made


def test_a_function_or_its_words_are_code(module: armexec.Module) -> None:
    number = armexec.function(module.number, "int(void)", engine=module.engine)
    assert number() == 0
    assert [i.text for i in armexec.disassemble("0xD65F03C0")] == ["ret"]


def test_a_signature_may_be_a_prototype(module: armexec.Module) -> None:
    assert module.same.with_signature(module.number.prototype)() == 0
    for wrong in (None, 5, b"int(void)"):
        with pytest.raises(SignatureError, match="a C prototype"):
            module.same.with_signature(wrong)  # type: ignore[arg-type]


def test_text_is_returned_where_asked(module: armexec.Module) -> None:
    greeting = module.greeting
    assert isinstance(greeting(0), int)
    assert [greeting.returning(str)(n) for n in range(4)] == ["hello", "Grüße", "\\xff", None]
    assert [greeting.returning(bytes)(n) for n in range(3)] == [b"hello", "Grüße".encode(), b"\xff"]
    text = module.same.returning(str)
    for _ in range(3):  # also when other code may have taken the call over
        assert text("echo") == text(text=b"echo") == "echo"
        with pytest.raises(SignatureError, match="takes 1 argument"):
            text()


def test_text_that_cannot_be_read_is_a_fault(module: armexec.Module) -> None:
    with pytest.raises(MemoryFault, match=r"same returned 0x8, which doesn't lead to text") as caught:
        module.same.returning(str)(8)
    assert caught.value.address == 8
    endless = ctypes.create_string_buffer(b"a" * (1 << 20) + b"a" * 8192)
    with pytest.raises(MemoryFault, match="doesn't lead to text"):
        module.same.returning(bytes)(endless)


def test_only_characters_are_returned_as_text(module: armexec.Module) -> None:
    with pytest.raises(SignatureError, match="the result is int"):
        module.number.returning(str)
    with pytest.raises(SignatureError, match="as str or bytes, not as type"):
        module.same.returning(int)  # type: ignore[type-var]
