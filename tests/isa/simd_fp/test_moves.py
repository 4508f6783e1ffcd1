"""What SIMD&FP loads, stores, structures, copies, permutes and immediates do, on the reference machine."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armexec import Error
from armexec.asm import assemble
from armexec.isa import decode
from armexec.isa.operands.simd import expand_float_immediate, float_immediate_bits
from armexec.machines.traps import Trap, TrapKind
from armexec.memory import AccessError

from ..machine import Memory, execute

BASE = 0x2000
ONES = 2**128 - 1
LOW = 0xFFEE_DDCC_BBAA_9988_7766_5544_3322_1100
"""Every byte differs."""
HIGH = 0x0F1E_2D3C_4B5A_6978_8796_A5B4_C3D2_E1F0


class Short(Memory):
    """Memory of `size` bytes from BASE on."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.end = BASE + size

    def _check(self, address: int, size: int, access: str) -> None:
        if address < BASE or address + size > self.end:
            raise AccessError(max(address, self.end), access)

    def read(self, address: int, size: int) -> bytes:
        self._check(address, size, "read")
        return super().read(address, size)

    def write(self, address: int, data: bytes) -> None:
        self._check(address, len(data), "write")
        super().write(address, data)


def filled(data: bytes, address: int = BASE) -> Memory:
    memory = Memory()
    memory.write(address, data)
    return memory


def lanes(value: int, esize: int, count: int) -> list[int]:
    return [value >> i * esize & ((1 << esize) - 1) for i in range(count)]


def joined(values: list[int], esize: int) -> int:
    return sum(value << i * esize for i, value in enumerate(values))


# -- one register and pairs ------------------------------------------------------------------------------------

SIZES = {"b": 1, "h": 2, "s": 4, "d": 8, "q": 16}


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize(
    ("address", "registers", "left"),
    [
        ("[x1, #32]", {1: BASE - 32}, 0),
        ("[x1, #-3]", {1: BASE + 3}, 0),
        ("[x1, x2]", {1: BASE - 48, 2: 48}, 0),
        ("[x1, w2, sxtw]", {1: BASE + 48, 2: 2**32 - 48}, 0),
        ("[x1], #-7", {1: BASE}, -7),
        ("[x1, #7]!", {1: BASE - 7}, 7),
    ],
)
def test_loads_and_stores_of_one_register(kind: str, address: str, registers: dict[int, int], left: int) -> None:
    size = SIZES[kind]
    mask = (1 << 8 * size) - 1
    loaded = execute(f"ldr {kind}3, {address}", registers, memory=filled(LOW.to_bytes(16, "little")), vectors={3: ONES})
    assert loaded.vectors[3] == LOW & mask
    assert loaded.registers[1] == registers[1] + left
    memory = filled(bytes([0x5A] * 17))
    execute(f"str {kind}3, {address}", registers, memory=memory, vectors={3: HIGH})
    assert memory.read(BASE, 17) == (HIGH & mask).to_bytes(size, "little") + bytes([0x5A] * (17 - size))


@pytest.mark.parametrize(("kind", "shift"), [("b", 0), ("h", 1), ("s", 2), ("d", 3), ("q", 4)])
def test_index_scaled_by_the_size(kind: str, shift: int) -> None:
    memory = filled(LOW.to_bytes(16, "little"), BASE + (5 << shift))
    found = execute(f"ldr {kind}0, [x1, x2, lsl #{shift}]", {1: BASE, 2: 5}, memory=memory).vectors[0]
    assert found == LOW & (1 << (8 << shift)) - 1


@pytest.mark.parametrize("kind", ["s", "d", "q"])
def test_literals(kind: str) -> None:
    memory = filled(LOW.to_bytes(16, "little"), 0x1_0000 + 64)
    mask = (1 << 8 * SIZES[kind]) - 1
    assert execute(f"ldr {kind}31, #64", memory=memory, vectors={31: ONES}).vectors[31] == LOW & mask


