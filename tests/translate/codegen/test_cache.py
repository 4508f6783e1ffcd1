"""Translations on disk: when they are found, when they aren't, and that what is found is right."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import armexec
from armexec.engines.translated import LoadedTranslatedImage, TranslatedEngine
from armexec.errors import IllegalInstruction, MemoryFault
from armexec.memory import writable_and_executable
from armexec.objects import Image, Parameter, Prototype, load_image
from armexec.objects.layout import Section, SectionSymbol
from armexec.store import Store
from armexec.toolchain import compile_object
from armexec.translate.codegen import cache as kept
from armexec.translate.codegen.llvm import compiled_modules
from armexec.translate.compiled_unit import pack, unpack

from ..guest import FIB, LONG, TWICE, load

PROGRAM = f"""{FIB}{TWICE}
    here: adr x0, here
         ret
    """
RESULTS = {"fib": 55, "twice": 110}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache is empty when a test begins."""
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("ARMEXEC_CACHE", raising=False)
    return tmp_path


def _function(image: LoadedTranslatedImage, offset: int, count: int = 1) -> Callable[..., Any]:
    return image.bind(offset, Prototype("f", LONG, tuple(Parameter("", LONG) for _ in range(count))))


def _run(*names: str, tier: str = "O1", limit: int | None = None) -> int:
    """Call functions of the program in a fresh image; how many modules that compiled."""
    before = compiled_modules()
    image, labels = load(PROGRAM, tier=tier, limit=limit)
    for name in names:
        assert _function(image, labels[name])(10) == RESULTS[name]
    return compiled_modules() - before


def _files(folder: Path) -> list[Path]:
    return [path for path in (folder / "translations").rglob("*") if path.is_file()]


SCRIPT = f"""
import sys
import armexec
from armexec.translate.codegen.llvm import compiled_modules
twice = armexec.function({PROGRAM!r}, "long(long)")
assert twice(10) == 55
print(compiled_modules(), *(name for name in sys.modules if name.startswith("armexec.translate.")))
"""


def _process() -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_second_process_translates_nothing() -> None:
    counts, modules = [], []
    for _ in range(2):
        out, err = _process().communicate(timeout=120)
        assert not err
        count, *names = out.split()
        counts.append(int(count))
        modules.append(set(names))
    assert counts[0] > 0
    assert counts[1] == 0
    parts = {f"armexec.translate.{name}" for name in ("cfg.discovery", "ir.lift", "ir.function", "ir.unit")}
    assert parts <= modules[0]
    assert not parts & modules[1]


@pytest.mark.slow
def test_processes_at_the_same_time(folder: Path) -> None:
    running = [_process() for _ in range(6)]
    for process in running:
        out, err = process.communicate(timeout=240)
        assert not err
        assert out
    assert not [path for path in _files(folder) if path.name.startswith(".")]
    out, _ = _process().communicate(timeout=120)
    assert out.split()[0] == "0"


def test_what_is_the_same_is_found() -> None:
    assert _run("fib", "twice") > 0
    assert _run("fib", "twice") == 0


def test_a_unit_is_one_file(folder: Path) -> None:
    assert _run("fib", "twice") == len(_files(folder))


def test_a_function_in_many_circumstances() -> None:
    """There is a place for each, up to a number of them, and then the first one's is taken."""
    program = "\n".join(f"f{i}: add x0, x0, #{i}\n ret" for i in range(4))
    caller = "stp x29, x30, [sp, #-16]!\n" + "".join(f"bl f{i}\n" for i in range(4)) + "ldp x29, x30, [sp], #16\nret"

    def run(order: tuple[int, ...]) -> int:
        before = compiled_modules()
        image, labels = load(f"{program}\ncaller: {caller}", tier="O0", limit=2)
        for i in order:
            assert _function(image, labels[f"f{i}"])(1) == 1 + i
        assert _function(image, labels["caller"])(1) == 7
        return compiled_modules() - before

    orders = [order for count in range(3) for order in itertools.permutations(range(4), count)]
    for order in orders:
        run(order)
    assert run(orders[-1]) == 0


@pytest.mark.parametrize("limit", [None, 3, 7])
def test_the_order_of_calls_matters_only_once(limit: int | None) -> None:
    for order in (("fib", "twice"), ("twice", "fib"), ("twice", "twice", "fib", "fib")):
        _run(*order, limit=limit)
        assert _run(*order, limit=limit) == 0


def test_units_that_call_each_other_are_found_in_part() -> None:
    """What is translated after units from the cache calls these, and their flows are known again."""
    _run("fib", limit=4)
    assert _run("fib", "twice", limit=4) > 0
    assert _run("fib", "twice", limit=4) == 0


