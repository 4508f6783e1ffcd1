"""What comes out of a pickle is what went into it, and errors where something can't."""

from __future__ import annotations

import copy
import functools
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.pickling.functions import triple

import armexec
from armexec.toolchain import wheel_compiler
from engines import AVAILABLE, needs_processes


def again(value):  # type: ignore[no-untyped-def]
    return pickle.loads(pickle.dumps(value))


def test_a_function_comes_back_with_its_prototype(mod: armexec.Module) -> None:
    middle = again(mod.middle)
    assert middle.signature == mod.middle.signature == "point middle(point a, point b)"
    assert middle.module is not mod
    assert middle.module.name == "all.c"
    assert middle((0, 2), (1, 4)) == mod.types["point"](0.5, 3)
    assert again(middle)((0, 2), (1, 4)).x == 0.5


def test_a_module_comes_back_with_all_that_it_has(mod: armexec.Module) -> None:
    made = again(mod)
    assert [f.name for f in made] == [f.name for f in mod]
    assert made.engine == mod.engine
    assert made.apply(lambda x: 2 * x, 20) == 41
    assert made.missing == {}
    assert list(made.types) == list(mod.types)
    assert made.image.segments == mod.image.segments
    assert made.diagnostics == mod.diagnostics


@pytest.mark.skipif(wheel_compiler() is None, reason="the C library comes out of the ziglang package")
def test_debuggers_get_the_same_of_it(mod: armexec.Module) -> None:
    says = armexec.compile('#include <stdio.h>\nint say(int x) { return printf("%d", x); }', "c", engine="reference")
    for original in (mod.image, says.image):
        before, after = original.parts[0].debug_contents, again(original).parts[0].debug_contents
        assert before is not None
        assert after is not None
        found = after(original.sections, 0x4000, {})
        assert "debug_info" in found
        assert found == before(original.sections, 0x4000, {})


def test_faults_know_their_source_line(mod: armexec.Module) -> None:
    with pytest.raises(armexec.MemoryFault) as before:
        mod["load"](None)
    with pytest.raises(armexec.MemoryFault) as after:
        again(mod["load"])(None)
    assert after.value.source == before.value.source == "all.c:12"
    assert after.value.symbol == before.value.symbol


def test_initializers_run_again_and_globals_have_their_initial_values(mod: armexec.Module) -> None:
    assert mod.count() == 8
    made = again(mod)
    made.globals["counter"] = 100
    # One module for each content, as long as it is in use.
    assert again(mod) is made
    assert again(mod.count)() == 101
    assert mod.count() == 9
    made.close()
    assert again(mod).count() == 8


def test_functions_of_one_pickle_share_a_module_and_its_code(mod: armexec.Module) -> None:
    functions = again([mod.count, mod.middle, {"m": mod}])
    assert functions[0].module is functions[1].module is functions[2]["m"]
    assert len(pickle.dumps([mod.count, mod.middle, mod])) < len(pickle.dumps(mod.count)) + 300


def test_choices_of_a_function_are_kept(mod: armexec.Module) -> None:
    assert mod["text"].returning(str)() == again(mod["text"].returning(str))() == "guest"
    assert again(mod["text"].returning(bytes))() == b"guest"
    assert again(mod.sum.variadic("int", "int"))(2, 30, 4) == 34
    assert again(mod.count.with_signature("unsigned char ()")).signature == "unsigned char (void)"
    offset = mod.count.offset
    assert again(mod.at(offset + 4, "int()")).offset == offset + 4


def test_words_and_assembly_are_sent_too() -> None:
    double = armexec.function("ldr w1, [x1]\nadd w0, w0, w1\nret", "int(int, const int *)", name="double")
    made = again(double)
    assert (made.name, made.words) == ("double", double.words)
    assert made(4, [4]) == 8
    with pytest.raises(armexec.MemoryFault) as caught:
        made(4, None)
    assert caught.value.source == "<assembly>:1"
    assert again(armexec.function([0x8B010000, 0xD65F03C0], "long(long, long)"))(1, 2) == 3


