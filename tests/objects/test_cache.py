"""Prototypes and names that an earlier process read from the same object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from armexec.objects import CType, Image, Prototype, link, load_image
from armexec.objects.debug_info.dwarf import DebugInfo
from armexec.objects.names import source_names as names
from armexec.store import Store
from armexec.toolchain import compile_object

SOURCE = """
struct node { struct node *next, **all; int value; struct { unsigned small : 3, rest : 29; } bits; };
union word { int number; float real; char bytes[4]; };
enum color { red = -1, green };
typedef int (*compare)(const void *, const void *);
namespace ns {
struct node *next(node *n, const union word *w) { return w ? n->next : n; }
int sort(const int (&values)[4], compare how, ...) { return how(values, values + 1); }
}
template <class T> T twice(T value) { return value + value; }
template double twice(double);
_Float16 half(_Float16 h) { return h; }
bool is(enum color c, long long l, const char *s) { return c == red && l && s; }
void nothing() {}
"""
EXTRA = "extern int outside(long); int inside(short s) { return outside(s); }"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("ARMEXEC_CACHE", raising=False)
    names.source_name.cache_clear()
    names._LEARNED.clear()
    yield tmp_path
    names._LEARNED.clear()


def everything(type: CType, seen: set[int]) -> Any:
    """All of a type that can be told from outside, also what comparison leaves out."""
    if id(type) in seen:
        return str(type)
    seen.add(id(type))
    fields = [(f.name, f.offset, f.bit_size, f.bit_offset, everything(f.type, seen)) for f in type.fields or ()]
    target = everything(type.target, seen) if type.target is not None else None
    parameters = [everything(p, seen) for p in type.parameters]
    return str(type), type.kind, type.size, type.align, type.signed, type.count, fields, target, parameters


def described(prototype: Prototype | None) -> Any:
    if prototype is None:
        return None
    types = [prototype.result, *(p.type for p in prototype.parameters)]
    return prototype, str(prototype), [everything(t, set()) for t in types]


def answers(image: Image) -> Any:
    return [(f.source_name, described(f.prototype)) for f in image.functions]


@cache
def compiled(target: str = "linux", text: str = SOURCE) -> bytes:
    return compile_object(text, target=target).data


def unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads debug information or demangles now fails."""

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(DebugInfo, "_ask", fail)
    monkeypatch.setattr("itanium_demangler.parse", fail)


@pytest.mark.parametrize("target", ["linux", "apple"])
def test_what_was_read_once_is_known(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = compiled(target)
    first = answers(load_image(data))
    assert sum(prototype is not None for _, prototype in first) >= 6
    assert "ns::next(node*, word const*)" in [name for name, _ in first]
    again = answers(load_image(data))  # writes what it still lacked
    names.source_name.cache_clear()
    names._LEARNED.clear()
    unreadable(monkeypatch)
    assert again == first
    assert answers(load_image(data)) == first


def test_objects_linked_together_are_known_wherever_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = compiled(), compiled(text=EXTRA)
    first = dict(answers(load_image(one)) + answers(load_image(two)))
    assert dict(answers(link([(two, "two.o"), (one, "one.o")]))) == first
    answers(load_image(one))
    declared = load_image(two).prototype("_Z7outsidel")
    names.source_name.cache_clear()
    unreadable(monkeypatch)
    assert dict(answers(link([(one, "one.o"), (two, "two.o")]))) == first
    assert load_image(two).prototype("_Z7outsidel") == declared


def entries(folder: Path) -> list[Path]:
    return [path for path in (folder / "prototypes").rglob("*") if path.is_file()]


def test_other_bytes_and_other_readers_know_nothing_of_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = compiled()
    answers(load_image(data))
    assert len(entries(folder)) == 1
    answers(load_image(data + b"\0"))
    assert len(entries(folder)) == 2
    monkeypatch.setattr("armexec.objects.cache.sources_identity", lambda *_: "another version")
    answers(load_image(data))
    assert len(entries(folder)) == 3


DAMAGED = [
    b"",
    b"{}",
    b"[]",
    b"[[],{},{}]",
    b'[[],{"_Z7nothingv at 0+0x0":{"":0}},{}]',
    b'[[[9]],{"x":{"":0}},{}]',
    b'[[[0]],{"x":{"":0}},{}]',
    b"[[[2,1]],{},{}]",
    b'[[[1,"a",null]],{"x":{"":0}},{}]',
    b'[[],{"x":3},{}]',
    b'[[],{},{"_Z7nothingv":3}]',
    b"[[],[],{}]",
    b"[" * 100_000,
    b"\xff\xfe",
    b"1e999",
]


@pytest.mark.parametrize("entry", DAMAGED)
def test_an_entry_that_makes_no_sense_is_made_again(entry: bytes, folder: Path) -> None:
    data = compiled()
    right = answers(load_image(data))
    key = "".join(entries(folder)[0].relative_to(folder / "prototypes").parts)
    Store("prototypes").put(key, entry)
    names.source_name.cache_clear()
    names._LEARNED.clear()
    assert answers(load_image(data)) == right
    kept = Store("prototypes").get(key)
    assert kept is not None
    assert len(json.loads(kept)) == 3


def test_malformed_debug_information_is_an_error_each_time() -> None:
    data = compiled(text="int f(int x) { return x; }")
    image = load_image(data)
    broken = image.parts[0]
    assert broken.debug is not None

    def fail(_placed: object) -> DebugInfo:
        return DebugInfo("broken.o", {"debug_info": b"\1" * 40, "debug_abbrev": b"\1" * 40})

    object.__setattr__(broken, "debug", fail)
    for _ in range(2):
        with pytest.raises(Exception, match=r"broken.o: malformed"):
            _ = image.functions[0].prototype


def test_nothing_is_kept_where_the_cache_is_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_CACHE", "off")
    assert answers(load_image(compiled()))
    assert not (folder / "prototypes").exists()


def test_names_without_c_plus_plus_are_asked_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Store, key: str) -> bytes | None:
        raise AssertionError(key)

    plain = load_image(compile_object("int plain(int x) { return x; }", language="c").data, "plain.o")
    mangled = load_image(compile_object("int mangled(int x) { return x; }").data, "mangled.o")
    monkeypatch.setattr(Store, "get", refuse)
    assert [function.name for function in plain.functions] == ["plain"]
    with pytest.raises(AssertionError):
        _ = mangled.functions