@pytest.mark.parametrize("change", [{"tier": "O2"}, {"limit": 5}, {"tier": "O0", "limit": 5}], ids=" ".join)
def test_how_it_is_translated_matters(change: dict[str, Any]) -> None:
    _run("twice")
    assert _run("twice", **change) > 0
    assert _run("twice", **change) == 0
    assert _run("twice") == 0


@pytest.mark.parametrize("what", ["translator_identity", "host_identity"])
def test_the_versions_and_the_processor_matter(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _run("twice")
    original = getattr(kept, what)()
    changed = original + "x" if isinstance(original, str) else (*original[:-1], original[-1] + ",+other")
    kept._common.cache_clear()
    monkeypatch.setattr(kept, what, lambda: changed)
    try:
        assert _run("twice") > 0
    finally:
        monkeypatch.undo()
        kept._common.cache_clear()


def _image(code: str, constant: bytes = bytes(8), variable: bytes = bytes(8)) -> Image:
    text = armexec.assemble(code).bytes
    sections = [
        Section(".text", text, "rx", 4, 0),
        Section(".rodata", constant, "r", 8, 0),
        Section(".data", variable, "rw", 8, 0),
    ]
    return Image.from_code("guest", sections, [SectionSymbol("f", 0, 0, len(text), "function", "global")])


def _compiled(image: Image, prototype: Prototype | None = None, offset: int = 0) -> int:
    before = compiled_modules()
    loaded = TranslatedEngine("O1").load(image, lambda _: None)
    loaded.bind(offset, prototype or Prototype("f", LONG, ()))
    return compiled_modules() - before


def test_code_and_constants_matter_but_variables_do_not() -> None:
    first = "mov x0, #1\nret\nmov x0, #1\nret"
    assert _compiled(_image(first)) == 1
    assert _compiled(_image(first)) == 0
    assert _compiled(_image(first, variable=b"12345678")) == 0
    assert _compiled(_image(first, constant=b"12345678")) == 1
    assert _compiled(_image("mov x0, #2\nret\nmov x0, #1\nret")) == 1
    # Also when what differs isn't reached: it could be read as a jump table.
    assert _compiled(_image("mov x0, #1\nret\nmov x0, #2\nret")) == 1


def test_what_is_asked_for_matters() -> None:
    image = _image("mov x0, #1\nret\nmov x0, #1\nret")
    assert _compiled(image) == 1
    assert _compiled(image, offset=8) == 1
    assert _compiled(image, Prototype("f", LONG, (Parameter("", LONG),))) == 1
    assert _compiled(image, Prototype("f", LONG, (Parameter("", LONG),))) == 0


def test_two_images_of_the_same_code_at_different_addresses() -> None:
    images = [load(PROGRAM, tier="O1") for _ in range(3)]
    before = compiled_modules()
    for image, labels in images:
        assert _function(image, labels["here"], 0)() == image.base + labels["here"]
        assert _function(image, labels["twice"])(10) == 110
    assert len({image.base for image, _ in images}) == 3
    first = compiled_modules() - before
    image, labels = load(PROGRAM, tier="O1")
    assert _function(image, labels["here"], 0)() == image.base + labels["here"]
    assert compiled_modules() - before == first


ABSOLUTE = """
    .globl f
    .type f, %function
f:  movz x0, #:abs_g0_nc:f
    movk x0, #:abs_g1_nc:f
    movk x0, #:abs_g2_nc:f
    movk x0, #:abs_g3:f
    ret
    .globl pool
    .type pool, %function
pool: ldr x0, =f
    ret
"""


def test_instructions_that_hold_the_address_are_translated_for_each() -> None:
    image = load_image(compile_object(ABSOLUTE, language="assembler", target="linux", debug=False).data)
    f, pool = (image.find(name).offset for name in ("f", "pool"))
    assert f is not None
    assert pool is not None
    compiled = []
    for _ in range(3):
        loaded = TranslatedEngine("O1").load(image, lambda _: None)
        before = compiled_modules()
        assert _function(loaded, f, 0)() & (1 << 64) - 1 == loaded.base + f
        middle = compiled_modules()
        # A constant beside the code is read when the code runs.
        assert _function(loaded, pool, 0)() == loaded.base + f
        compiled.append((middle - before, compiled_modules() - middle))
    assert compiled == [(1, 1), (1, 0), (1, 0)]


SWITCH = """
long f(long n) {
  switch (n) {
    case 0: return 5; case 1: return 17; case 2: return 1; case 3: return 99; case 4: return -4; case 5: return 7;
    case 6: return 23; case 7: return 1234; case 8: return 0; default: return -1;
  }
}
"""


def test_jump_tables() -> None:
    data = compile_object(SWITCH, language="c", target="linux", opt="-O2").data
    for _ in range(2):
        image = load_image(data)
        offset = image.find("f").offset
        assert offset is not None
        f = _function(TranslatedEngine("O1").load(image, lambda _: None), offset)
        assert [f(n) for n in range(10)] == [5, 17, 1, 99, -4, 7, 23, 1234, 0, -1]


def test_a_fault_in_code_from_the_cache_has_its_exact_place() -> None:
    text = "f: mov x1, #1\nadd x1, x1, x0\nnop\nldr x0, [x1, #8]\nadd x0, x0, #1\nldr x0, [x0]\nret"
    for _ in range(2):
        before = compiled_modules()
        image, labels = load(text)
        f = _function(image, labels["f"])
        compiled = compiled_modules() - before
        with pytest.raises(MemoryFault) as caught:
            f(-1)
        assert caught.value.pc == image.base + 12
        assert caught.value.address == 8
    assert compiled == 0


def test_what_undefined_instructions_say_is_kept() -> None:
    text = "f: nop\nudf #7\nret"
    said = []
    for _ in range(2):
        image, labels = load(text)
        with pytest.raises(IllegalInstruction) as caught:
            _function(image, labels["f"], 0)()
        assert caught.value.pc == image.base + 4
        said.append(str(caught.value).replace(f"{image.base + 4:#x}", ""))
    assert said[0] == said[1]


def _damaged(path: Path, how: str) -> None:
    raw = path.read_bytes()
    if how == "truncated":
        path.write_bytes(raw[: len(raw) // 2])
    elif how == "flipped":
        path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    elif how == "emptied":
        path.write_bytes(b"")


@pytest.mark.parametrize("how", ["truncated", "flipped", "emptied"])
def test_a_damaged_entry_is_made_again(how: str, folder: Path) -> None:
    assert _run("fib", "twice") > 0
    for path in _files(folder):
        _damaged(path, how)
    assert _run("fib", "twice") > 0
    assert _run("fib", "twice") == 0


def _replace(folder: Path, change: Callable[[bytes], bytes]) -> None:
    """Change entries as somebody would who knows how the store marks whole ones."""
    store = Store("translations", root=folder)
    for path in _files(folder):
        key = path.parent.name + path.name
        data = store.get(key)
        assert data is not None
        store.put(key, change(data))


def _without_object(data: bytes) -> bytes:
    record = unpack(data)
    return data if record is None else pack(record._replace(object=b"not an object"))


def _calls_nothing(data: bytes) -> bytes:
    record = unpack(data)
    return data if record is None else pack(record._replace(called=((4, True), (123456, False))))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: b"null\n",
        lambda data: b"[" * 100_000,
        lambda data: b'{"object": 3}\nabc',
        lambda data: b"[[1e400]]",
        lambda data: data[:-200] if unpack(data) is None else data.replace(b'"functions":[', b'"functions":[7,', 1),
        _without_object,
        _calls_nothing,
    ],
)
def test_a_foreign_entry_is_made_again(change: Callable[[bytes], bytes], folder: Path) -> None:
    _run("fib", "twice")
    _replace(folder, change)
    assert _run("fib", "twice") > 0
    assert _run("fib", "twice") == 0


def test_a_record_comes_back_as_it_was(folder: Path) -> None:
    _run("fib", "twice", limit=4)
    store = Store("translations", root=folder)
    records = [unpack(store.get(path.parent.name + path.name) or b"") for path in _files(folder)]
    found = [record for record in records if record is not None]
    assert found
    assert all(unpack(pack(record)) == record for record in found)
    assert any(function.entries for record in found for function in record.functions)


def test_the_size_is_limited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store("translations", limit=16 * 6000)
    monkeypatch.setattr(kept, "_store", lambda: store)
    for number in range(40):
        assert _compiled(_image(f"mov x0, #{number}\nret")) == 1
    assert sum(path.stat().st_size for path in _files(folder)) <= 16 * 6000


def test_switched_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_CACHE", "off")
    assert _run("fib") > 0
    assert _run("fib") > 0
    assert not _files(folder)


def test_a_folder_that_cannot_be_used_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").write_text("")
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(folder / "file"))
    assert _run("fib") > 0
    assert _run("fib") > 0


@pytest.mark.usefixtures("others_pages")
def test_no_page_is_ever_writable_and_executable() -> None:
    before = set(writable_and_executable())
    for _ in range(2):
        image, labels = load(PROGRAM, limit=4)
        assert set(writable_and_executable()) <= before
        function = _function(image, labels["twice"])
        assert set(writable_and_executable()) <= before
        assert function(10) == 110
        assert set(writable_and_executable()) <= before
        del image, function
        assert set(writable_and_executable()) <= before