@pytest.mark.parametrize("engine", AVAILABLE)
def test_engines_are_sent_as_they_were_given(engine: str) -> None:
    made = again(armexec.function("mov w0, #7; ret", "int()", engine=engine))
    assert (made.engine, made()) == (engine, 7)


def test_without_an_engine_the_receiver_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(armexec.function("mov w0, #7; ret", "int()"))
    monkeypatch.setattr("armexec.engines.default_engine", lambda: "reference")
    made = pickle.loads(data)
    assert (made.engine, made()) == ("reference", 7)


@pytest.mark.parametrize("target", ["linux", "apple", "bare"])
def test_targets(target: str) -> None:
    source = "struct pair { int a, b; }; int f(struct pair *p) {\n  return p->a - p->b; }"
    made = again(armexec.compile(source, "c", target=target, filename="pair.c").f)
    assert made(made.module.types["pair"](9, 4)) == 5
    with pytest.raises(armexec.MemoryFault) as caught:
        made(None)
    assert caught.value.source == "pair.c:2"


def test_limits_are_sent() -> None:
    forever = armexec.function("b .", "int()", engine="translated", instruction_limit=1000)
    with pytest.raises(armexec.InstructionLimitExceeded):
        again(forever)()


def test_files_are_sent_as_paths_of_the_receiver(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    function = armexec.function("mov w0, #7; ret", "int()", files={"/data": str(folder)})
    data = pickle.dumps(function)
    assert pickle.loads(data)() == 7
    pickle.loads(data).module.close()
    folder.rmdir()
    with pytest.raises(armexec.LoadError, match="/data"):
        pickle.loads(data)


@pytest.mark.skipif("translated" not in AVAILABLE, reason="sandboxes are translated")
def test_a_sandbox_is_made_again() -> None:
    made = again(armexec.function("ldr w0, [x0]; ret", "int(const int *)", sandbox=True))
    assert made.sandbox is not None
    assert made([5]) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="worker processes are confined on Linux")
@needs_processes
def test_isolated_modules_get_a_worker_of_their_own() -> None:
    half = armexec.function("asr w0, w0, #1; ret", "int(int)", isolate="process", engine="translated")
    made = again(half)
    assert made.module.worker.pid != half.module.worker.pid
    assert made(9) == half(9) == 4
    made.module.close()


def test_imports_are_sent_with_the_module() -> None:
    inner = armexec.function("add w0, w0, #1; ret", "int(int)", name="inner")
    other = armexec.compile("int two(void) { return 2; }", "c")
    outer = armexec.function(
        "stp x29, x30, [sp, #-16]!; bl inner; bl third; ldp x29, x30, [sp], #16; ret",
        "int(int)",
        imports={"inner": inner, "third": armexec.callback(triple, "int(int)")},
    )
    assert outer(4) == again(outer)(4) == 15
    user = armexec.function("b two", "int()", imports={"two": other})
    assert again(user)() == 2


def test_a_symbol_that_is_missing_is_missing_there_too() -> None:
    mod = armexec.compile("extern int gone(void); int call(void) { return gone(); }", "c")
    made = again(mod)
    assert made.missing == mod.missing == {"gone": ["call"]}
    with pytest.raises(armexec.UndefinedSymbol, match="gone"):
        made.call()


def test_replaced_functions_stay_replaced() -> None:
    source = "int one(int x) { return x + 1; } int two(int x) { return x + 2; } int call(int x) { return one(x); }"
    mod = armexec.compile(source, "c")
    mod.replace("one", mod.two)
    assert again(mod).call(5) == 7
    mod.replace("one", triple)
    assert again(mod).call(5) == 15
    mod.replace("one", None)
    assert again(mod).call(5) == 6


def test_values_of_structs_and_enums(mod: armexec.Module) -> None:
    point, color = mod.types["point"], mod.types["color"]
    value = point(1, 2)
    assert again(value) == value
    assert again(point) is point
    assert type(again([value, point])[0]) is point
    assert again(color) is color
    assert again(color.GREEN) is color.GREEN
    assert mod.middle(again(value), again(value)) == value
    node = mod.types["node"]
    assert again(node(4, 0)).value == 4


