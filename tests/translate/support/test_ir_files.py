"""The IR files of translate/support: LLVM accepts them as they are put together, for each host."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from armexec.machines.traps import TrapKind
from armexec.translate import support
from armexec.translate.array_loops.python_loop import python_loop_text
from armexec.translate.codegen.aborts import guard_text
from armexec.translate.codegen.llvm import llvm
from armexec.translate.execute.fault_handler import handler_text
from armexec.translate.guest_state import OFFSETS
from armexec.translate.observe.sampler import sampler_text
from armexec.translate.python_calls import callback_ir
from armexec.translate.python_calls.c_thunk import CType, thunk_text
from armexec.translate.python_calls.call_types import CallTypes, Passed, Returned
from armexec.translate.python_calls.frame_ir import Frame
from armexec.translate.python_calls.vectorcall_ir import text
from armexec.translate.support import load as loading
from armexec.translate.support.host_frame_text import host_frame_text
from armexec.translate.support.load import load
from armexec.translate.support.runtime_ir import SHARED, core, declarations, dispatcher, resumption, runner, shared

FOLDER = Path(support.__file__).parent
FILES = sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.ll"))
HOSTS = [("x86_64", "linux"), ("aarch64", "linux"), ("arm64", "darwin"), ("riscv64", "linux")]


def _modules(machine: str, system: str) -> Iterator[str]:
    yield shared(machine) + handler_text(machine, system) + load("signals/interrupt")
    yield load("runtime/c_library") + host_frame_text(machine) + handler_text(machine, system)
    yield sampler_text(machine, system)
    yield f"{core()}{runner()}attributes #0 = {{ nounwind }}\n"
    unit = declarations() + dispatcher(table_size=7) + resumption(table_size=7)
    yield f"@image = external global i8, align 16\n{unit}"
    yield text(CallTypes((Passed(64, buffers=True),), Returned("void"), thread_pointer=True, serialized=True))
    yield text(CallTypes((), Returned("void"), Frame(256, 240, 0, (), (), ())))
    yield load("runtime/redirect", LOOKUP="lookup_slowly")
    yield guard_text()
    yield python_loop_text(machine)
    copies = load("arrays/copy", BITS=64, BYTES=8) + load("arrays/cores", BYTES=8) + load("arrays/core_room")
    yield f"{copies}attributes #0 = {{ nounwind }}\n"
    numbers = (
        Returned("float", 32),
        Returned("float", 64),
        Returned("signed", 8),
        Returned("unsigned", 64),
        Returned("bool", 8),
    )
    for thunk in (None, CType("float"), CType("i8", True)):
        yield thunk_text((CType("ptr"), CType("double")), thunk)
    for result in (None, Passed(32, is_float=True), Passed(64, is_float=True), Passed(8, -128, 127)):
        yield callback_ir.text(numbers, result)


@pytest.mark.parametrize(("machine", "system"), HOSTS)
def test_llvm_accepts_them(machine: str, system: str) -> None:
    for module in _modules(machine, system):
        with llvm().parse_assembly(module) as parsed:
            parsed.verify()


def test_each_is_part_of_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    read = set()
    source = loading._source

    def note(name: str) -> str:
        read.add(name)
        return source(name)

    monkeypatch.setattr(loading, "_source", note)
    for host in HOSTS:
        for module in _modules(*host):
            assert "$" not in module
    assert FILES
    assert sorted(read) == FILES


def test_the_shared_functions_are_defined() -> None:
    defined = set(re.findall(r"^define (?!internal)[^@]*@(\w+)\(", shared("x86_64"), re.MULTILINE))
    assert set(SHARED) <= defined
    declared = set(re.findall(r"^declare [^@]*@(\w+)\(", declarations() + resumption(table_size=1), re.MULTILINE))
    assert set(SHARED) <= declared


def test_placeholders_have_the_values_of_the_state() -> None:
    trap = load("runtime/trap", LINKAGE="internal", CLOCK_MONOTONIC=1)
    assert f"getelementptr i8, ptr %state, i64 {OFFSETS['trap_detail']}\n" in trap
    assert f"@trap(ptr %state, i32 {TrapKind.HOST_STACK.value}, " in load("runtime/find_code", FOUND_SIZE=1024)


def test_a_missing_and_an_unused_value_are_errors() -> None:
    with pytest.raises(LookupError, match=re.escape("unit/lookup.ll: there is no value for $TABLE")):
        load("unit/lookup", NAME="lookup", SLOWLY="lookup_slowly", TABLE_SIZE=1)
    with pytest.raises(LookupError, match=re.escape("unit/resume.ll: nothing uses $SIZE, $TABLE")):
        load("unit/resume", TABLE="table", SIZE=1)


def test_they_are_read_from_an_archive(tmp_path: Path) -> None:
    package = FOLDER.parents[1]
    archive = tmp_path / "armexec.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in package.rglob("*"):
            if path.suffix in (".py", ".ll"):
                file.write(path, path.relative_to(package.parent))
    program = "from armexec.translate.support.load import load; print(load('unit/declarations'))"
    isolated = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(archive)!r}); {program}"]
    there = subprocess.run(isolated, capture_output=True, text=True, check=True).stdout
    assert there == load("unit/declarations") + "\n"


def test_support_imports_nothing_above_the_state() -> None:
    found = set()
    for path in FOLDER.rglob("*.py"):
        found |= set(re.findall(r"^ *from (armexec\.translate\.[\w.]+) import", path.read_text(), re.MULTILINE))
    others = {name for name in found if not name.startswith("armexec.translate.support.")}
    assert others == {"armexec.translate.guest_state"}
