"""The map file for perf: a line for each host function, with the names of the guest's."""

from __future__ import annotations

import io
import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from elftools.elf.elffile import ELFFile

import armexec
from armexec.errors import HostError
from armexec.memory import Protection, process_map
from armexec.translate.codegen import link
from armexec.translate.observe import perf_map

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="perf is Linux's")

SOURCE = """
int twice(int n) { return 2 * n; }
__attribute__((noinline)) int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
typedef int (*Function)(int);
extern "C" int call(Function function, int n) { return function(n); }
"""


class Line(NamedTuple):
    start: int
    size: int
    name: str


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "perf-1.map"
    monkeypatch.setattr(perf_map, "path", lambda: path)
    return path


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The objects that are linked from now on."""
    linked: list[bytes] = []
    original = link.HostCode.__init__

    def init(self: link.HostCode, data: bytes, *arguments: Any) -> None:
        linked.append(data)
        original(self, data, *arguments)

    monkeypatch.setattr(link.HostCode, "__init__", init)
    return linked


def _lines(file: Path) -> list[Line]:
    found = []
    for text in file.read_text().splitlines():
        match = re.fullmatch(r"([0-9a-f]+) ([0-9a-f]+) (\S.*)", text)
        assert match, text
        found.append(Line(int(match[1], 16), int(match[2], 16), match[3]))
    return found


def _module() -> armexec.Module:
    return armexec.compile(SOURCE, opt="-O1", engine="translated:O2")


def test_nothing_is_written_unless_asked_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, "", "0"):
        if value is not None:
            monkeypatch.setenv("ARMEXEC_PERF", value)
        assert _module().fib(10) == 55
    assert not file.exists()


def test_lines_have_the_names_places_and_sizes_of_all_functions(
    file: Path, objects: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARMEXEC_PERF", "1")
    mod = _module()
    assert mod.fib(10) == 55
    # Through the state structure, by the dispatcher.
    assert mod.call(mod.fib.address, 10) == 55
    lines = _lines(file)
    names = [line.name for line in lines]
    assert {"guest:fib(int)", "guest:fib(int) [entry]", "guest:fib(int) [state]", "guest:call [entry]"} <= set(names)
    assert "armexec:dispatch" in names
    sizes = []
    for data in objects:
        elf = ELFFile(io.BytesIO(data))
        table = elf.get_section_by_name(".symtab")
        sizes += [s["st_size"] for s in table.iter_symbols() if s["st_info"]["type"] == "STT_FUNC"]
    assert sorted(line.size for line in lines) == sorted(sizes)
    code = [entry for entry in process_map() if entry.protection & Protection.EXECUTE]
    for line in lines:
        assert any(entry.start <= line.start and line.start + line.size <= entry.end for entry in code)
    lines.sort()
    for line, following in pairwise(lines):
        assert line.start + line.size <= following.start


def test_what_comes_from_the_cache_has_names_too(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ARMEXEC_PERF", "1")
    for _ in range(2):
        assert _module().twice(4) == 8
    assert [line.name for line in _lines(file)].count("guest:twice(int) [entry]") == 2


def test_a_file_that_cannot_be_written_is_an_error(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_PERF", "1")
    file.symlink_to(file.parent / "elsewhere")
    with pytest.raises(HostError, match=r"ARMEXEC_PERF: .*perf-1\.map can't be written"):
        _module().twice(4)