@given(st.binary(min_size=16, max_size=16))
def test_every_byte_of_a_value_comes_back(data: bytes) -> None:
    point = _point()
    # NaNs too, whatever their bits.
    assert bytes(again(point.from_bytes(data))) == data


@functools.cache
def _point() -> Any:
    return armexec.compile("typedef struct { double x, y; } point; point p;", "c").types["point"]


def test_copies_are_the_same(mod: armexec.Module) -> None:
    assert copy.copy(mod) is copy.deepcopy(mod) is mod
    assert copy.copy(mod.count) is copy.deepcopy(mod.count) is mod.count


# What can't be sent


def test_a_closed_module() -> None:
    function = armexec.function("ret", "void()")
    function.module.close()
    for value in (function, function.module):
        with pytest.raises(armexec.Error, match="closed, and can't be pickled"):
            pickle.dumps(value)


def test_an_address_of_this_process() -> None:
    function = armexec.function("b elsewhere", "int()", imports={"elsewhere": 0x1000})
    with pytest.raises(armexec.Error, match="import 'elsewhere' is an address of this process"):
        pickle.dumps(function)


def test_a_function_that_pickle_does_not_find() -> None:
    given = armexec.callback(lambda x: x, "int(int)")
    function = armexec.function("b elsewhere", "int(int)", imports={"elsewhere": given})
    with pytest.raises(armexec.Error, match=r"(?s)import 'elsewhere'.*define it with `def`.*cloudpickle"):
        pickle.dumps(function)
    replaced = armexec.compile("int one(int x) { return x; }", "c")
    replaced.replace("one", lambda x: x)
    with pytest.raises(armexec.Error, match="replacement of the function at 0x0"):
        pickle.dumps(replaced)


def test_an_import_that_is_closed() -> None:
    inner = armexec.function("ret", "void()")
    outer = armexec.function("b inner", "void()", imports={"inner": inner})
    inner.module.close()
    with pytest.raises(armexec.Error, match=r"import 'inner'.*closed"):
        pickle.dumps(outer)


class _Holder:
    function: armexec.Function

    def __call__(self, x: int) -> int:
        return x


def test_an_import_that_refers_to_the_module() -> None:
    holder = _Holder()
    given = armexec.callback(holder, "int(int)")
    holder.function = armexec.function("b elsewhere", "int(int)", imports={"elsewhere": given})
    with pytest.raises(armexec.Error, match="refers to it"):
        pickle.dumps(holder.function)


# Damaged pickles


def test_a_truncated_pickle(mod: armexec.Module) -> None:
    data = pickle.dumps(mod.count)
    for size in range(0, len(data), 97):
        with pytest.raises((pickle.UnpicklingError, EOFError)):
            pickle.loads(data[:size])


def test_damaged_content(mod: armexec.Module) -> None:
    rebuild, (kind, format, name, code, links) = mod.__reduce__()
    for at in range(0, len(code), 61):
        damaged = code[:at] + bytes([code[at] ^ 1]) + code[at + 1 :]
        with pytest.raises(armexec.LoadError, match=r"all\.c: the pickle is damaged"):
            rebuild(kind, format, name, damaged, links)
    for damaged in (b"", links[:-1], links[:40], links + b"x", None):
        with pytest.raises(armexec.LoadError, match="damaged"):
            rebuild(kind, format, name, code, damaged)
    with pytest.raises(armexec.LoadError, match="same version on both sides"):
        rebuild(kind, format + 1, name, code, links)


def test_bytes_of_a_pickle_in_the_wrong_place(mod: armexec.Module) -> None:
    rebuild, (kind, format, name, code, links) = mod.__reduce__()
    with pytest.raises(armexec.LoadError, match="can't be read"):
        rebuild(kind, format, name, links, links)
    with pytest.raises(armexec.LoadError, match="can't be read"):
        rebuild(kind, format, name, code, code)
