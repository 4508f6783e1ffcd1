"""First calls: from `import armexec` to a result, in new processes, with an empty (cold) and a filled cache (warm).

As a program, `python -m armexec.bench.measurements.first_call KERNEL [TIER]`, it is such a process.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from typing import TypeAlias

import armexec
from armexec.bench.kernels import FLAGS, KERNELS, Kernel

__all__ = ["Moments", "measure_first_call"]

Moments: TypeAlias = dict[str, float]
"""Seconds: `compile` and `call` of processor time (the compiler's included), and `wall` for both together."""


def measure_first_call(kernel: Kernel, tier: str | None) -> dict[str, Moments]:
    """The moments of a "cold" and a "warm" first call of the translated engine. Raises Error."""
    from armexec.bench.measurements.children import python

    arguments = ["-m", "armexec.bench.measurements.first_call", kernel.name, *([tier] if tier else [])]
    with tempfile.TemporaryDirectory(prefix="armexec-bench-") as folder:
        # Both use the same folder: the first process fills the cache of the second.
        return {name: json.loads(python(arguments, {"ARMEXEC_CACHE_DIR": folder}).output) for name in ("cold", "warm")}


def _used() -> float:
    """Seconds of processor time of this process and of those it has waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def _first_call(kernel: Kernel, tier: str | None) -> Moments:
    source = kernel.source
    wall, start = time.perf_counter(), _used()
    if tier is None:
        # As users do it.
        module = armexec.compile(source, "c", "-O2", flags=FLAGS, engine="translated", filename=kernel.filename)
        compiled = _used()
        module.kernel(1)
    else:
        from armexec.bench.arm_image import arm_image, entry
        from armexec.bench.contenders.arm_engine import engine_of

        image = arm_image(kernel)
        loaded = engine_of("translated", tier).load(image, lambda _: None)
        compiled = _used()
        loaded.bind(*entry(image))(1)
    return {"compile": compiled - start, "call": _used() - compiled, "wall": time.perf_counter() - wall}


if __name__ == "__main__":
    print(json.dumps(_first_call(KERNELS[sys.argv[1]], (*sys.argv, None)[2])))
