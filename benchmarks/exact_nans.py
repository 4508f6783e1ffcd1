"""What exact NaNs cost: floating-point kernels on the translated engine, beside the same translation without them.

    python benchmarks/exact_nans.py [--json] [--rounds N] [--opt -O3] [kernel ...]

First the kernels of `armexec bench`, as that runs them, then others at -O2 and -O3.

`raw` takes what the host's instructions give, whatever NaNs those are: `Guards.flush`, which makes sure
of them, is replaced for it here, so that nothing else differs. Both run in turn, on data without NaNs, in time of the
processor. The ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np

import armexec
from armexec.bench.contenders.arm_engine import ArmEngine
from armexec.bench.kernels import KERNELS
from armexec.engines.translated import settle
from armexec.machines.llvm.guards import Guards

SOURCE = r"""
#include <arm_neon.h>

void saxpy(float a, const float *x, float *y, int n) { for (int i = 0; i < n; i++) y[i] += a * x[i]; }

double dot(const double *a, const double *b, int n) {
  double s = 0;
  for (int i = 0; i < n; i++) s += a[i] * b[i];
  return s;
}

double sum(const double *a, int n) {
  double s = 0;
  for (int i = 0; i < n; i++) s += a[i];
  return s;
}

void matmul(const double *a, const double *b, double *c, int n) {
  for (int i = 0; i < n * n; i++) c[i] = 0;
  for (int i = 0; i < n; i++)
    for (int k = 0; k < n; k++) {
      double t = a[i * n + k];
      for (int j = 0; j < n; j++) c[i * n + j] += t * b[k * n + j];
    }
}

void matmul_inner(const double *a, const double *b, double *c, int n) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double s = 0;
      for (int k = 0; k < n; k++) s += a[i * n + k] * b[k * n + j];
      c[i * n + j] = s;
    }
}

typedef struct { double x, y, z, vx, vy, vz, m; } Body;

void nbody(Body *b, int n) {
  for (int step = 0; step < n; step++) {
    for (int i = 0; i < 5; i++)
      for (int j = i + 1; j < 5; j++) {
        double dx = b[i].x - b[j].x, dy = b[i].y - b[j].y, dz = b[i].z - b[j].z;
        double d2 = dx * dx + dy * dy + dz * dz;
        double mag = 0.01 / (d2 * __builtin_sqrt(d2));
        b[i].vx -= dx * b[j].m * mag; b[i].vy -= dy * b[j].m * mag; b[i].vz -= dz * b[j].m * mag;
        b[j].vx += dx * b[i].m * mag; b[j].vy += dy * b[i].m * mag; b[j].vz += dz * b[i].m * mag;
      }
    for (int i = 0; i < 5; i++) {
      b[i].x += 0.01 * b[i].vx; b[i].y += 0.01 * b[i].vy; b[i].z += 0.01 * b[i].vz;
    }
  }
}

int mandelbrot(int n) {
  int total = 0;
  for (int py = 0; py < n; py++)
    for (int px = 0; px < n; px++) {
      double cx = -2 + 3.0 * px / n, cy = -1.5 + 3.0 * py / n, x = 0, y = 0;
      int k = 0;
      while (k < 200 && x * x + y * y < 4) { double u = x * x - y * y + cx; y = 2 * x * y + cy; x = u; k++; }
      total += k;
    }
  return total;
}