@pytest.mark.parametrize("kind", ["s", "d", "q"])
@pytest.mark.parametrize(("address", "left"), [("[x1, #{0}]", 0), ("[x1], #-{0}", -1), ("[x1, #{0}]!", 1)])
@pytest.mark.parametrize("stem", ["p", "np"])
def test_pairs(kind: str, address: str, left: int, stem: str) -> None:
    if stem == "np" and left:
        return
    size = SIZES[kind]
    mask = (1 << 8 * size) - 1
    where = address.format(size)
    start = BASE - size if left >= 0 else BASE
    data = (LOW & mask).to_bytes(size, "little") + (HIGH & mask).to_bytes(size, "little")
    loaded = execute(f"ld{stem} {kind}1, {kind}0, {where}", {1: start}, memory=filled(data), vectors={0: ONES, 1: ONES})
    assert (loaded.vectors[1], loaded.vectors[0]) == (LOW & mask, HIGH & mask)
    assert loaded.registers[1] == start + left * size
    memory = Memory()
    stored = execute(f"st{stem} {kind}1, {kind}0, {where}", {1: start}, memory=memory, vectors={1: LOW, 0: HIGH})
    assert memory.content == dict(enumerate(data, BASE))
    assert stored.registers[1] == start + left * size


@pytest.mark.parametrize(
    "text",
    [
        "ldp q0, q1, [x1], #32",
        "ld1 {v0.16b, v1.16b}, [x1], #32",
        "ld2 {v0.8b, v1.8b}, [x1], x3",
        "ld4 {v0.s, v1.s, v2.s, v3.s}[1], [x1], #16",
        "ld3r {v0.2d, v1.2d, v2.2d}, [x1], #24",
        "ldr q0, [x1, #8]!",
    ],
)
def test_a_load_that_faults_changes_no_register(text: str) -> None:
    memory = Short(15)
    machine = execute("nop", {1: BASE}, memory=memory, vectors={0: LOW, 1: HIGH, 2: LOW, 3: HIGH})
    before = (list(machine.registers), list(machine.vectors))
    decoded = decode(assemble(text).words[0])
    assert decoded is not None
    with pytest.raises(Trap) as caught:
        decoded.instruction.semantics(machine, *decoded.fields.values())
    assert (caught.value.kind, caught.value.detail) == (TrapKind.READ, BASE + 15)
    assert (machine.registers, machine.vectors) == before


@pytest.mark.parametrize(
    "text", ["ldr q0, [sp]", "stp d0, d1, [sp, #-16]!", "ld1 {v0.8b}, [sp]", "st2 {v0.b, v1.b}[3], [sp], x1"]
)
def test_the_stack_pointer_must_be_aligned(text: str) -> None:
    with pytest.raises(Trap) as caught:
        execute(text, {31: BASE + 8})
    assert caught.value.kind is TrapKind.ALIGNMENT
    execute(text, {31: BASE + 16})
    execute(text.replace("sp", "x1"), {1: BASE + 3})


# -- structures ------------------------------------------------------------------------------------------------

ARRANGEMENTS = {"8b": (8, 8), "16b": (16, 8), "4h": (4, 16), "8h": (8, 16), "2s": (2, 32), "4s": (4, 32), "2d": (2, 64)}
MULTIPLE = st.tuples(
    st.sampled_from(sorted(ARRANGEMENTS)),
    st.sampled_from([(1, 1), (1, 2), (1, 3), (1, 4), (2, 2), (3, 3), (4, 4)]),
    st.integers(0, 31),
    st.sampled_from(["", ", x2", ", bytes"]),
    st.randoms(use_true_random=False),
)


