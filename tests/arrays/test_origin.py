"""From a ufunc back to its function."""

from __future__ import annotations

import numpy as np
import pytest

import armexec
from armexec.arrays import origin
from engines import AVAILABLE


@pytest.mark.parametrize("engine", AVAILABLE)
def test_a_ufunc_is_numpys_and_knows_its_function(engine: str) -> None:
    function = armexec.function("fadd d0, d0, d1; ret", "double add(double a, double b)", engine=engine)
    ufunc = function.ufunc
    assert type(ufunc) is np.ufunc
    assert ufunc is function.ufunc
    assert origin(ufunc) == (function, None)
    assert ufunc.__name__ == function.name
    assert "double add(double a, double b)" in ufunc.__doc__
    assert ufunc.types == ["dd->d"]
    assert (ufunc.nin, ufunc.nout, ufunc.signature) == (2, 1, None)


def test_other_ufuncs_have_no_origin() -> None:
    assert origin(np.add) is None
    assert origin(np.frompyfunc(lambda x: x, 1, 1)) is None
    assert origin(3) is None
