"""Modules and functions as a user holds them."""

from __future__ import annotations

import array
import ctypes
import enum
import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import armexec
from armexec import LoadError, Module, SignatureError
from engines import AVAILABLE

SOURCE = """
#include <stdint.h>
namespace ns { int twice(int x) { return 2 * x; } }
int fn(int num) { return num; }
int fn2(int a, int b) { return a - b; }
bool is_odd(unsigned n) { return n & 1; }
long sum(const int *values, long count) { long s = 0; for (long i = 0; i < count; i++) s += values[i]; return s; }
void fill(int *values, int count, int value) { for (int i = 0; i < count; i++) values[i] = value; }
unsigned length(const char *text) { unsigned n = 0; while (text[n]) n++; return n; }
int8_t least(void) { return -128; }
uint64_t identity(uint64_t x) { return x; }
void *same(void *p) { return p; }
int table[3] = {5, 6, 7};
int *entry(int i) { return &table[i]; }
int overloaded(int x) { return x; }
int overloaded(long x) { return (int)x + 1; }
int from(int lambda, int from) { return lambda * 10 + from; }
"""


@pytest.fixture(scope="module", params=AVAILABLE)
def module(request: pytest.FixtureRequest) -> Iterator[Module]:
    with armexec.compile(SOURCE, engine=request.param) as made:
        yield made


def test_functions_are_found_by_every_name(module: Module) -> None:
    assert module.fn is module["fn"] is module["fn(int)"] is module["fn( int )"] is module["_Z2fni"]
    assert module["ns::twice"](4) == module.twice(4) == module["ns::twice(int)"](4) == 8
    assert module["overloaded(int)"](1) == 1
    assert module["overloaded(long)"](1) == 2
    assert "fn" in module
    assert "nothing" not in module
    assert {"fn", "fn2", "sum"} <= set(dir(module))
    assert [f.address for f in module] == sorted(f.address for f in module.functions)
    assert len(module) == len(module.functions) == 14


def test_an_unknown_name_is_an_error_that_names_the_nearest(module: Module) -> None:
    with pytest.raises(LoadError, match="is_odd"):
        module["is_od"]
    with pytest.raises(AttributeError, match="lenght"):
        module.lenght  # noqa: B018
    assert not hasattr(module, "lenght")
    with pytest.raises(LoadError, match=r"overloaded\(int\), overloaded\(long\)"):
        module["overloaded"]
    with pytest.raises(LoadError, match="no function"):
        module["table"]
    with pytest.raises(LoadError, match="by its name"):
        module[0]  # type: ignore[index]


@pytest.mark.parametrize("wrong", [None, "mod.so", armexec], ids=["None", "text", "package"])
def test_a_function_is_made_of_a_module_and_a_symbol(module: Module, wrong: object) -> None:
    symbol = module.image.function("fn")
    for arguments in [(wrong, symbol), (module.image, symbol), (module.loaded, symbol), (module, wrong)]:
        with pytest.raises(LoadError, match="found in a Module"):
            armexec.Function(*arguments)  # type: ignore[arg-type]


def test_values_come_back_in_their_type(module: Module) -> None:
    assert module.fn(-5) == -5
    assert module.fn2(3, 5) == -2
    assert module.is_odd(3) is True
    assert module.is_odd(4) is False
    assert module.least() == -128
    assert module.identity(2**64 - 1) == 2**64 - 1
    assert module.same(0) == 0
    assert module.same(None) == 0
    assert ctypes.c_int.from_address(module.entry(2)).value == 7
    assert module.fill((ctypes.c_int * 1)(), 1, 1) is None


def test_arguments_can_be_given_by_name(module: Module) -> None:
    assert module.fn2(b=1, a=7) == 6
    assert module.fn2(7, b=1) == 6
    # Names that Python keeps for itself go by their position.
    assert module["from"](arg0=1, arg1=2) == 12


