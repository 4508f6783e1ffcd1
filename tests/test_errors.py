"""Errors as exceptions: they cross processes, say what they say when it is asked for, and show the guest."""

from __future__ import annotations

import copy
import importlib
import inspect
import multiprocessing
import pickle
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import armexec
from armexec.errors import Diagnostic
from armexec.translate.codegen.llvm import compiled_modules
from samples import one_of

SOURCE = """
static long inner(long *p) { return *p; }
long outer(long *p) { return inner(p) + 1; }
long store(long *p) { *p = 1; return 0; }
long deep(long n) { volatile char b[4096]; b[0] = n; return deep(n + 1) + b[0]; }
void stop(void) { __builtin_trap(); }
"""
_VALUES: dict[str, Any] = {
    "message": "what it is",
    "pc": 0x1234,
    "address": 0x40,
    "access": "write",
    "size": 1 << 20,
    "symbol": "f+0x4",
    "source": "f.c:3",
    "instruction": "str x0, [x1]",
    "word": 0xD65F03C0,
    "encoding": "RET_64R_branch_reg",
    "reason": "none",
    "name": "missing",
    "diagnostics": (Diagnostic("f.c", 1, 2, "error", "wrong"),),
    "text": "all of it",
    "line": 3,
    "column": 5,
    "source_line": "mov x0,",
    "hint": "try this",
    "file": "f.s",
    "function": "f(int)",
    "violations": (),
}


def _kinds(kind: type[armexec.Error] = armexec.Error) -> Iterator[type[armexec.Error]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _all_kinds() -> list[type[armexec.Error]]:
    for module in pkgutil.walk_packages(armexec.__path__, "armexec."):
        if "__main__" not in module.name and not module.name.startswith(("armexec.bench", "armexec.cli")):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                # It may be a package of an extra, such as `mcp`.
                if (error.name or "armexec").startswith("armexec"):
                    raise
    return sorted({kind for kind in _kinds() if kind.__module__.startswith("armexec.")}, key=lambda kind: kind.__name__)


def _made(kind: type[armexec.Error]) -> armexec.Error:
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in list(inspect.signature(kind.__init__).parameters.values())[1:]:
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional.append("what it is")
        elif parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = _VALUES.get(parameter.name, parameter.default)
        elif parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            positional.append(_VALUES[parameter.name])
    return kind(*positional, **named)


def _alike(first: BaseException, second: BaseException) -> None:
    assert type(first) is type(second)
    assert str(first) == str(second)
    assert repr(first) == repr(second)
    assert first.args == second.args
    # Which call it was is known in its own process only.
    assert {name: value for name, value in vars(first).items() if name != "_again"} == vars(second)


def test_every_error_pickles_and_copies_with_all_its_fields() -> None:
    kinds = _all_kinds()
    assert {armexec.StackOverflow, armexec.AssemblyError, armexec.CompileError} <= set(kinds)
    for kind in kinds:
        error = _made(kind)
        error.add_note("a note")
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            _alike(error, pickle.loads(pickle.dumps(error, protocol)))
        _alike(error, copy.copy(error))
        _alike(error, copy.deepcopy(error))


def _module(engine: str) -> armexec.Module:
    return armexec.compile(SOURCE, language="c", opt="-O0", engine=engine, filename="guest.c")


def _fault(name: str, argument: int = 16, engine: str = "translated") -> armexec.Error:
    module = _module(engine)
    with pytest.raises(armexec.Error) as caught:
        module[name](*(() if name == "stop" else (argument,)))
    return caught.value


@pytest.mark.parametrize("engine", ["translated", "reference"])
@pytest.mark.parametrize("name", ["outer", "store", "stop"])
def test_what_is_found_later_pickles_too(name: str, engine: str) -> None:
    error = _fault(name, engine=engine)
    copied = pickle.loads(pickle.dumps(error))
    _alike(error, copied)
    assert "guest.c:" in str(copied)
    assert copied.source.startswith("guest.c:")


def test_an_unknown_function_pickles_without_its_module() -> None:
    module = _module("reference")
    with pytest.raises(AttributeError) as caught:
        module.none  # noqa: B018
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def _call_there(number: int) -> int:
    return int(_module("translated").outer(16 + number))


@pytest.mark.parametrize("kind", ["pool", "executor"])
def test_a_fault_crosses_processes(kind: str) -> None:
    context = multiprocessing.get_context("spawn")
    if kind == "pool":
        with context.Pool(1) as pool, pytest.raises(armexec.MemoryFault) as caught:
            pool.apply_async(_call_there, (8,)).get(timeout=60)
    else:
        with ProcessPoolExecutor(1, mp_context=context) as executor, pytest.raises(armexec.MemoryFault) as caught:
            executor.submit(_call_there, 8).result(timeout=60)
    error = caught.value
    assert (error.address, error.access, error.source) == (24, "read", "guest.c:2")
    assert error.symbol.partition("+")[0] == "inner"


def test_a_fault_that_nobody_looks_at_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what is called, and not by time."""
    # Those of other tests' images are looked at, too.
    monkeypatch.setattr("armexec.engines.guards._images", {})
    module = _module("translated:O0")
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    for function in (module.outer, module.store):
        for _ in range(2):
            with pytest.raises(armexec.MemoryFault):
                function(16)
        compiled = compiled_modules()
        calls = 0
        sys.setprofile(count)
        try:
            with pytest.raises(armexec.MemoryFault) as caught:
                function(16)
        finally:
            sys.setprofile(None)
        assert caught.value.address == 16
        # pytest's own included.
        assert calls < 100
        assert compiled_modules() == compiled
        # The line table is made when the place is asked for.
        assert caught.value.source.startswith("guest.c:")


def test_fields_that_are_not_there() -> None:
    error = _fault("outer")
    assert not hasattr(error, "nothing")
    with pytest.raises(AttributeError, match="MemoryFault"):
        error.nothing  # type: ignore[attr-defined]  # noqa: B018
    error = _fault("outer")
    error.args = ("another text",)
    assert str(error) == "another text"
    assert error.access == "read"  # type: ignore[attr-defined]


TEST = """
import armexec

def test_guest():
    module = armexec.compile({source!r}, language="c", opt="-O0", filename="guest.c", engine={engine!r})
    module.outer(16)
"""


@pytest.mark.parametrize("engine", one_of(2, ["translated", "reference"]))
def test_pytest_shows_the_guest_and_not_how_it_is_run(engine: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TEST.format(source=SOURCE, engine=engine))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert ">       module.outer(16)" in done.stdout
    (error,) = [line for line in done.stdout.splitlines() if line.startswith("E ") and "MemoryFault" in line]
    assert "can't read memory at 0x10" in error
    assert "(inner" in error
    assert "guest.c:2" in error
    assert "in a call of outer, guest.c:3" in done.stdout
    for ours in ("runtime.py", "module.py", "api.py", "reference.py", "faults.py", "<string>"):
        assert ours not in done.stdout


def test_functions_have_the_names_of_the_source() -> None:
    module = armexec.compile("namespace n { int load(const int *p, char) { return *p; } }", "c++", "-O1")
    with pytest.raises(armexec.MemoryFault) as caught:
        module["_ZN1n4loadEPKic"](0, 0)
    error = caught.value
    assert (error.symbol.partition("+")[0], error.function) == ("_ZN1n4loadEPKic", "n::load(int const*, char)")
    assert "(n::load(int const*, char)" in str(error)
    assert pickle.loads(pickle.dumps(error)).function == error.function
