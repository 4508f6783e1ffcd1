"""Ufuncs in pickles."""

from __future__ import annotations

import pickle
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tests.pickling.test_processes import load

import armexec
from engines import needs_processes


@pytest.fixture(scope="module")
def add() -> armexec.Function:
    return armexec.function("add x0, x0, x1; ret", "long(long, long)", name="added")


def test_a_ufunc_comes_back_as_one(add: armexec.Function) -> None:
    made = pickle.loads(pickle.dumps(add.ufunc))
    assert type(made) is np.ufunc
    assert made([1, 2], 3).tolist() == [4, 5]
    assert made.reduce([1, 2, 3]) == 6
    assert pickle.loads(pickle.dumps(made)) is made


def test_a_generalized_ufunc_comes_back_as_one() -> None:
    source = "long dot(const long *a, const long *b, long n) { long s = 0; while (n--) s += a[n] * b[n]; return s; }"
    dot = armexec.compile(source, "c", "-O1").dot.gufunc("(n),(n)->()")
    made = pickle.loads(pickle.dumps(dot))
    assert made.signature == "(n),(n)->()"
    assert made([[1, 2], [3, 4]], [5, 6]).tolist() == dot([[1, 2], [3, 4]], [5, 6]).tolist() == [17, 39]


def test_other_ufuncs_are_sent_as_numpy_does_it(add: armexec.Function) -> None:
    assert add.ufunc(1, 2) == 3
    assert pickle.loads(pickle.dumps(np.add)) is np.add
    cloudpickle = pytest.importorskip("cloudpickle")
    assert cloudpickle.loads(cloudpickle.dumps(np.hypot)) is np.hypot


@needs_processes
def test_in_another_process(add: armexec.Function, tmp_path: Path) -> None:
    ufunc = add.ufunc
    values = [pickle.dumps([ufunc, np.add])]
    if find_spec("cloudpickle") is not None:
        import cloudpickle

        values.append(cloudpickle.dumps(lambda n: ufunc(np.arange(n), 1).tolist()))
    path = tmp_path / "pickle"
    path.write_bytes(pickle.dumps(values))
    first = "pickle.loads(value[0])[0]([1, 2], 3).tolist(), pickle.loads(value[0])[1]"
    shown = load(path, f"{first}, [pickle.loads(data)(3) for data in value[1:]]")
    assert shown == f"([4, 5], <ufunc 'add'>, {[[1, 2, 3]] * (len(values) - 1)})"
