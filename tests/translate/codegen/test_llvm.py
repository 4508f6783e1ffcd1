"""Host code from IR text: what LLVM refuses, and that memory comes back."""

from __future__ import annotations

import ctypes
import gc
import random
import resource
import sys
import threading
from pathlib import Path

import pytest

from armexec.errors import HostError
from armexec.translate.codegen import llvm as host
from armexec.translate.codegen.llvm import compile_object
from armexec.translate.codegen.support_code import compiled

FUNCTION = "define i64 @f(i64 %x) {\n%y = add i64 %x, 1\nret i64 %y\n}"


@pytest.mark.parametrize("tier", ["O0", "O2"])
def test_a_value_used_where_it_is_not_known_is_refused(tier: str) -> None:
    text = """
    define i64 @f(i1 %c, i64 %x) {
      br i1 %c, label %a, label %b
    a:
      %y = add i64 %x, 1
      ret i64 %y
    b:
      ret i64 %y
    }"""
    with pytest.raises(HostError, match="does not dominate"):
        compiled(text, {}, tier=tier)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_dropped_code_gives_its_memory_back() -> None:
    for _ in range(20):
        compiled(FUNCTION, {}).address("f")
    gc.collect()
    before = _resident()
    for _ in range(100):
        compiled(FUNCTION, {}).address("f")
    gc.collect()
    assert (_resident() - before) / 100 < 16_000


def test_a_compilation_pays_nothing_for_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of a pass manager leaves callbacks with its pass builder, which each later run has to call."""
    runs: list[object] = []
    machines: list[object] = []
    library, make = host._unlocked, host.llvm().Target.create_target_machine
    run = library.LLVMPY_RunNewModulePassManager
    monkeypatch.setattr(
        library, "LLVMPY_RunNewModulePassManager", lambda *args: (runs.append(args[2]), run(*args))[1], raising=False
    )
    monkeypatch.setattr(
        host.llvm().Target, "create_target_machine", lambda *args, **how: machines.append(args) or make(*args, **how)
    )

    def work() -> None:
        for _ in range(100):
            compile_object(FUNCTION, tier="O1")

    # A thread of its own has none of what this one compiles with.
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(runs) == 100
    uses = [sum(builder is other for other in runs) for builder in runs]
    # But making one leaves something too.
    assert 8 <= max(uses) <= 32
    assert len(machines) == 1


def test_code_stays_while_its_neighbours_go() -> None:
    chance = random.Random(1)
    held = []
    for number in range(400):
        text = f"define i64 @f(i64 %x) {{\n%y = add i64 %x, {number}\nret i64 %y\n}}"
        held.append((number, compiled(text, {}, tier="O0")))
        if len(held) > 20:
            del held[chance.randrange(len(held))]
        for kept, code in held[:: max(len(held) // 4, 1)]:
            assert ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(code.address("f"))(5) == kept + 5
    # Also when the garbage collector finds them in circles, in any order.
    circle: list[object] = [code for _, code in held]
    circle.append(circle)
    del held, circle, code
    gc.collect()
