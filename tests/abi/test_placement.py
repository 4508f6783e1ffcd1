"""The places of arguments and results, against the manuals and against what a compiler makes."""

from __future__ import annotations

import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armexec import SignatureError
from armexec.abi import calling_convention, parse_prototype, passes_scalars_in_registers, place_in_registers
from armexec.abi.placement import CallingConvention, Part, Placement, StackSlot
from armexec.cpu.registers import Kind
from armexec.engines.reference import ReferenceEngine, step
from armexec.machines.interpreter.machine import ReferenceMachine
from armexec.machines.traps import EXIT
from armexec.memory import HostMemory, guest_stack
from armexec.objects import Image, Prototype, Section, load_image
from armexec.toolchain import compile_object

CONVENTIONS: tuple[CallingConvention, ...] = ("aapcs64", "apple")
TYPES = (
    *("_Bool", "char", "signed char", "unsigned char", "short", "unsigned short", "enum e", "int", "unsigned int"),
    *("long", "unsigned long", "void *", "_Float16", "__bf16", "float", "double"),
)
FLOATS = TYPES[-4:]


def parse(text: str, convention: CallingConvention) -> Prototype:
    return parse_prototype(text, apple=convention == "apple")


def placement(text: str, convention: CallingConvention) -> Placement:
    return Placement.of(parse(text, convention), convention)


def shown(part: Part) -> str:
    place = f"sp+{part.place.offset}" if isinstance(part.place, StackSlot) else part.place.name
    if part.format == "address":
        return f"address {place}"
    return place if part.extension == "none" else f"{place} {part.extension}"


def places(text: str, convention: CallingConvention) -> str:
    """The places of the arguments, and of the result."""
    found = placement(text, convention)
    arguments = ", ".join(shown(part) for parts in found.arguments for part in parts)
    return f"{arguments} -> {', '.join(map(shown, found.result))}".strip()


# -- the manuals ------------------------------------------------------------------------------------------------------


SEVEN_INTS = ", ".join(["int"] * 7)
EIGHT_INTS = ", ".join(["int"] * 8)
EIGHT_DOUBLES = ", ".join(["double"] * 8)
X0_TO_X6 = ", ".join(f"x{n}" for n in range(7))
X0_TO_X7 = ", ".join(f"x{n}" for n in range(8))
V0_TO_V7 = ", ".join(f"v{n}" for n in range(8))


@pytest.mark.parametrize(
    ("prototype", "aapcs64", "apple"),
    [
        ("void()", "->", "->"),
        ("int(int)", "x0 -> x0", "x0 -> x0"),
        ("double(int, double, void *, float)", "x0, v0, x1, v1 -> v0", "x0, v0, x1, v1 -> v0"),
        ("_Float16(__bf16, _Float16)", "v0, v1 -> v0", "v0, v1 -> v0"),
        ("char *(enum e, const double *)", "x0, x1 -> x0", "x0, x1 -> x0"),
        # Apple: "the caller of a function is responsible for signing or zero-extending any argument with fewer than
        # 32 bits".
        ("signed char(char, unsigned char)", "x0, x1 -> x0", "x0 sign, x1 zero -> x0 sign"),
        ("_Bool(short, unsigned short, _Bool)", "x0, x1, x2 -> x0", "x0 sign, x1 zero, x2 zero -> x0 zero"),
        # The ninth of a kind is on the stack, and those of the other kind aren't.
        (f"int({EIGHT_INTS}, int, double)", f"{X0_TO_X7}, sp+0, v0 -> x0", f"{X0_TO_X7}, sp+0, v0 -> x0"),
        (f"void({EIGHT_DOUBLES}, double, int)", f"{V0_TO_V7}, sp+0, x0 ->", f"{V0_TO_V7}, sp+0, x0 ->"),
        # Apple, "Update code that passes arguments to C functions": slots are no larger than the arguments.
        (f"void({EIGHT_INTS}, char, char)", f"{X0_TO_X7}, sp+0, sp+8 ->", f"{X0_TO_X7}, sp+0, sp+1 ->"),
        (f"void({EIGHT_INTS}, int, int)", f"{X0_TO_X7}, sp+0, sp+8 ->", f"{X0_TO_X7}, sp+0, sp+4 ->"),
        (
            f"void({EIGHT_INTS}, char, short, _Bool, int, char, long, char, void *)",
            f"{X0_TO_X7}, sp+0, sp+8, sp+16, sp+24, sp+32, sp+40, sp+48, sp+56 ->",
            f"{X0_TO_X7}, sp+0, sp+2, sp+4, sp+8, sp+12, sp+16, sp+24, sp+32 ->",
        ),
        (
            f"void({EIGHT_DOUBLES}, _Float16, float, __bf16, double)",
            f"{V0_TO_V7}, sp+0, sp+8, sp+16, sp+24 ->",
            f"{V0_TO_V7}, sp+0, sp+4, sp+8, sp+16 ->",
        ),
        (
            f"void({EIGHT_INTS}, {EIGHT_DOUBLES}, short, float, long)",
            f"{X0_TO_X7}, {V0_TO_V7}, sp+0, sp+8, sp+16 ->",
            f"{X0_TO_X7}, {V0_TO_V7}, sp+0, sp+4, sp+8 ->",
        ),
    ],
)
def test_places(prototype: str, aapcs64: str, apple: str) -> None:
    assert (places(prototype, "aapcs64"), places(prototype, "apple")) == (aapcs64, apple)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_the_formats_of_values(convention: CallingConvention) -> None:
    found = placement(f"void({', '.join(TYPES)})", convention)
    char = "signed" if convention == "apple" else "unsigned"
    assert [(part.format, part.size) for parts in found.arguments for part in parts] == [
        *(("unsigned", 1), (char, 1), ("signed", 1), ("unsigned", 1), ("signed", 2), ("unsigned", 2)),
        *(("unsigned", 4), ("signed", 4), ("unsigned", 4), ("signed", 8), ("unsigned", 8), ("unsigned", 8)),
        *(("binary16", 2), ("bfloat16", 2), ("binary32", 4), ("binary64", 8)),
    ]


