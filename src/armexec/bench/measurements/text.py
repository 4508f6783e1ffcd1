"""The speed of the assembler and the disassembler on the kernels' own code, the first time and again.

As a program, `python -m armexec.bench.measurements.text`, it measures in a process that has assembled and disassembled
nothing yet.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

__all__ = ["measure_text"]

_REPEAT = 5


def measure_text() -> dict[str, float]:
    """Instructions a second by task, the first time ("cold") and again ("warm"). Raises Error."""
    from armexec.bench.measurements.children import python

    python(["-m", "armexec.bench.measurements.text"])  # leaves bytecode
    found: dict[str, float] = json.loads(python(["-m", "armexec.bench.measurements.text"]).output)
    return found


def _measure() -> dict[str, float]:
    from armexec.asm import assemble
    from armexec.bench.arm_image import LEVEL
    from armexec.bench.kernels import FLAGS, KERNELS
    from armexec.disasm import disassemble
    from armexec.toolchain import compile_assembly

    texts = [
        compile_assembly(kernel.source, language="c", opt=LEVEL, flags=FLAGS, filename=kernel.filename, debug=False)
        for kernel in KERNELS.values()
    ]
    assembled: list[list[int]] = []

    def assemble_all() -> None:
        assembled[:] = [assemble(text).words for text in texts]

    rates = {"assemble": _seconds(assemble_all)}
    words = [word for one in assembled for word in one]
    rates["disassemble"] = _seconds(lambda: disassemble(words))
    return {
        f"{name}, {when}": len(words) / seconds
        for name, pair in rates.items()
        for when, seconds in zip(("cold", "warm"), pair, strict=True)
    }


def _seconds(run: Callable[[], Any]) -> tuple[float, float]:
    """Processor time of the first run, and of the fastest later one."""
    times = []
    for _ in range(1 + _REPEAT):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return times[0], min(times[1:])


if __name__ == "__main__":
    print(json.dumps(_measure()))
