"""Limits of instructions: exact, and the same on every engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

import armexec
from engines import AVAILABLE

ENGINES = ["translated:O0", "translated:O2", "translated", "reference", *({"native"} & set(AVAILABLE))]
NO_LIMIT = 1 << 60
SOURCE = """
int gcd(int a, int b) { while (b) { int rest = a % b; a = b; b = rest; } return a; }
int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
double norm(double x, double y, int n) { double s = 0; while (n--) { s += x * y; x = x / y + s; } return s; }
int apply(int (*f)(int), int n) { int s = 0; for (int i = 0; i < n; i++) s += f(i); return s; }
static int twice(int x) { return 2 * x; }
int pick(int n) { int (*volatile f)(int) = n & 1 ? fib : twice; return f(n); }
int store(int *to, int n) { for (int i = 0; i < n; i++) to[i] = i; return n; }
long spin(void) { volatile long i = 0; for (;;) i++; }
typedef struct { double x, y, z; } triple;
triple twist(triple t) { return (triple){t.y, t.z, t.x}; }
void fill(char *to, long n) { for (long i = 0; i < n; i++) to[i] = 7; }
"""


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, armexec.Module]]:
    made = {engine: armexec.compile(SOURCE, "c", "-O1", engine=engine) for engine in ENGINES}
    yield made
    for module in made.values():
        module.close()


@pytest.fixture(params=ENGINES)
def module(modules: dict[str, armexec.Module], request: pytest.FixtureRequest) -> armexec.Module:
    return modules[request.param]


def counted(call: Callable[[], object], limit: int = NO_LIMIT) -> tuple[object, int]:
    """What a call returns, and how many instructions it executes."""
    with armexec.limits(instruction_limit=limit) as limits:
        result = call()
    return result, limits.instructions


CALLS: dict[str, Callable[[armexec.Module], object]] = {
    "loop": lambda m: m.gcd(48, 36),
    "recursion": lambda m: m.fib(7),
    "floating point": lambda m: m.norm(1.5, 2.5, 6),
    "NaN": lambda m: repr(m.norm(float("inf"), 0.0, 6)),
    "a function of Python": lambda m: m.apply(lambda n: n + 1, 4),
    "a function pointer": lambda m: m.apply(m.fib, 4),
    "functions by pointers": lambda m: m.pick(5) + m.pick(6),
    "the guest within Python": lambda m: m.apply(lambda n: m.gcd(n + 9, 6), 4),
    "memory": lambda m: m.store([0] * 5, 5),
    "a struct": lambda m: repr(m.twist((1.0, 2.0, 3.0))),
    "a loop that is memset": lambda m: m.fill(bytearray(9), 9),
}


@pytest.mark.parametrize("name", CALLS)
def test_engines_count_the_same(name: str, modules: dict[str, armexec.Module]) -> None:
    call = CALLS[name]
    found = {engine: counted(lambda module=module: call(module)) for engine, module in modules.items()}  # type: ignore[misc]
    result, count = found["reference"]
    assert count > 0
    assert all(other == (result, count) for other in found.values()), found
    assert all(call(module) == result for module in modules.values())


@pytest.mark.parametrize("limit", [0, 1, 2, 7, 20, 33, 34])
def test_they_stop_at_the_same_place(limit: int, modules: dict[str, armexec.Module]) -> None:
    places = set()
    for module in modules.values():
        with pytest.raises(armexec.InstructionLimitExceeded, match=f"limit of {limit} instructions") as caught:
            counted(lambda module=module: module.fib(9), limit)  # type: ignore[misc]
        places.add((caught.value.pc - module.loaded.base, caught.value.symbol, caught.value.source))
        assert module.fib(9) == 34
    assert len(places) == 1


def test_the_last_instruction_is_allowed(module: armexec.Module) -> None:
    _, count = counted(lambda: module.fib(6))
    assert counted(lambda: module.fib(6), count) == (8, count)
    with pytest.raises(armexec.InstructionLimitExceeded):
        counted(lambda: module.fib(6), count - 1)


def test_what_was_stored_before_is_stored(modules: dict[str, armexec.Module]) -> None:
    seen = []
    for module in modules.values():
        array = bytearray(80)
        with pytest.raises(armexec.InstructionLimitExceeded):
            counted(lambda module=module, array=array: module.store(array, 20), 50)  # type: ignore[misc]
        seen.append(bytes(array))
    assert len(set(seen)) == 1
    assert seen[0][4:8] == b"\1\0\0\0"
    assert seen[0].endswith(bytes(16))


def test_all_calls_of_a_block_share_its_limit(module: armexec.Module) -> None:
    _, count = counted(lambda: module.gcd(48, 36))
    with armexec.limits(instruction_limit=3 * count):
        for _ in range(3):
            assert module.gcd(48, 36) == 12
        with pytest.raises(armexec.InstructionLimitExceeded):
            module.gcd(48, 36)
        with pytest.raises(armexec.InstructionLimitExceeded):
            module.gcd(48, 36)
    assert module.gcd(48, 36) == 12


def test_the_nearest_limit_counts(module: armexec.Module) -> None:
    _, count = counted(lambda: module.fib(6))
    with armexec.limits(instruction_limit=3 * count):
        with armexec.limits(instruction_limit=count - 1) as inner, pytest.raises(armexec.InstructionLimitExceeded):
            module.fib(6)
        assert inner.instructions == count - 1
        # What was executed there counts here.
        assert module.fib(6) == module.fib(6) == 8
        with (
            pytest.raises(armexec.InstructionLimitExceeded, match=f"of {3 * count} "),
            armexec.limits(instruction_limit=NO_LIMIT),
        ):
            module.fib(6)


def test_in_functions_of_python(module: armexec.Module) -> None:
    _, count = counted(lambda: module.fib(8))

    def limited(n: int) -> int:
        with pytest.raises(armexec.InstructionLimitExceeded), armexec.limits(instruction_limit=count - 1):
            module.fib(8)
        return n

    assert module.apply(limited, 3) == 3
    with armexec.limits(instruction_limit=4 * count):
        assert module.apply(limited, 3) == 3
    with pytest.raises(armexec.InstructionLimitExceeded), armexec.limits(instruction_limit=2 * count):
        module.apply(lambda n: module.fib(8), 3)
    assert module.apply(lambda n: module.fib(8), 3) == 63


def test_a_module_has_a_limit_of_its_own() -> None:
    for engine in ("translated", "reference", *({"native"} & set(AVAILABLE))):
        module = armexec.compile(SOURCE, "c", "-O1", engine=engine, instruction_limit=200)
        for _ in range(3):
            with pytest.raises(armexec.InstructionLimitExceeded, match=r"limit of 200 instructions .*spin"):
                module.spin()
            # Each call has all of it.
            assert module.gcd(48, 36) == 12
        with armexec.limits(instruction_limit=100), pytest.raises(armexec.InstructionLimitExceeded, match="of 100 "):
            module.spin()


def test_threads_have_limits_of_their_own(modules: dict[str, armexec.Module]) -> None:
    module = modules["translated"]
    found: list[int] = []

    def work(limit: int) -> None:
        with armexec.limits(instruction_limit=limit) as limits:
            try:
                module.spin()
            except armexec.InstructionLimitExceeded:
                found.append(limits.instructions)

    threads = [threading.Thread(target=work, args=(1000 * n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        # This one has none.
        assert module.gcd(48, 36) == 12
    for thread in threads:
        thread.join(60)
    assert sorted(found) == [1000, 2000, 3000, 4000]


@pytest.mark.parametrize("engine", ["translated:O0", "translated:O2", "reference"])
def test_a_fault_comes_before_a_later_limit(engine: str) -> None:
    text = "mov x1, #0\n add x0, x0, #1\n ldr x0, [x1]\n add x0, x0, #1\n ret"
    load = armexec.function(text, "long(long)", engine=engine)
    for limit in range(6):
        kind = armexec.InstructionLimitExceeded if limit < 3 else armexec.MemoryFault
        with pytest.raises(kind) as caught, armexec.limits(instruction_limit=limit):
            load(1)
        assert caught.value.pc - load.address == 4 * min(limit, 2)


@pytest.mark.parametrize("engine", ["translated:O0", "translated:O2", "reference"])
@pytest.mark.parametrize(
    "text",
    [
        # Another rounding; then the usual one.
        "mov x1, #0x400000\n msr fpcr, x1\n fadd d0, d0, d0\n msr fpcr, xzr\n fadd d0, d0, d0\n ret",
        # What tells which flags were raised.
        "fdiv d0, d0, d0\n mrs x1, fpsr\n cbz x1, 1f\n fadd d0, d0, d0\n 1: ret",
        # Back to an address that is not the one after the call.
        "mov x9, x30\n bl 1f\n fneg d0, d0\n mov x30, x9\n ret\n 1: add x30, x30, #4\n ret",
    ],
)
def test_other_modes_count_as_well(text: str, engine: str) -> None:
    reference = armexec.function(text, "double(double)", engine="reference")
    translated = armexec.function(text, "double(double)", engine=engine)
    result, count = counted(lambda: reference(1.5))
    assert counted(lambda: translated(1.5)) == (result, count)
    for limit in range(count):
        with pytest.raises(armexec.InstructionLimitExceeded) as caught, armexec.limits(instruction_limit=limit):
            translated(1.5)
        with pytest.raises(armexec.InstructionLimitExceeded) as expected, armexec.limits(instruction_limit=limit):
            reference(1.5)
        assert caught.value.pc - translated.address == expected.value.pc - reference.address


@pytest.mark.parametrize("engine", ["translated", "reference", *({"native"} & set(AVAILABLE))])
def test_a_replaced_function(engine: str) -> None:
    module = armexec.compile(
        "__attribute__((noinline)) int one(int n) { return n + 1; } int use(int n) { return one(n) * 2; }",
        "c",
        "-O1",
        engine=engine,
    )
    _, direct = counted(lambda: module.one(1))
    original = module.replace("one", lambda n: 10 * n)
    assert counted(lambda: original(1)) == (2, direct)
    assert counted(lambda: module.use(1)) == (20, 6)
    assert module.use(1) == 20
    module.replace("one", None)
    assert counted(lambda: module.use(1)) == (4, 6 + direct)


@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_output_before_the_limit_is_written(engine: str, capfd: pytest.CaptureFixture[str]) -> None:
    source = """
    #include <stdio.h>
    void loop(long n) { fputs("so far", stdout); for (volatile long i = 0; i < n; i++); }
    int main_like(void) { return puts("all"); }
    """
    module = armexec.compile(source, "c", engine=engine)
    module.loop(0)
    assert capfd.readouterr().out == "so far"
    with pytest.raises(armexec.InstructionLimitExceeded, match="loop"), armexec.limits(instruction_limit=5000):
        module.loop(1 << 60)
    with pytest.raises(armexec.TimeLimitExceeded, match="loop"), armexec.limits(time_limit=0.5):
        module.loop(1 << 60)
    assert capfd.readouterr().out == "so farso far"
    with armexec.limits(instruction_limit=5000) as limits:
        module.main_like()
    assert capfd.readouterr().out == "all\n"
    assert 0 < limits.instructions < 5000


def test_programs() -> None:
    program = (
        "int main(int argc, char **argv) { volatile int n = 0; for (int i = 0; i < 50; i++) n += i; return n & 7; }"
    )
    places = set()
    for engine in ("translated", "reference"):
        assert armexec.run(program, language="c", engine=engine, instruction_limit=100_000).status == 1
        with pytest.raises(armexec.InstructionLimitExceeded, match="main") as caught:
            armexec.run(program, language="c", engine=engine, instruction_limit=200)
        places.add(caught.value.symbol)
    assert len(places) == 1


@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_cpus_stop_at_it(engine: str) -> None:
    space = armexec.AddressSpace(engine=engine)
    code = space.map(0x4000_0000, 0x1000, "rx", data=armexec.assemble("1: add x0, x0, #1; b 1b").bytes)
    cpu = armexec.Cpu(space)
    cpu.pc = code
    with armexec.limits(instruction_limit=101) as limits:
        assert cpu.run(instruction_limit=41).instructions == 41
        stop = cpu.run(instruction_limit=1000)
        assert (stop.reason, stop.instructions) == ("instruction limit", 60)
        assert cpu.run().instructions == 0
    assert limits.instructions == 101
    assert cpu.x[0] == 51
    with armexec.limits(time_limit=0.02):
        assert cpu.run().reason == "time limit"
