"""Pickles in other processes, started in every way, by plain pickle and cloudpickle, and other versions of Python."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from tests.pickling.functions import address, apply, triple

import armexec
from armexec.store import Store
from armexec.toolchain import wheel_compiler
from engines import AVAILABLE, needs_processes

pytestmark = needs_processes
METHODS = [method for method in multiprocessing.get_all_start_methods() if method != "forkserver"]


def load(path: Path, expression: str, python: str = sys.executable, **variables: str) -> str:
    """What another process prints of an expression of `value`, which a file has as a pickle."""
    program = f"import pickle; value = pickle.load(open({str(path)!r}, 'rb')); print(({expression}))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | variables
    done = subprocess.run([python, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_fresh_process(mod: armexec.Module, tmp_path: Path) -> None:
    path = tmp_path / "pickle"
    path.write_bytes(pickle.dumps([mod.middle, mod.count, mod.types["point"](1, 2), mod.types["color"].GREEN]))
    shown = load(path, "value[0](value[2], (3, 4)), value[1](), value[3]")
    assert shown == "(point(x=2.0, y=3.0), 8, <color.GREEN: 5>)"


def test_protocols(mod: armexec.Module) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(mod.count, protocol)).name == "count"


@pytest.mark.slow
@pytest.mark.skipif("translated" not in AVAILABLE, reason="nothing is translated here")
def test_a_worker_translates_nothing_that_was_translated_before(tmp_path: Path) -> None:
    function = armexec.function("mul w0, w0, w0; add w0, w0, #77; ret", "int(int)", engine="translated:O2")
    path = tmp_path / "pickle"
    path.write_bytes(pickle.dumps(function))
    cache = tmp_path / "cache"
    store = Store("translations", root=cache)

    def entries(expression: str) -> int:
        load(path, expression, ARMEXEC_CACHE_DIR=str(cache))
        return store.contents().entries

    first = entries("value(3)")
    assert first > 0
    # One call only: after a second one there may be a faster call, which is kept too.
    assert entries("value(4)") == first
    # Other code is another entry.
    assert entries("__import__('armexec').function('mov w0, #3; ret', 'int()', engine='translated:O2')()") > first


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_pools(method: str, mod: armexec.Module) -> None:
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        halves = pool.starmap(mod.middle, [((0, 0), (n, 2 * n)) for n in range(8)])
        assert [(half.x, half.y) for half in halves] == [(n / 2, n) for n in range(8)]
        assert pool.apply(apply, (partial(mod.apply, triple), 5)) == 16
        with pytest.raises(armexec.MemoryFault, match="can't read memory at 0x0"):
            pool.apply(mod["load"], (None,))


@pytest.mark.slow
def test_executors_load_it_once_a_process(mod: armexec.Module) -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        assert list(executor.map(mod.sum, [2] * 3, [1, 2, 3], [10, 20, 30])) == [11, 22, 33]
        # Where nothing else refers to it between two tasks, it is still there.
        assert len({executor.submit(address, mod.sum).result() for _ in range(3)}) == 1


@pytest.mark.slow
def test_cloudpickle(mod: armexec.Module, tmp_path: Path) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    point, color = mod.types["point"], mod.types["color"]
    elsewhere = armexec.function(
        "b elsewhere", "int(int)", imports={"elsewhere": armexec.callback(lambda x: 5 * x, "int(int)")}
    )
    path = tmp_path / "pickle"

    def work(x: float) -> object:
        value = mod.middle(point(x, 0), point(0, x))
        return type(value) is point, value, color.RED, elsewhere(4)

    path.write_bytes(cloudpickle.dumps(work))
    assert load(path, "value(3)") == "(True, point(x=1.5, y=1.5), <color.RED: 0>, 20)"
    assert cloudpickle.loads(cloudpickle.dumps(point)) is point


@pytest.mark.slow
@pytest.mark.skipif(wheel_compiler() is None, reason="the C library comes out of the ziglang package")
@pytest.mark.skipif("translated" not in AVAILABLE, reason="there is no C library")
def test_the_c_library_comes_along(tmp_path: Path) -> None:
    source = '#include <stdio.h>\nstatic int n; int say(int x) { return printf("said %d %d\\n", x, ++n); }'
    path = tmp_path / "pickle"
    path.write_bytes(pickle.dumps(armexec.compile(source, "c").say))
    # Without the compiler that would build it.
    hidden = tmp_path / "hidden"
    (hidden / "ziglang").mkdir(parents=True)
    (hidden / "ziglang" / "__init__.py").write_text("raise ImportError\n")
    shown = load(path, "[value(4), value(5)]", PYTHONPATH=os.pathsep.join([str(hidden), *sys.path]))
    assert shown.split("\n") == ["said 4 1", "said 5 2", "[9, 9]"]


@pytest.mark.slow
@pytest.mark.skipif(wheel_compiler() is None, reason="ziglang's linker makes the libraries")
def test_shared_libraries_come_with_those_that_they_need(tmp_path: Path) -> None:
    from tests.objects.dynamic.libraries import shared

    shared(tmp_path, "libinner.so", "int inner(int x) { return x + 1; }")
    outer = "extern int inner(int); static __thread int n; int outer(int x) { n += 10; return inner(x) + n; }"
    made = shared(tmp_path, "libouter.so", outer, "-g", "libinner.so")
    mod = armexec.load(made, search=[tmp_path], engine="translated")
    path = tmp_path / "pickle"
    path.write_bytes(pickle.dumps(mod))
    for library in tmp_path.glob("*.so"):
        library.unlink()
    assert load(path, "value.outer(4), value.outer(4), value.outer.signature") == "(15, 25, 'int outer(int x)')"


@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_other_versions_of_python(version: str, mod: armexec.Module, tmp_path: Path) -> None:
    python = os.environ.get(f"PYTHON{version.replace('.', '_')}") or shutil.which(f"python{version}")
    if python is None or sys.version_info[:2] == tuple(map(int, version.split("."))):
        pytest.skip(f"there is no other Python {version} (PYTHON{version.replace('.', '_')})")
    source = str(Path(armexec.__file__).parent.parent)
    check = "import armexec.engines.translated, elftools"
    ready = subprocess.run(
        [python, "-c", check], env=os.environ | {"PYTHONPATH": source}, capture_output=True, check=False
    )
    if ready.returncode:
        pytest.skip(f"{python} hasn't what armexec needs")
    path = tmp_path / "pickle"
    path.write_bytes(pickle.dumps([mod.middle, mod.types["point"](1, 2), mod.types["color"].RED]))
    shown = load(path, "value[0](value[1], (3, 4)), value[2]", python, PYTHONPATH=source)
    assert shown == "(point(x=2.0, y=3.0), <color.RED: 0>)"
