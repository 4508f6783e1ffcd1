"""ARMEXEC_DUMP: the stages of translations as files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import armexec
from armexec.translate.codegen.llvm import host_machine, llvm
from armexec.translate.execute.tier_up import OnStackReplacement
from armexec.translate.mode import SPECULATIVE
from armexec.translate.observe import dump
from armexec.translate.policy import Policy
from armexec.translate.tiers import wait
from armexec.translate.unit_registry import Argument, Shape

from ..guest import load

SOURCE = """
long twice(long n) { return 2 * n; }
long sum(long n) {
    long total = 0;
    for (long i = 1; i <= n; i++)
        total += i % 7;
    return total;
}
"""


@pytest.fixture(autouse=True)
def _fresh_names() -> Iterator[None]:
    dump._written.clear()
    yield
    dump._written.clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where dumps go; the cache is empty, and everything is asked for."""
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("ARMEXEC_CACHE", raising=False)
    monkeypatch.setenv("ARMEXEC_DUMP", "cfg,ir,opt,asm")
    monkeypatch.setenv("ARMEXEC_DUMP_DIR", str(tmp_path / "dump"))
    return tmp_path / "dump"


def _module(engine: str = "translated:O2") -> armexec.Module:
    return armexec.compile(SOURCE, language="c", opt="-O1", target="linux", engine=engine)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_stages(folder: Path) -> None:
    module = _module()
    assert module.sum(10) == sum(i % 7 for i in range(1, 11))
    offset = module.sum.offset
    stem = f"sum.x{offset:x}.speculative.O2"
    assert _names(folder) == [f"{stem}.{end}" for end in ("asm.s", "cfg.dot", "cfg.txt", "ir.ll", "opt.ll")]
    title = f"sum at {offset:#x}: speculative, O2"
    texts = {path.name.removeprefix(f"{stem}."): path.read_text() for path in folder.iterdir()}
    assert all(title in text for text in texts.values())
    instructions = [line.split("  ")[-1].partition(" ")[0] for line in module.sum.disassembly.splitlines()[1:]]
    shown = re.findall(r"^    0x[0-9a-f]+: (\S+)", texts["cfg.txt"], re.MULTILINE)
    assert shown == instructions
    assert re.search(
        rf"^function sum \({offset:#x}\), {len(instructions)} instructions$", texts["cfg.txt"], re.MULTILINE
    )
    assert texts["cfg.dot"].count("->") >= 3
    assert texts["cfg.dot"].startswith("digraph {\n")
    for name in ("ir.ll", "opt.ll"):
        with llvm().parse_assembly(texts[name]) as parsed:
            parsed.verify()
            assert not parsed.get_function(f"entry{offset:x}").is_declaration
    assert re.search(r"^;@[0-9a-f]+ add x\d+, x\d+, ", texts["ir.ll"], re.MULTILINE)
    assert "alloca i64" in texts["ir.ll"]
    assert "alloca i64" not in texts["opt.ll"]
    comment = "#" if host_machine() == "x86_64" else "//"
    assert re.search(rf"^{comment} 0x[0-9a-f]+: add x\d+, x\d+, ", texts["asm.s"], re.MULTILINE)
    assert ".cfi_" not in texts["asm.s"]
    assert "debug_" not in texts["asm.s"]


def test_some_stages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_DUMP", " opt , cfg")
    assert _module().twice(4) == 8
    assert {name.split("O2.")[1] for name in _names(folder)} == {"cfg.dot", "cfg.txt", "opt.ll"}


def test_nothing_comes_from_the_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARMEXEC_DUMP")
    assert _module().twice(4) == 8
    assert not folder.exists()
    monkeypatch.setenv("ARMEXEC_DUMP", "ir")
    assert _module().twice(4) == 8
    first = _names(folder)
    assert len(first) == 1
    # Of another image, a file of its own.
    assert _module().twice(4) == 8
    assert _names(folder) == [first[0].replace(".ir", ".2.ir"), *first]


def test_each_tier_and_the_code_that_loops_go_on_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_DUMP", "ir")
    text = "f: mov x1, #0\nloop: add x1, x1, x0\nsubs x0, x0, #1\nb.ne loop\nmov x0, x1\nret"
    policy = Policy(max_optimized_at_once=0)
    image, labels = load(text, tier="auto", policy=policy)
    translator = image.translator
    translator.entry(image.base + labels["f"], Shape((Argument(0, 64),)))
    translator.state_function(image.base + labels["f"], SPECULATIVE)
    unit = next(unit for unit in translator.units if unit.has_loops)
    unit.running.value = 1
    OnStackReplacement(translator, unit, 0.1, SPECULATIVE).run(lambda: False)
    assert wait(60)
    kinds = {name.split(".")[3] for name in _names(folder)}
    assert kinds == {"first", "O2", "osr"}


def test_names_of_functions_that_files_cant_have(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_DUMP", "cfg")
    source = "namespace ns { long of(const char *a, long b) { return b; } }"
    module = armexec.compile(source, language="c++", target="linux", engine="translated:O1")
    assert module["ns::of(char const*, long)"](b"", 5) == 5
    assert {name.partition(".x")[0] for name in _names(folder)} == {"ns_of_char_const_long"}


def test_an_unknown_stage_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_DUMP", "ir,as")
    with pytest.raises(
        armexec.HostError, match="ARMEXEC_DUMP: there is no stage 'as': choose some of cfg, ir, opt, asm"
    ):
        _module()
    assert not folder.exists()


def test_a_folder_that_cant_be_made_is_an_error(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(armexec.HostError, match=r"ARMEXEC_DUMP: .* can't be written"):
        _module().twice(4)


def test_unset_nothing_of_it_is_imported(folder: Path) -> None:
    program = """
import sys, armexec
assert armexec.function("add x0, x0, #1; ret", "long(long)")(1) == 2
print(*sys.modules)
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARMEXEC_DUMP")}
    for extra, there in (({}, False), ({"ARMEXEC_DUMP": "all"}, True)):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment | extra,
            capture_output=True,
            text=True,
            check=True,
            cwd=folder.parent,
        )
        assert ("armexec.translate.observe.dump" in done.stdout.split()) is there
        # By default, in the folder where one is.
        assert (folder.parent / "armexec-dump").exists() is there