@settings(max_examples=150, deadline=None)
@given(MULTIPLE)
def test_multiple_structures(case: tuple[str, tuple[int, int], int, str, random.Random]) -> None:
    arrangement, (elements, count), first, index, rng = case
    amount, esize = ARRANGEMENTS[arrangement]
    size = amount * esize // 8 * count
    numbers = [(first + i) % 32 for i in range(count)]
    names = "{" + ", ".join(f"v{n}.{arrangement}" for n in numbers) + "}"
    text = f"{elements} {names}, [x1]{index.replace('bytes', f'#{size}')}"
    data = rng.randbytes(size)
    # As the manual says it: element by element, through the registers where there are structures.
    expected = [[0] * amount for _ in range(count)]
    values = [int.from_bytes(data[i : i + esize // 8], "little") for i in range(0, size, esize // 8)]
    for i, value in enumerate(values):
        register, element = (i % count, i // count) if elements > 1 else (i // amount, i % amount)
        expected[register][element] = value
    loaded = execute(f"ld{text}", {1: BASE, 2: 1000}, memory=filled(data), vectors=dict.fromkeys(range(32), ONES))
    for number in range(32):
        wanted = joined(expected[numbers.index(number)], esize) if number in numbers else ONES
        assert loaded.vectors[number] == wanted
    assert loaded.registers[1] == BASE + {"": 0, ", x2": 1000, ", bytes": size}[index]
    memory = Memory()
    vectors = {
        number: loaded.vectors[number] | rng.getrandbits(64) << 64 * (amount * esize // 64) for number in numbers
    }
    vectors = {number: value & ONES for number, value in vectors.items()}
    stored = execute(f"st{text}", {1: BASE, 2: 1000}, memory=memory, vectors=vectors)
    assert memory.content == dict(enumerate(data, BASE))
    assert stored.registers[1] == loaded.registers[1]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from("bhsd"),
    st.integers(1, 4),
    st.integers(0, 31),
    st.integers(0, 15),
    st.sampled_from(["", ", x2", ", bytes"]),
    st.randoms(use_true_random=False),
)
def test_single_structures(kind: str, count: int, first: int, index: int, post: str, rng: random.Random) -> None:
    size = SIZES[kind]
    index %= 16 // size
    numbers = [(first + i) % 32 for i in range(count)]
    names = "{" + ", ".join(f"v{n}.{kind}" for n in numbers) + "}"
    text = f"{count} {names}[{index}], [x1]{post.replace('bytes', f'#{size * count}')}"
    left = BASE + {"": 0, ", x2": 1000, ", bytes": size * count}[post]
    data = rng.randbytes(size * count)
    before = {number: rng.getrandbits(128) for number in range(32)}
    loaded = execute(f"ld{text}", {1: BASE, 2: 1000}, memory=filled(data), vectors=before)
    for number in range(32):
        wanted = bytearray(before[number].to_bytes(16, "little"))
        if number in numbers:
            place = numbers.index(number) * size
            wanted[index * size : (index + 1) * size] = data[place : place + size]
        assert loaded.vectors[number] == int.from_bytes(wanted, "little")
    memory = Memory()
    stored = execute(f"st{text}", {1: BASE, 2: 1000}, memory=memory, vectors=dict(enumerate(loaded.vectors)))
    assert memory.content == dict(enumerate(data, BASE))
    assert stored.registers[1] == loaded.registers[1] == left


@pytest.mark.parametrize("arrangement", sorted(ARRANGEMENTS))
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_replicates(arrangement: str, count: int) -> None:
    amount, esize = ARRANGEMENTS[arrangement]
    names = ", ".join(f"v{(30 + i) % 32}.{arrangement}" for i in range(count))
    data = (HIGH << 128 | LOW).to_bytes(32, "little")
    text = f"ld{count}r {{{names}}}, [x1], #{count * esize // 8}"
    machine = execute(text, {1: BASE}, memory=filled(data), vectors=dict.fromkeys(range(32), ONES))
    for i in range(count):
        element = int.from_bytes(data[i * esize // 8 : (i + 1) * esize // 8], "little")
        assert machine.vectors[(30 + i) % 32] == joined([element] * amount, esize)
    assert machine.registers[1] == BASE + count * esize // 8


def test_structures_of_single_doublewords_are_reserved() -> None:
    for text in ("ld2 {v0.1d, v1.1d}, [x0]", "st4 {v0.1d-v3.1d}, [x0]"):
        with pytest.raises(Error):
            assemble(text)
    # LD2 and LD1 with size:Q of 1D.
    assert decode(0x0C408C00) is None
    assert decode(0x0C40AC00) is not None


# -- copies ----------------------------------------------------------------------------------------------------

GENERAL = 0x8182_8384_8586_8788


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dup v0.16b, v1.b[15]", 0xFF * (ONES // 0xFF)),
        ("dup v0.8b, v1.b[8]", 0x8888_8888_8888_8888),
        ("dup v0.4h, v1.h[6]", 0xDDCC_DDCC_DDCC_DDCC),
        ("dup v0.4s, v1.s[2]", 0xBBAA9988_BBAA9988_BBAA9988_BBAA9988),
        ("dup v0.2d, v1.d[0]", 0x7766554433221100_7766554433221100),
        ("dup v0.8b, w2", 0x8888_8888_8888_8888),
        ("dup v0.8h, w2", 0x8788 * (ONES // 0xFFFF)),
        ("dup v0.2s, w2", 0x85868788_85868788),
        ("dup v0.2d, x2", GENERAL << 64 | GENERAL),
        ("dup v0.4s, wzr", 0),
        ("mov b0, v1.b[15]", 0xFF),
        ("mov h0, v1.h[7]", 0xFFEE),
        ("mov s0, v1.s[1]", 0x77665544),
        ("mov d0, v1.d[1]", LOW >> 64),
        ("mov v0.b[3], w2", 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_88FFFFFF),
        ("mov v0.h[7], w2", 0x8788FFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF),
        ("mov v0.s[1], w2", 0xFFFFFFFF_FFFFFFFF_85868788_FFFFFFFF),
        ("mov v0.d[0], x2", (ONES << 64 | GENERAL) & ONES),
        ("mov v0.b[0], v1.b[15]", ONES),
        ("mov v0.b[15], v1.b[1]", 0x11FFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF),
        ("mov v0.h[1], v1.h[2]", 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_5544FFFF),
        ("mov v0.s[3], v1.s[0]", 0x33221100_FFFFFFFF_FFFFFFFF_FFFFFFFF),
        ("mov v0.d[1], v1.d[0]", 0x77665544_33221100_FFFFFFFF_FFFFFFFF),
        ("fmov s0, w2", 0x85868788),
        ("fmov d0, x2", GENERAL),
        ("fmov h0, w2", 0x8788),
        ("fmov h0, x2", 0x8788),
        ("fmov v0.d[1], x2", GENERAL << 64 | ONES >> 64),
        ("fmov d0, #0.0", 0),
    ],
)
def test_copies_to_vectors(text: str, expected: int) -> None:
    assert execute(text, {2: GENERAL}, vectors={0: ONES, 1: LOW}).vectors[0] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("umov w0, v1.b[15]", 0xFF),
        ("umov w0, v1.h[4]", 0x9988),
        ("mov w0, v1.s[3]", 0xFFEEDDCC),
        ("mov x0, v1.d[1]", LOW >> 64),
        ("smov w0, v1.b[8]", 0xFFFFFF88),
        ("smov x0, v1.b[8]", 0xFFFFFFFF_FFFFFF88),
        ("smov x0, v1.b[7]", 0x77),
        ("smov w0, v1.h[4]", 0xFFFF9988),
        ("smov x0, v1.h[4]", 0xFFFFFFFF_FFFF9988),
        ("smov x0, v1.s[2]", 0xFFFFFFFF_BBAA9988),
        ("fmov w0, s1", 0x33221100),
        ("fmov x0, d1", 0x77665544_33221100),
        ("fmov w0, h1", 0x1100),
        ("fmov x0, h1", 0x1100),
        ("fmov x0, v1.d[1]", LOW >> 64),
    ],
)
def test_copies_to_general_registers(text: str, expected: int) -> None:
    assert execute(text, {0: 2**64 - 1}, vectors={1: LOW}).registers[0] == expected


# -- permutes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arrangement", sorted(ARRANGEMENTS))
@pytest.mark.parametrize("name", ["zip1", "zip2", "uzp1", "uzp2", "trn1", "trn2"])
def test_permutes(arrangement: str, name: str) -> None:
    amount, esize = ARRANGEMENTS[arrangement]
    a, b = lanes(LOW, esize, amount), lanes(HIGH, esize, amount)
    part = int(name[3]) - 1
    if name.startswith("zip"):
        half = slice(part * amount // 2, (part + 1) * amount // 2)
        expected = [value for pair in zip(a[half], b[half], strict=True) for value in pair]
    elif name.startswith("uzp"):
        expected = (a + b)[part::2]
    else:
        expected = [value for pair in zip(a[part::2], b[part::2], strict=True) for value in pair]
    # The destination is a source as well.
    text = f"{name} v1.{arrangement}, v1.{arrangement}, v2.{arrangement}"
    assert execute(text, vectors={1: LOW, 2: HIGH}).vectors[1] == joined(expected, esize)


@pytest.mark.parametrize(("arrangement", "size"), [("8b", 8), ("16b", 16)])
def test_extract(arrangement: str, size: int) -> None:
    for index in range(size):
        text = f"ext v0.{arrangement}, v1.{arrangement}, v2.{arrangement}, #{index}"
        both = lanes(LOW, 8, size) + lanes(HIGH, 8, size)
        assert execute(text, vectors={0: ONES, 1: LOW, 2: HIGH}).vectors[0] == joined(both[index : index + size], 8)
    with pytest.raises(Error, match=f"out of range 0..{size - 1}"):
        assemble(f"ext v0.{arrangement}, v1.{arrangement}, v2.{arrangement}, #{size}")
    # imm4<3> with Q clear.
    assert decode(0x2E004000) is None


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["tbl", "tbx"]),
    st.sampled_from([("8b", 8), ("16b", 16)]),
    st.integers(1, 4),
    st.integers(0, 31),
    st.lists(st.integers(0, 70) | st.integers(0, 255), min_size=16, max_size=16),
    st.randoms(use_true_random=False),
)
def test_table_lookup(
    name: str, shape: tuple[str, int], count: int, first: int, indices: list[int], rng: random.Random
) -> None:
    arrangement, size = shape
    vectors = {number: rng.getrandbits(128) for number in range(32)}
    numbers = [(first + i) % 32 for i in range(count)]
    vectors[5] = joined(indices, 8)
    table = b"".join(vectors[number].to_bytes(16, "little") for number in numbers)
    old = vectors[6].to_bytes(16, "little")
    expected = [
        table[i] if i < len(table) else old[place] if name == "tbx" else 0 for place, i in enumerate(indices[:size])
    ]
    text = f"{name} v6.{arrangement}, {{{', '.join(f'v{n}.16b' for n in numbers)}}}, v5.{arrangement}"
    assert execute(text, vectors=vectors).vectors[6] == joined(expected, 8)


# -- immediates ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("movi v0.8b, #0xa5", 0xA5 * 0x0101_0101_0101_0101),
        ("movi v0.16b, #0x5a", 0x5A * (ONES // 0xFF)),
        ("movi v0.4h, #0x81, lsl #8", 0x8100_8100_8100_8100),
        ("movi v0.8h, #0x81", 0x81 * (ONES // 0xFFFF)),
        ("movi v0.2s, #0x81", 0x0000_0081_0000_0081),
        ("movi v0.2s, #0x81, lsl #16", 0x0081_0000_0081_0000),
        ("movi v0.4s, #0x81, lsl #24", 0x8100_0000 * (ONES // 0xFFFF_FFFF)),
        ("movi v0.2s, #0x81, msl #8", 0x0000_81FF_0000_81FF),
        ("movi v0.2s, #0x81, msl #16", 0x0081_FFFF_0081_FFFF),
        ("movi d0, #0xff0000ff00ffff00", 0xFF00_00FF_00FF_FF00),
        ("movi v0.2d, #0x00ff00000000ff00", 0x00FF_0000_0000_FF00 * (ONES // (2**64 - 1))),
        ("mvni v0.4h, #0x81", 0xFF7E_FF7E_FF7E_FF7E),
        ("mvni v0.2s, #0x81, lsl #8", 0xFFFF_7EFF_FFFF_7EFF),
        ("mvni v0.2s, #0x81, msl #8", 0xFFFF_7E00_FFFF_7E00),
        ("orr v0.2s, #0x0f, lsl #24", 0x7F66_5544_3F22_1100),
        ("orr v0.8h, #0xff", LOW | 0xFF * (ONES // 0xFFFF)),
        ("bic v0.4h, #0xff, lsl #8", 0x0066_0044_0022_0000),
        ("bic v0.4s, #0xff", LOW & ~(0xFF * (ONES // 0xFFFF_FFFF))),
        ("fmov v0.2s, #-1.5", 0xBFC0_0000_BFC0_0000),
        ("fmov v0.4s, #31.0", 0x41F8_0000 * (ONES // 0xFFFF_FFFF)),
        ("fmov v0.4h, #0.125", 0x3000_3000_3000_3000),
        ("fmov v0.2d, #1", 0x3FF0_0000_0000_0000 * (ONES // (2**64 - 1))),
    ],
)
def test_immediates(text: str, expected: int) -> None:
    assert execute(text, vectors={0: LOW}).vectors[0] == expected


def test_floating_point_immediates_of_every_format() -> None:
    for imm8 in range(256):
        value = expand_float_immediate(imm8)
        for size, code in ((16, "<e"), (32, "<f"), (64, "<d")):
            assert float_immediate_bits(imm8, size).to_bytes(size // 8, "little") == struct.pack(code, value)
        word = assemble(f"fmov v0.2d, #{value}").words[0]
        assert word == 0x6F00F400 | imm8 >> 5 << 16 | (imm8 & 31) << 5
        assert assemble(f"fmov v0.2d, #{value.hex()}\nfmov v0.2d, #{imm8:#x}").words == [word, word]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fmov v0.4s, #0.1", "can't be a floating-point immediate"),
        ("fmov v0.4s, #0x100", "out of range 0..255"),
        ("movi v0.4s, #256", "out of range 0..255"),
        ("movi v0.4s, #1, lsl #4", "0, 8, 16, 24"),
        ("movi v0.8h, #1, lsl #16", "0, 8"),
        ("movi v0.4s, #1, msl #0", "8, 16"),
        ("movi d0, #0x1234", "each of its 8 bytes"),
        ("ld1 {v0.4s, v2.4s}, [x0]", "v2.4s can't follow v0.4s"),
        ("ld3 {v0.4s - v3.4s}, [x0]", "4 registers can't stand here"),
        ("ld1 {v0.4s}, [x0], #8", "doesn't agree"),
        ("ld1 {v0.s}[4], [x0]", "out of range 0..3"),
        ("dup v0.4s, v1.s[4]", "out of range 0..3"),
        ("dup v0.4s, v1.h[1]", "doesn't agree"),
        ("dup v0.2d, w1", "X registers"),
        ("mov v0.s[1], x1", "W registers"),
        ("zip1 v0.4s, v1.4s, v2.2s", "doesn't agree"),
        ("zip1 v0.1d, v1.1d, v2.1d", "a vector register"),
        ("tbl v0.8b, {v1.8b}, v2.8b", "a list of 1 vector register"),
        ("ldp q0, q1, [x0, #8]", "multiple of 16"),
        ("umov w0, v1.d[0]", "an element"),
    ],
)
def test_errors(text: str, says: str) -> None:
    with pytest.raises(Error, match=says):
        assemble(text)


def test_reserved_arrangements_are_undefined() -> None:
    # DUP with imm5 = 0, DUP of D elements with Q clear, UMOV of a D element and SMOV of an S element to W, ZIP1 of 1D.
    for word in (0x0E000400, 0x0E080400, 0x0E100C00, 0x0E083C00, 0x0E042C00, 0x0EC03800):
        assert decode(word) is None