def test_pointers_take_what_has_memory(module: Module) -> None:
    values = [1, -2, 30]
    arrays = [
        (ctypes.c_int * 3)(*values),
        array.array("i", values),
        numpy.array(values, dtype=numpy.int32),
        memoryview(array.array("i", values)),
        numpy.array(values, dtype=numpy.int32).tobytes(),
        bytearray(numpy.array(values, dtype=numpy.int32).tobytes()),
    ]
    assert [module.sum(a, 3) for a in arrays] == [29] * 6
    pointer = ctypes.pointer(arrays[0][0:1] and ctypes.c_int(4))
    assert module.sum(pointer, 1) == 4
    assert module.sum(ctypes.addressof(arrays[0]), 3) == 29
    written = numpy.zeros(4, dtype=numpy.int32)
    module.fill(written, 3, 9)
    assert written.tolist() == [9, 9, 9, 0]
    assert module.length("Grüße") == 7
    assert module.length(b"abc") == 3
    assert module.length(ctypes.create_string_buffer(b"abcd")) == 4


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("fn", (), "takes 1 argument"),
        ("fn", (1, 2), "takes 1 argument, not 2"),
        ("least", (1,), "takes no arguments, not 1"),
        ("fn2", (1,), "argument 2 is missing"),
        ("fn", ("3",), "must be an int"),
        ("fn", (3.0,), "must be an int"),
        ("fn", (None,), "must be an int"),
        ("fn", (2**31,), "out of range -2147483648..2147483647"),
        ("fn", (10**400,), "out of range"),
        ("is_odd", (-1,), r"out of range 0..4294967295"),
        ("sum", ({1, 2}, 2), "a list or None, not set"),
        ("sum", (1.5, 2), "not float"),
        ("sum", (-1, 2), "not an address"),
        ("sum", (numpy.zeros(3), 3), "elements are of float64, not const int"),
        ("sum", (array.array("q", [1]), 1), "elements are of 'q'"),
        ("sum", (numpy.zeros(8, dtype=numpy.int32)[::2], 3), "contiguous"),
        ("fill", (b"1234", 1, 1), "bytes can't change"),
        ("fill", ("1234", 1, 1), "const char"),
        ("fill", (numpy.frombuffer(b"1234", dtype=numpy.int32), 1, 1), "read-only"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    module: Module, name: str, arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(SignatureError, match=message) as caught:
        module[name](*arguments)
    # What was called is in the message, and the function is unharmed.
    assert f"{name}(" in str(caught.value)
    assert module.fn(3) == 3


def test_unknown_names_of_arguments_are_refused(module: Module) -> None:
    for _ in range(2):  # before and after the function is bound
        with pytest.raises(SignatureError, match="no parameter 'value'; its parameters are: num"):
            module.fn(value=3)


def test_integers_of_other_classes_are_integers(module: Module) -> None:
    class Color(enum.IntEnum):
        RED = 4

    assert module.fn(True) == 1
    assert module.fn(Color.RED) == 4
    assert module.fn(numpy.int64(-7)) == -7


@settings(deadline=None)  # the first call compiles
@given(value=st.integers(-(2**31), 2**31 - 1))
def test_every_int_is_returned(value: int) -> None:
    assert _identity()(value) == value


_KEPT: list[armexec.Function] = []


def _identity() -> armexec.Function:
    if not _KEPT:
        _KEPT.append(armexec.compile("int fn(int num) { return num; }").fn)
    return _KEPT[0]


def test_a_function_shows_its_code(module: Module) -> None:
    fn = module.fn
    assert fn.assembly.splitlines()[-1] == "ret"
    assert fn.bytes == b"".join(word.to_bytes(4, "little") for word in fn.words)
    assert fn.size == len(fn.bytes) == 20
    assert fn.disassembly.splitlines()[0] == "fn(int):"
    assert f"{fn.address:x}:  d10043ff  sub sp, sp, #16" in fn.disassembly
    assert (fn.name, fn.linkage_name, fn.signature) == ("fn(int)", "_Z2fni", "int fn(int num)")
    assert "int fn(int num)" in repr(fn)
    assert fn.engine in repr(module)
    assert fn.module is module
    assert "fn(int):" in module.disassembly
    assert "_Z2fni:" in module.assembly
    loop = module["length"].assembly.splitlines()
    assert any(line.endswith(":") for line in loop)
    assert not any(".cfi" in line or "\t" in line for line in loop)


def test_another_signature_can_be_given(module: Module) -> None:
    unsigned = module.fn.with_signature("unsigned(unsigned)")
    assert unsigned(2**32 - 1) == 2**32 - 1
    assert module.fn(-1) == -1
    with pytest.raises(SignatureError, match="write a C prototype"):
        module.fn.with_signature("int(")


def test_a_type_without_members_is_refused(module: Module) -> None:
    with pytest.raises(SignatureError, match="parameter 1 has type struct s"):
        module.fn.with_signature("int(struct s)")(1)


@pytest.mark.parametrize("signature", ["", "int", "int fn", "x(y)", "int(int", "int(int) int(int)", "int(void, int)"])
def test_a_signature_that_is_none_is_refused(signature: str) -> None:
    with pytest.raises(SignatureError):
        armexec.function([0xD65F03C0], signature)


def test_a_function_without_a_signature_says_how_to_give_one(tmp_path: Path) -> None:
    with armexec.compile("int fn(int num) { return num; }", flags="-g0") as module:
        assert module.fn.signature == ""
        for _ in range(2):
            with pytest.raises(SignatureError, match="with_signature"):
                module.fn(3)
        assert module.fn.with_signature("int(int)")(3) == 3


@pytest.mark.parametrize("engine", AVAILABLE)
def test_objects_are_loaded_from_files_and_bytes(engine: str, tmp_path: Path) -> None:
    from armexec.toolchain import compile_object

    data = compile_object("int fn(int num) { return num; }", language="c").data
    path = tmp_path / "fn.o"
    path.write_bytes(data)
    for form in (path, str(path), data, bytearray(data)):
        with armexec.load(form, engine=engine) as module:
            assert module.fn(3) == 3


@pytest.mark.parametrize("engine", AVAILABLE)
def test_constructors_run_when_a_module_is_loaded(engine: str) -> None:
    source = "static int count; struct S { S() { count = 41; } } s; int get() { return ++count; }"
    with armexec.compile(source, engine=engine) as module:
        assert [module.get(), module.get()] == [42, 43]


def test_undefined_symbols_of_code_are_all_named() -> None:
    with pytest.raises(LoadError, match=r"undefined symbols one\(int\) \(.*:1: bl _Z3onei\), two \(.*two\):"):
        armexec.function("bl _Z3onei\nb two", "void(void)")


@pytest.mark.parametrize("engine", AVAILABLE)
def test_a_closed_module_refuses(engine: str) -> None:
    module = armexec.compile("int fn(int num) { return num; }", engine=engine)
    fn, other = module.fn, module.fn.with_signature("long(long)")
    assert (fn(3), other(3)) == (3, 3)
    module.close()
    module.close()
    for use in (lambda: fn(3), lambda: other(3), lambda: fn.words, lambda: fn.disassembly):
        with pytest.raises(armexec.Error, match="closed"):
            use()
    assert "closed" in repr(module)
    assert "closed" in repr(fn)


def test_a_function_keeps_its_memory_alive() -> None:
    fn = armexec.function([0x8B000000, 0xD65F03C0], "long(long)")
    gc.collect()
    assert fn(21) == 42


def test_memory_is_given_back_when_nothing_refers_to_it() -> None:
    from armexec.memory import process_map

    module = armexec.compile("int fn(int num) { return num; }", engine="reference")
    module.fn(1)
    address = module.fn.address
    assert any(entry.start <= address < entry.end for entry in process_map())
    region = module.loaded.region  # type: ignore[attr-defined]
    del module
    assert not region.closed
    gc.collect()
    del region
    gc.collect()
    mapped = armexec.memory.mapped_ranges.MAPPED_RANGES.find(address)  # type: ignore[attr-defined]
    assert mapped is None


@pytest.mark.parametrize("engine", AVAILABLE)
def test_assembly_text_has_entries_labels_and_data(engine: str) -> None:
    text = """
        helper: add w0, w0, #1
                ret
        .globl  start
        start:  mov x9, x30
                bl helper
                adrp x1, value
                ldr w1, [x1, :lo12:value]
                add w0, w0, w1
                br x9
        .data
        value:  .word 100
    """
    assert armexec.function(text, "int start(int)", engine=engine)(5) == 106
    assert armexec.function(text, "int(int)", engine=engine, name="start")(5) == 106
    assert armexec.function(text, "int(int)", engine=engine, name="helper")(5) == 6
    assert armexec.function(text, "int(int)", engine=engine)(5) == 6


@pytest.mark.parametrize(
    "text",
    [
        "0xD10043FF 0xB9000FE0 0xB9400FE0 0x910043FF 0xD65F03C0",
        "D10043FF b9000fe0\nB9400FE0,910043FF , D65F03C0",
        "{ 0xD10043FF, 0xB9000FE0, 0xB9400FE0, 0x910043FF, 0xD65F03C0 }",
        "ff 43 00 d1  e0 0f 00 b9  e0 0f 40 b9  ff 43 00 91  c0 03 5f d6",
        "0xD10043FF // sub\n0xB9000FE0 ; str\n0xB9400FE0 # ldr\n0x910043FF /* add */ 0xD65F_03C0 -- ret",
    ],
)
def test_words_can_be_written_in_every_usual_way(text: str) -> None:
    assert armexec.function(text, "int(int)").words == [0xD10043FF, 0xB9000FE0, 0xB9400FE0, 0x910043FF, 0xD65F03C0]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (b"123", "3 bytes"),
        (b"", "no code"),
        ([], "no code"),
        ([1 << 32], "0x100000000, not a 32-bit word"),
        ([-1], "-0x1, not a 32-bit word"),
        (["ret"], "'ret', not an int"),
        (3.5, "not float"),
        ("0x1D65F03C0", "above 32 bits"),
        ("c0 03 5f", "3 bytes"),
        ("", "no code"),
        ("// nothing", "no code"),
        ("frobnicate x0", "frobnicate"),
        ("add x0, x0, #99999", "99999"),
        ("b nowhere", "nowhere"),
        ("ldr x0, =elsewhere\nret", "elsewhere"),
    ],
)
def test_code_that_is_none_is_refused(code: object, message: str) -> None:
    with pytest.raises(armexec.Error, match=message):
        armexec.function(code, "int(int)")  # type: ignore[arg-type]


