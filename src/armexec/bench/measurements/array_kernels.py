"""What is applied to arrays, by all who take part: C for the guest, Python for Numba, and NumPy's functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["ARRAY_KERNELS", "SOURCE", "ArrayKernel"]

SOURCE = """
double add(double a, double b) { return a + b; }
double horner(double x) {
    double r = 1.0 / 40320;
    r = r * x + 1.0 / 5040; r = r * x + 1.0 / 720; r = r * x + 1.0 / 120; r = r * x + 1.0 / 24;
    r = r * x + 1.0 / 6; r = r * x + 0.5; r = r * x + 1; r = r * x + 1;
    return r;
}
double choose(double a, double b) { return a > b ? a : 2 * b; }
double rounds(double x) {
    double z = 0;
    for (int i = 0; i < 50; i++) { z = z * z + x; if (z > 4) break; }
    return z;
}
float saxpy(float a, float x, float y) { return a * x + y; }
"""


class ArrayKernel(NamedTuple):
    """A function of `inputs` numbers. `python` is what Numba compiles, `numpy` the same by NumPy's functions, with the
    output last, where there is such a thing. `dtype`: the type of all. `scalar`: the first input is one number for all
    elements. The C code is fused where it multiplies and adds, and so is Numba's."""

    inputs: int
    python: Callable[..., Any]
    numpy: Callable[..., Any] | None
    dtype: str = "float64"
    scalar: bool = False


def _add(a: Any, b: Any) -> Any:
    return a + b


def _horner(x: Any) -> Any:
    r = 1.0 / 40320
    r = r * x + 1.0 / 5040
    r = r * x + 1.0 / 720
    r = r * x + 1.0 / 120
    r = r * x + 1.0 / 24
    r = r * x + 1.0 / 6
    r = r * x + 0.5
    r = r * x + 1.0
    return r * x + 1.0


def _choose(a: Any, b: Any) -> Any:
    return a if a > b else 2.0 * b


def _rounds(x: Any) -> Any:
    z = 0.0
    for _ in range(50):
        z = z * z + x
        if z > 4.0:
            break
    return z


def _saxpy(a: Any, x: Any, y: Any) -> Any:
    return a * x + y


def _numpy_horner(x: Any, out: Any) -> None:
    out[...] = _horner(x)


def _numpy_add(a: Any, b: Any, out: Any) -> None:
    import numpy as np

    np.add(a, b, out=out)


def _numpy_choose(a: Any, b: Any, out: Any) -> None:
    import numpy as np

    out[...] = np.where(a > b, a, 2.0 * b)


def _numpy_saxpy(a: Any, x: Any, y: Any, out: Any) -> None:
    import numpy as np

    np.multiply(a, x, out=out)
    np.add(out, y, out=out)


ARRAY_KERNELS = {
    "add": ArrayKernel(2, _add, _numpy_add),
    "horner": ArrayKernel(1, _horner, _numpy_horner),
    "choose": ArrayKernel(2, _choose, _numpy_choose),
    "rounds": ArrayKernel(1, _rounds, None),
    "saxpy": ArrayKernel(3, _saxpy, _numpy_saxpy, "float32", scalar=True),
}