@pytest.mark.parametrize(
    ("arguments", "aapcs64", "apple"), [(8, 0, 0), (9, 16, 16), (10, 16, 16), (11, 32, 16), (12, 32, 16), (13, 48, 32)]
)
def test_the_stack_is_aligned_to_16_bytes(arguments: int, aapcs64: int, apple: int) -> None:
    text = f"void({', '.join(['int'] * arguments)})"
    assert [placement(text, convention).stack_size for convention in CONVENTIONS] == [aapcs64, apple]


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize(
    ("prototype", "message"),
    [
        ("void(int, struct s)", "parameter 2 has type struct s: its members aren't known"),
        ("struct s(void)", "the result has type struct s: its members aren't known"),
        # The result comes first, as in the prototype.
        ("union u(struct s)", "the result has type union u"),
    ],
)
def test_what_cannot_be_placed_is_refused(prototype: str, message: str, convention: CallingConvention) -> None:
    with pytest.raises(SignatureError, match=message):
        placement(prototype, convention)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_scalars_in_registers(convention: CallingConvention) -> None:
    in_registers = parse(f"int({EIGHT_INTS}, {EIGHT_DOUBLES})", convention)
    assert passes_scalars_in_registers(in_registers)
    assert place_in_registers(in_registers, convention) == Placement.of(in_registers, convention)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize(
    "prototype",
    [
        f"int({EIGHT_INTS}, void *)",
        f"int({EIGHT_DOUBLES}, int, _Float16)",
        "void(int, __int128)",
        "struct s { int x; }; struct s f(void)",
        "void(int8x8_t)",
        "void(_Float128)",
        "void(int, ...)",
    ],
)
def test_others_are_told_from_scalars_in_registers(prototype: str, convention: CallingConvention) -> None:
    found = parse(prototype, convention)
    assert not passes_scalars_in_registers(found)
    with pytest.raises(SignatureError, match="has other arguments than scalars of up to 64 bits in registers"):
        place_in_registers(found, convention)


def test_half_precision_has_no_place_among_apples_variable_arguments() -> None:
    prototype = parse("void(int, ...)", "apple")
    half = parse("void(_Float16)", "apple").parameters[0].type
    assert Placement.of(prototype, "aapcs64", [half]).arguments[1][0].format == "binary16"
    with pytest.raises(SignatureError, match="parameter 2 has type _Float16: Apple's convention has no place"):
        Placement.of(prototype, "apple", [half])