@pytest.mark.parametrize("source", ["", "  \n", "int f( {", "\0", "int f() { return x; }", "#error no"])
def test_source_that_does_not_compile_is_refused_and_leaves_nothing(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with pytest.raises(armexec.CompileError):
        armexec.compile(source)
    assert os.listdir(tmp_path) == []


def test_files_that_are_no_objects_are_refused(tmp_path: Path) -> None:
    from armexec.toolchain import compile_object

    data = compile_object("int fn(int num) { return num; }").data
    for name, content in {"empty": b"", "text": b"int fn", "short": data[:100], "half": data[: len(data) // 2]}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(LoadError, match=name):
            armexec.load(tmp_path / name)
    with pytest.raises(LoadError, match="a directory"):
        armexec.load(tmp_path)
    with pytest.raises(LoadError, match="No such file"):
        armexec.load(tmp_path / "missing")
    with pytest.raises(LoadError, match="not from int"):
        armexec.load(3)  # type: ignore[arg-type]


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(armexec.HostError, match="native, translated, reference"):
        armexec.compile("int f() { return 1; }", engine="magic")


@pytest.mark.parametrize("engine", AVAILABLE)
def test_what_the_guest_does_wrong_says_where(engine: str) -> None:
    source = "int load(int *p) {\n  return *p;\n}\nvoid stop() { __builtin_trap(); }"
    with (
        armexec.compile(source, engine=engine, filename="bad.cpp") as module,
        pytest.raises(armexec.ExecutionError) as e,
    ):
        module.stop()
    assert e.value.source == "bad.cpp:4"
    assert "stop" in e.value.symbol
