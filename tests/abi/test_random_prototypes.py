"""Placement against the compiler: random prototypes, which the compiler's code calls, and whose functions it makes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from armexec.abi import calling_convention, parse_prototype
from armexec.abi.frames import CalleePlan, make_frame_call
from armexec.abi.frames.block import BLOCK_SIZE
from armexec.abi.placement import CallingConvention, Placement, homogeneous
from armexec.abi.values import codec
from armexec.cpu.call_frame import CallFrame
from armexec.machines.interpreter.machine import ReferenceMachine
from armexec.memory import HostMemory
from armexec.objects import CType, Prototype, load_image
from armexec.toolchain import compile_object
from objects.helpers import gcc_compiled

from .machine import Call, enter, load, load_block, run, store_block
from .random_types import FLOATS, VARIABLE, RandomTypes, bits_of

COUNT = 25
"""Prototypes of a compilation."""
MOST = 14
"""Maximum number of arguments."""
TARGETS = ("linux", "apple")
# GCC 12 can only load and store `__bf16`. Its va_arg of several vectors breaks its own rule of aliasing.
GCC_FLOATS = tuple(name for name in FLOATS if name != "__bf16")
GCC_OPTIONS = ("-march=armv8.2-a+fp16", "-fno-stack-protector", "-fno-strict-aliasing")


class Case(NamedTuple):
    """A function: `fixed` are the C types of its parameters, `variable` those of the variable part of a call."""

    types: RandomTypes
    result: str
    fixed: list[str]
    variable: list[str]

    def declared(self, name: str) -> str:
        parameters = [f"{kind} p{n}" for n, kind in enumerate(self.fixed)] + (["..."] if self.variable else [])
        return f"{self.result} {name}({', '.join(parameters) or 'void'})"


def random_case(rng: random.Random, number: int, *, variadic: bool, floats: Sequence[str]) -> Case:
    types = RandomTypes(rng, f"t{number}_", floats=floats)
    pool = [types.any() for _ in range(rng.randint(1, 6))]
    fixed = [rng.choice(pool) if rng.random() < 0.7 else types.any() for _ in range(rng.randint(0, MOST))]
    variable: list[str] = []
    if variadic:
        fixed = fixed[: rng.randint(1, 9)] or ["int"]
        variable = [
            rng.choice(VARIABLE) if rng.random() < 0.6 or not types.tags else rng.choice(types.tags)
            for _ in range(rng.randint(1, 8))
        ]
    everything = fixed + variable
    return Case(types, rng.choice(everything) if everything else "void", fixed, variable)


def source(cases: list[Case]) -> str:
    """For each case a caller `c`, a function `f` that stores its arguments in `out`, and its values `v`."""
    lines = ["#include <arm_neon.h>", "#include <stdarg.h>", "enum e { A, B, C = 1000 };"]
    lines += ['__asm__(".text\\n.p2align 2\\n.globl _gate\\n_gate: ret");', f"unsigned char out[{32 * 512}];"]
    for number, case in enumerate(cases):
        lines += case.types.definitions[1:]
        kinds = case.fixed + case.variable
        lines += [f"{kind} v{number}_{n};" for n, kind in enumerate(kinds)]
        # All are one place.
        lines.append(f'{case.declared(f"g{number}")} __asm__("_gate");')
        values = ", ".join(f"v{number}_{n}" for n in range(len(kinds)))
        store = "" if case.result == "void" else f"r{number} = "
        if store:
            lines.append(f"{case.result} r{number};")
        lines.append(f"void c{number}(void) {{ {store}g{number}({values}); }}")
        body = [f"*({kind} *)(out + 512 * {n}) = p{n};" for n, kind in enumerate(case.fixed)]
        if case.variable:
            body.append(f"va_list list; va_start(list, p{len(case.fixed) - 1});")
            first = len(case.fixed)
            body += [
                f"*({kind} *)(out + 512 * {n}) = va_arg(list, {kind});" for n, kind in enumerate(case.variable, first)
            ]
        if store:
            body.append(f"return v{number}_{kinds.index(case.result)};")
        lines.append(f"{case.declared(f'f{number}')} {{ {' '.join(body)} }}")
    return "\n".join(lines)


def random_value(rng: random.Random, ctype: CType) -> bytes:
    return bytes([rng.getrandbits(1)]) if ctype.kind == "bool" else rng.randbytes(ctype.size)


def same(ctype: CType, left: bytes, right: bytes) -> bool:
    """Whether two values have the same bits but for padding."""
    differing = int.from_bytes(left, "little") ^ int.from_bytes(right, "little")
    return differing & bits_of(ctype) == 0


def is_in_doubt(ctype: CType, target: str, opt: str, *, variable: bool) -> bool:
    """Whether clang's call has another place on the stack than its own callee, or than itself at another level.

    Of homogeneous aggregates: Apple's variable arguments of 16-byte vectors are aligned to 8 bytes by calls, and to
    16 by va_arg. At -O0 a packed struct of one such member is placed as that member.
    """
    aggregate = homogeneous(ctype)
    if aggregate is None:
        return False
    if variable and target == "apple":
        return ctype.align >= 16
    return opt == "-O0" and aggregate.members == 1 and aggregate.base.size == 16 and ctype.natural_align < 16


def equal(ctype: CType, value: Any, data: bytes) -> bool:
    """Whether a Python value is that of the bytes. NaNs lose their payload, and padding is left out."""
    kind = codec(ctype)
    return same(ctype, kind.pack(value, []), kind.pack(kind.unpack(data), []))


def shown(case: Case, where: str, found: Placement, n: int | None) -> str:
    parts = found.result if n is None else found.arguments[n]
    return f"{case.types.text}\n{case.declared('f')} {case.variable} {where} {n}: {parts}"


def check(seed: int, target: str, opt: str, *, variadic: bool, gcc: bool = False) -> None:
    convention: CallingConvention = "apple" if target == "apple" else "aapcs64"
    rng = random.Random(seed)
    cases = [random_case(rng, n, variadic=variadic, floats=FLOATS if not gcc else GCC_FLOATS) for n in range(COUNT)]
    if gcc:
        data = gcc_compiled(source(cases), opt, "-w", *GCC_OPTIONS)
    else:
        data = compile_object(source(cases), language="c", target=target, opt=opt, debug=opt == "-O0").data
    image = load_image(data)
    assert calling_convention(image) == convention
    loaded = load(image)
    image = loaded.image

    def address(name: str) -> int:
        offset = image.find(name).offset
        assert offset is not None
        return loaded.base + offset

    gate = address("_gate") if target == "linux" else address("gate")
    for number, case in enumerate(cases):
        named = [f"{kind} p{n}" for n, kind in enumerate([*case.fixed, *case.variable])]
        text = f"{case.types.text} {case.result} f({', '.join(named) or 'void'})"
        whole = parse_prototype(text, apple=target == "apple")
        kinds = [parameter.type for parameter in whole.parameters]
        variable = kinds[len(case.fixed) :]
        prototype: Prototype = replace(
            whole, parameters=whole.parameters[: len(case.fixed)], variadic=bool(case.variable)
        )
        found = Placement.of(prototype, convention, variable)
        # Debug information says of no struct that it is packed.
        if opt == "-O0" and not gcc and "packed" not in case.types.text:
            described = image.function(f"f{number}").prototype
            assert described is not None
            assert Placement.of(described, convention, variable) == found, shown(case, "has other types", found, None)
        values = [random_value(rng, kind) for kind in kinds]
        with Call(address(f"c{number}"), found, rng) as call:
            for n, value in enumerate(values):
                call.machine.memory.write(address(f"v{number}_{n}"), value)
            run(call.machine, gate)
            for n, (kind, parts) in enumerate(zip(kinds, found.arguments, strict=True)):
                if is_in_doubt(kind, target, opt, variable=n >= len(case.fixed)):
                    break
                # What isn't passed has no bits.
                assert parts or not bits_of(kind)
                assert same(kind, call.get(parts, kind.size), values[n]), shown(case, "calls with", found, n)
            callee = CalleePlan(prototype, convention, variable)
            block = memoryview(bytearray(BLOCK_SIZE))
            store_block(call.machine, CallFrame.from_buffer(block))
            if not any(is_in_doubt(k, target, opt, variable=n >= len(case.fixed)) for n, k in enumerate(kinds)):
                for n, (kind, found_value) in enumerate(zip(kinds, callee.arguments(block), strict=True)):
                    assert equal(kind, found_value, values[n]), shown(case, "gives Python", found, n)
            result = random_value(rng, whole.result)
            if whole.result.kind != "void" and number % 2:
                value = codec(whole.result).unpack(result)
                result = codec(whole.result).pack(value, [])
                callee.set_result(block, value, [])
                load_block(call.machine, CallFrame.from_buffer(block))
            else:
                call.set_result(result, call.machine.registers[8])
            run(call.machine)
            if whole.result.kind != "void":
                stored = call.machine.memory.read(address(f"r{number}"), whole.result.size)
                assert same(whole.result, stored, result), shown(case, "takes the result", found, None)
        # The callee aligns addresses, and SP is a multiple of 16 only.
        if any(kind.align > 16 and is_in_doubt(kind, target, opt, variable=True) for kind in variable):
            continue
        if any(is_in_doubt(kind, target, opt, variable=False) for kind in kinds):
            continue
        with Call(address(f"f{number}"), found, rng) as call:
            call.set_arguments(values)
            run(call.machine)
            assert call.machine.registers[31] == call.sp
            for n, kind in enumerate(kinds):
                stored = call.machine.memory.read(address("out") + 512 * n, kind.size)
                assert same(kind, stored, values[n]), shown(case, "is called with", found, n)
            if whole.result.kind != "void":
                returned = values[[*case.fixed, *case.variable].index(case.result)]
                assert same(whole.result, call.result(whole.result.size), returned), shown(case, "returns", found, None)
        # The same by Python's values.
        python = make_frame_call(prototype, convention, enter(address(f"f{number}")))
        if not variable:
            given = [codec(kind).unpack(value) for kind, value in zip(kinds, values, strict=True)]
            returned_value = python(*given)
            machine = ReferenceMachine(HostMemory())
            for n, (kind, value) in enumerate(zip(kinds, given, strict=True)):
                stored = machine.memory.read(address("out") + 512 * n, kind.size)
                assert same(kind, stored, codec(kind).pack(value, [])), shown(case, "takes from Python", found, n)
            if whole.result.kind != "void":
                assert equal(whole.result, returned_value, returned), shown(case, "gives Python", found, None)
    loaded.close()


@pytest.mark.parametrize(("opt", "variadic"), [("-O0", False), ("-O2", False), ("-O0", True), ("-O2", True)])
@pytest.mark.parametrize("target", TARGETS)
def test_the_compiler_has_the_same_places_for_all_types(target: str, opt: str, variadic: bool) -> None:
    check(1, target, opt, variadic=variadic)


@pytest.mark.parametrize("variadic", [False, True])
def test_gcc_has_the_same_places(variadic: bool) -> None:
    check(1, "linux", "-O2", variadic=variadic, gcc=True)


@pytest.mark.long
@pytest.mark.parametrize("variadic", [False, True])
@pytest.mark.parametrize("seed", range(2, 12))
def test_gcc_has_the_same_places_for_many(seed: int, variadic: bool) -> None:
    check(seed, "linux", "-O0" if seed % 2 else "-O2", variadic=variadic, gcc=True)


@pytest.mark.long
@pytest.mark.parametrize("variadic", [False, True])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("seed", range(2, 52))
def test_the_compiler_has_the_same_places_for_many(target: str, seed: int, variadic: bool) -> None:
    check(seed, target, "-O0" if seed % 2 else "-O2", variadic=variadic)
