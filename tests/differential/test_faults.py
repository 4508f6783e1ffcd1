"""What translated code tells of faults is what the reference tells: each register that it knows, and all the calls."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Mapping
from functools import cache

import pytest

import armexec

from .fault_programs import OPTIONS, fault_program

ENGINES = ("translated:O2", "translated:O0", "translated:O1", "counted", "sandbox")
SEEDS = (15, 24, 26, 1223)
"""Of the default run: programs that fault soon."""
_NUMBERS = 64
_STACK = 8 << 20
_numbers = (ctypes.c_int64 * _NUMBERS)()


def _kind(engine: str) -> tuple[str, dict[str, object]]:
    """The engine to compile for, and settings."""
    settings: Mapping[str, dict[str, object]] = {
        "counted": {"instruction_limit": 10**8},
        "sandbox": {"sandbox": True},
    }
    return ("translated:O2" if engine in settings else engine), settings.get(engine, {})


@cache
def _stack_pointer(engine: str) -> int:
    """Where the stack of a call is, which is the same for all calls of a thread; but not in another sandbox."""
    kind, _ = _kind(engine)
    function = armexec.function("mov x0, sp; ret", "long()", engine=kind)
    return int(function())


class _Fault:
    """A fault of a program on an engine, with addresses as distances from what they belong to."""

    def __init__(self, engine: str, seed: int) -> None:
        source, name = fault_program(seed)
        r = random.Random(seed)
        flags = ["-w", r.choice(("-O0", "-O1", "-O2", "-Os")), *r.choice(OPTIONS)]
        first, second = r.getrandbits(30), r.getrandbits(8)
        numbers = [n if n % 3 else r.getrandbits(63) for n in range(_NUMBERS)]
        kind, settings = _kind(engine)
        module = armexec.compile(source, "c", flags=flags, engine=kind, filename="faults.c", **settings)  # type: ignore[arg-type]
        self.has_failed = False
        self.rest = ""
        self._sandbox = engine == "sandbox"
        self._base = module["f0"].address
        self._stack = _stack_pointer("translated:O2" if engine == "counted" else engine)
        array = None
        if self._sandbox:
            array = module.empty(_NUMBERS, "i8")
            array[:] = numbers
        else:
            _numbers[:] = numbers
        try:
            module[name](first, second, ctypes.addressof(_numbers) if array is None else array, 0)
        except armexec.ExecutionError as error:
            # Not the exception: it holds the module, and strict code of one makes others strict.
            self.has_failed, self.rest = True, error.backtrace.rest
            self.backtrace = [(frame.function, self._place(frame.pc)) for frame in error.backtrace]
            self.registers = {name: self._place(error.cpu[name]) for name in error.cpu.known}
        module.close()

    def _place(self, value: int) -> object:
        if 0 <= value - self._base < 1 << 16:
            return "code", value - self._base
        if 0 <= value - ctypes.addressof(_numbers) < 8 * _NUMBERS:
            return "numbers", value - ctypes.addressof(_numbers)
        if -_STACK < value - self._stack <= 4096:
            return "stack", value - self._stack
        return value

    def agrees(self, value: object, expected: object) -> bool:
        """Whether a register has what it has on the reference, as far as that can be compared."""
        # A sandbox has a stack and memory of its own.
        is_elsewhere = self._sandbox and isinstance(expected, tuple) and expected[0] != "code"
        return value == expected or is_elsewhere


@cache
def _expected(seed: int) -> _Fault:
    return _Fault("reference", seed)


def _check(seed: int, engine: str) -> int:
    """Compare; the number of registers that are known, 0 where there is no fault, or another one."""
    expected, found = _expected(seed), _Fault(engine, seed)
    if not expected.has_failed or not found.has_failed or expected.registers["pc"] != found.registers["pc"]:
        # A load that is made before another may fault instead of it.
        return 0
    assert (found.backtrace, found.rest) == (expected.backtrace, ""), (seed, engine)
    wrong = {
        n: (v, expected.registers[n]) for n, v in found.registers.items() if not found.agrees(v, expected.registers[n])
    }
    assert not wrong, (seed, engine)
    return len(found.registers)


@pytest.mark.parametrize("engine", ENGINES[:2])
@pytest.mark.parametrize("seed", SEEDS)
def test_calls_and_registers_are_those_of_the_reference(seed: int, engine: str) -> None:
    assert _check(seed, engine) > 5


@pytest.mark.parametrize("engine", ENGINES[2:])
def test_so_they_are_in_other_modes(engine: str) -> None:
    assert _check(SEEDS[0], engine) > 5


@pytest.mark.long
@pytest.mark.parametrize("engine", ENGINES)
def test_faults_at_length(engine: str, request: pytest.FixtureRequest) -> None:
    count, start = request.config.getoption("--cases"), 1000 * request.config.getoption("--seed")
    assert sum(_check(seed, engine) > 0 for seed in range(start, start + count)) > count // 5