void polynomial(const float *x, float *y, int n) {
  float32x4_t c3 = vdupq_n_f32(0.25f), c2 = vdupq_n_f32(-0.5f), c1 = vdupq_n_f32(0.75f), c0 = vdupq_n_f32(1.0f);
  for (int i = 0; i < n; i += 8) {
    float32x4_t a = vld1q_f32(x + i), b = vld1q_f32(x + i + 4);
    float32x4_t p = vfmaq_f32(c2, c3, a), q = vfmaq_f32(c2, c3, b);
    p = vfmaq_f32(c1, p, a); q = vfmaq_f32(c1, q, b);
    vst1q_f32(y + i, vfmaq_f32(c0, p, a)); vst1q_f32(y + i + 4, vfmaq_f32(c0, q, b));
  }
}
"""
SIDE, LARGE_SIDE, LENGTH = 64, 200, 4096
OF_BENCH = ("matmul", "nbody", "mandelbrot", "saxpy")
"""The floating-point kernels of `armexec bench`."""

# What is kept is found by the image, and would serve both variants.
os.environ["ARMEXEC_CACHE"] = "off"


def flush_raw(guards: Guards) -> None:
    """Take pending results as they are."""
    pending, guards.pending = guards.pending, []
    for result in pending:
        for shapes in result.shapes:
            shapes.texts = {result.kind: result.raw}
            shapes.pending = None
    guards.make_stores()


@contextmanager
def flushing(how: Callable[[Guards], None]) -> Iterator[None]:
    original = Guards.flush
    Guards.flush = how  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Guards.flush = original  # type: ignore[method-assign]


def aligned(array: np.ndarray) -> np.ndarray:
    """A copy that begins where a line of the processor's cache does: what crosses one is slower in its own way."""
    memory = np.empty(array.nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copy: np.ndarray = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def kernels(module: Any) -> dict[str, Callable[[], bytes]]:
    """By name, something that runs for milliseconds and gives what was computed."""
    random = np.random.default_rng(1)
    side = (LARGE_SIDE, LARGE_SIDE)
    a, b, c = map(aligned, (random.random(side), random.random(side), np.zeros(side)))
    x, y = map(aligned, (random.random(LENGTH, dtype=np.float32), np.zeros(LENGTH, np.float32)))
    bodies = aligned(random.random(35))
    # Addresses are passed faster than arrays.
    pa, pb, pc, px, py = (array.ctypes.data for array in (a, b, c, x, y))
    arrays = (a, b, c, x, y)

    def repeated(count: int, run: Callable[[], Any], result: Any = None) -> Callable[[], bytes]:
        def work() -> bytes:
            for _ in range(count):
                value = run()
            assert arrays
            return repr(value).encode() if result is None else bytes(result.tobytes())

        return work

    return {
        "saxpy": repeated(4000, lambda: module.saxpy(1e-6, px, py, LENGTH), y),
        "dot": repeated(1000, lambda: module.dot(pa, pb, LENGTH)),
        "sum": repeated(1000, lambda: module.sum(pa, LENGTH)),
        "matmul": repeated(5, lambda: module.matmul(pa, pb, pc, LARGE_SIDE), c),
        "matmul_small": repeated(200, lambda: module.matmul(pa, pb, pc, SIDE), c),
        "matmul_inner": repeated(100, lambda: module.matmul_inner(pa, pb, pc, SIDE), c),
        "nbody": repeated(1, lambda: module.nbody(bodies, 200_000), bodies),
        "mandelbrot": repeated(1, lambda: module.mandelbrot(300)),
        "polynomial": repeated(4000, lambda: module.polynomial(px, py, LENGTH), y),
    }


Runs = dict[str, Callable[[], bytes]]


def compiled(opt: str) -> Runs:
    """The kernels of SOURCE."""
    # Whether products and sums fuse is not what is looked at; most code has them apart.
    return kernels(armexec.compile(SOURCE, "c", opt, flags=("-ffp-contract=off",), engine="translated"))


def of_bench(stack: ExitStack) -> Runs:
    """The kernels of `armexec bench`, until `stack` is closed."""

    def of(name: str) -> Callable[[], bytes]:
        kernel = KERNELS[name]
        bound = stack.enter_context(ArmEngine("translated").start(kernel))
        return lambda: repr(bound.run(kernel.count).result).encode()

    return {f"{name} of bench": of(name) for name in OF_BENCH}


def measure(make: Callable[[], Runs], rounds: int, names: list[str]) -> dict[str, dict[str, float]]:
    """Milliseconds of each kernel, and the ratio."""
    variants = []
    for how in (Guards.flush, flush_raw):
        with flushing(how):
            runs = {name: run for name, run in make().items() if not names or name in names}
            variants.append(runs)
            for run in runs.values():
                # The code that is measured is made in the background, while this variant's `flush` is in
                # place. As many runs for both: some go on from what the run before has left.
                for _ in range(3):
                    run()
                    settle(60)
    exact, raw = variants
    rows = {}
    for name in exact:
        times: list[tuple[float, float]] = []
        for i in range(rounds):
            pair, results = [0.0, 0.0], [b"", b""]
            for which in (0, 1) if i % 2 else (1, 0):
                start = time.process_time()
                results[which] = (exact, raw)[which][name]()
                pair[which] = time.process_time() - start
            if results[0] != results[1]:
                raise SystemExit(f"{name}: exact and raw results differ, on data without NaNs")
            times.append((pair[0], pair[1]))
        rows[name] = {
            "exact_ms": statistics.median(t for t, _ in times) * 1e3,
            "raw_ms": statistics.median(t for _, t in times) * 1e3,
            "ratio": statistics.median(t / u for t, u in times),
        }
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What exact NaNs cost.")
    parser.add_argument("kernels", nargs="*")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--opt", action="append", help="-O2 and -O3 unless given")
    arguments = parser.parse_args()
    names, rounds = arguments.kernels, arguments.rounds
    with ExitStack() as stack:
        figures = {} if arguments.opt else {"-O2": measure(lambda: of_bench(stack), rounds, names)}
    for opt in arguments.opt or ("-O2", "-O3"):
        figures.setdefault(opt, {}).update(measure(partial(compiled, opt), rounds, names))
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    for opt, rows in figures.items():
        for name, row in rows.items():
            print(f"{opt} {name:19} exact {row['exact_ms']:8.2f} ms  raw {row['raw_ms']:8.2f} ms  x {row['ratio']:.3f}")


if __name__ == "__main__":
    main()