@pytest.mark.parametrize(("platform", "host"), [("linux", "aapcs64"), ("darwin", "apple")])
def test_the_convention_of_an_image(monkeypatch: pytest.MonkeyPatch, platform: str, host: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    formats = ("elf", "macho", "words")
    found = [
        calling_convention(Image.from_code("code", [Section(".text", bytes(4))], format=format)) for format in formats
    ]
    assert [*found, calling_convention(None)] == ["aapcs64", "apple", host, host]


@pytest.mark.parametrize(
    ("prototype", "aapcs64", "apple"),
    [
        # The AAPCS64's rule C.10: an even register; Apple has none of it.
        ("__int128(int, __int128)", "x0, x2, x3 -> x0, x1", "x0, x1, x2 -> x0, x1"),
        (f"void({SEVEN_INTS}, __int128, int)", f"{X0_TO_X6}, sp+0, sp+16 ->", f"{X0_TO_X6}, sp+0, sp+16 ->"),
        ("struct { long a, b; } f(int, struct { long a, b; })", "x0, x1, x2 -> x0, x1", "x0, x1, x2 -> x0, x1"),
        ("void(struct { float a[4]; })", "v0, v1, v2, v3 ->", "v0, v1, v2, v3 ->"),
        ("void(struct { float a[5]; })", "address x0 ->", "address x0 ->"),
        ("void(struct { float a; int b; })", "x0 ->", "x0 ->"),
        ("struct { long a[3]; } f(void)", "-> address x8", "-> address x8"),
        ("double _Complex f(float _Complex)", "v0, v1 -> v0, v1", "v0, v1 -> v0, v1"),
        ("float32x4x2_t f(int8x16_t, int64x1x4_t)", "v0, v1, v2, v3, v4 -> v0, v1", "v0, v1, v2, v3, v4 -> v0, v1"),
        ("void(struct { int8x8_t a; float b; })", "x0, x1 ->", "x0, x1 ->"),
        ("void(int, struct { long a, b; } __attribute__((aligned(16))))", "x0, x1, x2 ->", "x0, x1, x2 ->"),
        ("void(int, struct { _Alignas(16) long a; })", "x0, x2, x3 ->", "x0, x1, x2 ->"),
        ("void(struct { }, int)", "x0 ->", "x0 ->"),
        ("void(long double)", "v0 ->", "v0 ->"),
    ],
)
def test_places_of_larger_types(prototype: str, aapcs64: str, apple: str) -> None:
    assert (places(prototype, "aapcs64"), places(prototype, "apple")) == (aapcs64, apple)


# -- laws -------------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(TYPES), max_size=40), st.sampled_from(TYPES), st.sampled_from(CONVENTIONS))
def test_laws(types: list[str], result: str, convention: CallingConvention) -> None:
    prototype = parse(f"{result} f({', '.join(types)})", convention)
    found = Placement.of(prototype, convention)
    # Every byte of each value is in one place.
    for ctype, parts in zip((p.type for p in prototype.parameters), found.arguments, strict=True):
        assert [at for part in parts for at in range(part.offset, part.offset + part.size)] == [*range(ctype.size)]
    assert [range(part.offset, part.size) for part in found.result] == [range(prototype.result.size)]
    parts = [part for parts in found.arguments for part in parts]
    # Registers are taken in order, and all of them before the stack.
    for kind, is_float in ((Kind.GENERAL, False), (Kind.VECTOR, True)):
        own = [part for part in parts if part.format.startswith("b") == is_float]
        registers = [part.place for part in own if not isinstance(part.place, StackSlot)]
        assert [(register.kind, register.n) for register in registers] == [(kind, n) for n in range(min(len(own), 8))]
        assert all(isinstance(part.place, StackSlot) for part in own[8:])
    # Slots hold their parts, are aligned, in order, and don't overlap.
    end = 0
    for part in parts:
        if isinstance(part.place, StackSlot):
            slot, size = part.place
            assert slot >= end
            assert slot % size == 0
            assert size == (part.size if convention == "apple" else 8)
            end = slot + size
    assert end <= found.stack_size < end + 16
    assert found.stack_size % 16 == 0
    # More arguments don't move the first ones.
    half = Placement.of(parse(f"{result} f({', '.join(types[: len(types) // 2])})", convention), convention)
    assert half.arguments == found.arguments[: len(types) // 2]
    assert half.result == found.result


# -- the compiler -----------------------------------------------------------------------------------------------------


COUNT = 100
"""Functions of a compilation."""
MOST = 24
"""Maximum number of arguments."""
STRIDE = 16
"""Bytes of the C variable `out` for an argument: its own bytes, and from 8 the integer extended to 64 bits."""


def random_prototypes(seed: int) -> list[tuple[str, list[str]]]:
    """Results and types of the parameters, of which many are of one kind or small."""
    rng = random.Random(seed)
    found = []
    for _ in range(COUNT):
        pool = rng.choice([TYPES, FLOATS, TYPES[:-4], TYPES[:6], ("char", "long", "_Float16", "double")])
        types = [rng.choice(pool) for _ in range(rng.randint(0, MOST))]
        found.append((rng.choice(types) if types else "void", types))
    return found


def source(prototypes: list[tuple[str, list[str]]]) -> str:
    """Functions that store their arguments in `out`, and return the first one of the result's type."""
    lines = ["enum e { A, B };", f"unsigned char out[{MOST * STRIDE}];"]
    for number, (result, types) in enumerate(prototypes):
        lines.append(f"{result} f{number}({', '.join(f'{kind} p{i}' for i, kind in enumerate(types)) or 'void'}) {{")
        for i, kind in enumerate(types):
            lines.append(f"  *({kind} *)(out + {STRIDE * i}) = p{i};")
            if kind not in FLOATS and kind != "void *":
                lines.append(f"  *(long *)(out + {STRIDE * i + 8}) = p{i};")
        if types:
            lines.append(f"  return p{types.index(result)};")
        lines.append("}")
    return "\n".join(lines)


def extended(part: Part, value: int, bits: int) -> int:
    """The value as an integer of more bits."""
    sign = value >> 8 * part.size - 1 & 1
    return (value - (sign << 8 * part.size) if part.format == "signed" else value) & (1 << bits) - 1


class Call:
    """A call on the reference engine's machine, whose unspecified bits are random."""

    def __init__(self, address: int, found: Placement, values: list[int], rng: random.Random) -> None:
        self.machine = machine = ReferenceMachine(HostMemory())
        machine.registers[:] = [rng.getrandbits(64) for _ in range(32)]
        machine.vectors[:] = [rng.getrandbits(128) for _ in range(32)]
        with guest_stack() as stack:
            sp = machine.registers[31] = stack.stack_pointer - found.stack_size
            machine.memory.write(sp, rng.randbytes(found.stack_size))
            for parts, value in zip(found.arguments, values, strict=True):
                for part in parts:
                    self.set(part, value >> 8 * part.offset)
            machine.registers[30] = EXIT
            machine.pc = address
            while machine.pc != EXIT:
                step(machine)
            assert machine.registers[31] == sp

    def set(self, part: Part, value: int) -> None:
        machine, place = self.machine, part.place
        if isinstance(place, StackSlot):
            machine.memory.write(machine.registers[31] + place.offset, value.to_bytes(part.size, "little"))
            return
        registers = machine.vectors if place.kind is Kind.VECTOR else machine.registers
        size = 8 * part.size if part.extension == "none" else 32
        low = value if part.extension == "none" else extended(part, value, 32)
        registers[place.n] = registers[place.n] >> size << size | low

    def result(self, part: Part) -> int:
        """The value of a result, whose extension is checked."""
        place = part.place
        assert not isinstance(place, StackSlot)
        registers = self.machine.vectors if place.kind is Kind.VECTOR else self.machine.registers
        bits = registers[place.n]
        value = bits & (1 << 8 * part.size) - 1
        assert part.extension == "none" or bits & 0xFFFF_FFFF == extended(part, value, 32)
        return value


@pytest.mark.parametrize("opt", ["-O0", "-O2"])
@pytest.mark.parametrize("target", ["linux", "apple"])
def test_the_compiler_has_the_same_places(target: str, opt: str) -> None:
    convention: CallingConvention = "apple" if target == "apple" else "aapcs64"
    prototypes = random_prototypes(7)
    data = compile_object(source(prototypes), language="c", target=target, opt=opt, debug=False).data
    image = load_image(data)
    assert calling_convention(image) == convention
    loaded = ReferenceEngine().load(image, lambda symbol: None)
    rng = random.Random(8)
    offset = image.find("out").offset
    assert offset is not None
    on_stack = 0
    for number, (result, types) in enumerate(prototypes):
        prototype = parse(f"{result} f({', '.join(types)})", convention)
        found = Placement.of(prototype, convention)
        on_stack += found.stack_size > 0
        values = [
            rng.getrandbits(1 if kind == "_Bool" else 8 * parts[0].size)
            for kind, parts in zip(types, found.arguments, strict=True)
        ]
        call = Call(loaded.base + image.function(f"f{number}").offset, found, values, rng)
        out = loaded.region.read(offset, STRIDE * len(types))
        for i, ((part,), value) in enumerate(zip(found.arguments, values, strict=True)):
            stored = out[STRIDE * i : STRIDE * (i + 1)]
            where = f"argument {i} of {prototype}: {part}"
            assert int.from_bytes(stored[: part.size], "little") == value, where
            if types[i] not in FLOATS and types[i] != "void *":
                assert int.from_bytes(stored[8:], "little") == extended(part, value, 64), where
        returned = [call.result(part) for part in found.result]
        assert returned == ([values[types.index(result)]] if types else []), prototype
    assert on_stack > COUNT // 3
    loaded.close()
