"""The meaning of the integer SIMD instructions, against the manual's pseudocode for one element written out in Python.

An instruction is read from its text (which is LLVM's, another test says), so its fields are checked too.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from armexec.asm import assemble
from armexec.isa import Form, all_instructions, decode
from armexec.isa.operands import Context
from armexec.machines import system
from armexec.machines.interpreter.machine import ReferenceMachine

from ..machine import Memory

FORMS = [
    form
    for described in all_instructions()
    if ".simd_fp.integer." in described.semantics.__module__
    for form in described.forms
]
CONTEXT = Context(0, lambda address: None)
SIZES = {"b": 8, "h": 16, "s": 32, "d": 64, "q": 128}


def signed(value: int, size: int) -> int:
    """As two's complement; an immediate, which has no size, is itself."""
    return value - (1 << size) if size and value >> size - 1 else value


class Lane:
    """An element's operands: the sources n and m (or an immediate), and d, what the destination held."""

    def __init__(self, n: tuple[int, int], m: tuple[int, int], d: tuple[int, int]) -> None:
        self.raw_n, self.source_size = n
        self.raw_m, self.m_size = m
        self.raw_d, self.size = d
        self.saturated = False

    def n(self, is_signed: bool = False) -> int:
        return signed(self.raw_n, self.source_size) if is_signed else self.raw_n

    def m(self, is_signed: bool = False) -> int:
        return signed(self.raw_m, self.m_size) if is_signed else self.raw_m

    def d(self, is_signed: bool = False) -> int:
        return signed(self.raw_d, self.size) if is_signed else self.raw_d

    def sat(self, value: int, is_signed: bool, size: int = 0) -> int:
        """SatQ() of the manual."""
        size = size or self.size
        low, high = (-(1 << size - 1), (1 << size - 1) - 1) if is_signed else (0, (1 << size) - 1)
        result = max(low, min(high, value))
        self.saturated |= result != value
        return result


def shifted(value: int, amount: int, rounding: bool = False) -> int:
    """Left, or right where negative; exact."""
    if amount >= 0:
        return value << amount
    return value + (rounding << -amount - 1) >> -amount


def polynomial_product(a: int, b: int) -> int:
    result = 0
    for bit in range(64):
        result ^= a << bit if b >> bit & 1 else 0
    return result


def ones(condition: bool) -> int:
    return -1 if condition else 0


def leading(value: int, size: int) -> int:
    return size - value.bit_length()


Model = Callable[[Lane], int]
MODELS: dict[str, Model] = {
    "add": lambda e: e.n() + e.m(),
    "sub": lambda e: e.n() - e.m(),
    "mul": lambda e: e.n() * e.m(),
    "mla": lambda e: e.d() + e.n() * e.m(),
    "mls": lambda e: e.d() - e.n() * e.m(),
    "pmul": lambda e: polynomial_product(e.n(), e.m()),
    "pmull": lambda e: polynomial_product(e.n(), e.m()),
    "and": lambda e: e.n() & e.m(),
    "bic": lambda e: e.n() & ~e.m(),
    "orr": lambda e: e.n() | e.m(),
    "orn": lambda e: e.n() | ~e.m(),
    "eor": lambda e: e.n() ^ e.m(),
    "bsl": lambda e: e.m() ^ ((e.m() ^ e.n()) & e.d()),
    "bit": lambda e: e.d() ^ ((e.d() ^ e.n()) & e.m()),
    "bif": lambda e: e.d() ^ ((e.d() ^ e.n()) & ~e.m()),
    "mov": lambda e: e.n(),
    "mvn": lambda e: ~e.n(),
    "cmeq": lambda e: ones(e.n() == e.m()),
    "cmtst": lambda e: ones(e.n() & e.m() != 0),
    "cmgt": lambda e: ones(e.n(True) > e.m(True)),
    "cmge": lambda e: ones(e.n(True) >= e.m(True)),
    "cmle": lambda e: ones(e.n(True) <= e.m(True)),
    "cmlt": lambda e: ones(e.n(True) < e.m(True)),
    "cmhi": lambda e: ones(e.n() > e.m()),
    "cmhs": lambda e: ones(e.n() >= e.m()),
    "addhn": lambda e: e.n() + e.m() >> e.size,
    "raddhn": lambda e: e.n() + e.m() + (1 << e.size - 1) >> e.size,
    "subhn": lambda e: e.n() - e.m() >> e.size,
    "rsubhn": lambda e: e.n() - e.m() + (1 << e.size - 1) >> e.size,
    "sqdmulh": lambda e: e.sat(2 * e.n(True) * e.m(True) >> e.size, True),
    "sqrdmulh": lambda e: e.sat(2 * e.n(True) * e.m(True) + (1 << e.size - 1) >> e.size, True),
    "sqrdmlah": lambda e: e.sat((e.d(True) << e.size) + 2 * e.n(True) * e.m(True) + (1 << e.size - 1) >> e.size, True),
    "sqrdmlsh": lambda e: e.sat((e.d(True) << e.size) - 2 * e.n(True) * e.m(True) + (1 << e.size - 1) >> e.size, True),
    "sqdmull": lambda e: e.sat(2 * e.n(True) * e.m(True), True),
    "sqdmlal": lambda e: e.sat(e.d(True) + e.sat(2 * e.n(True) * e.m(True), True), True),
    "sqdmlsl": lambda e: e.sat(e.d(True) - e.sat(2 * e.n(True) * e.m(True), True), True),
    "clz": lambda e: leading(e.n(), e.size),
    "cls": lambda e: leading(e.n() ^ (e.n(True) >> 1 & (1 << e.size) - 1), e.size) - 1,
    "cnt": lambda e: bin(e.n()).count("1"),
    "rbit": lambda e: int(f"{e.n():08b}"[::-1], 2),
    "abs": lambda e: abs(e.n(True)),
    "neg": lambda e: -e.n(),
    "sqabs": lambda e: e.sat(abs(e.n(True)), True),
    "sqneg": lambda e: e.sat(-e.n(True), True),
    "suqadd": lambda e: e.sat(e.d(True) + e.n(), True),
    "usqadd": lambda e: e.sat(e.d() + e.n(True), False),
    "xtn": lambda e: e.n(),
    "sqxtn": lambda e: e.sat(e.n(True), True),
    "uqxtn": lambda e: e.sat(e.n(), False),
    "sqxtun": lambda e: e.sat(e.n(True), False),
    "shl": lambda e: e.n() << e.m(),
    "shll": lambda e: e.n() << e.m(),
    "sli": lambda e: e.n() << e.m() | e.d() & (1 << e.m()) - 1,
    "sri": lambda e: e.n() >> e.m() | e.d() >> e.size - e.m() << e.size - e.m(),
    "sqshlu": lambda e: e.sat(e.n(True) << e.m(), False),
    "shrn": lambda e: e.n() >> e.m(),
    "rshrn": lambda e: shifted(e.n(), -e.m(), True),
    "sqshrun": lambda e: e.sat(e.n(True) >> e.m(), False),
    "sqrshrun": lambda e: e.sat(shifted(e.n(True), -e.m(), True), False),
}


def _signed_and_unsigned(letter: str, s: bool) -> dict[str, Model]:
    """Those whose name says whether elements are signed. The register shifts have the name of the immediate ones."""

    def amount(e: Lane) -> int:
        return signed(e.m() & 0xFF, 8) if e.m_size else e.m()

    return {
        f"{letter}{name}": model
        for name, model in {
            "hadd": lambda e: e.n(s) + e.m(s) >> 1,
            "rhadd": lambda e: e.n(s) + e.m(s) + 1 >> 1,
            "hsub": lambda e: e.n(s) - e.m(s) >> 1,
            "qadd": lambda e: e.sat(e.n(s) + e.m(s), s),
            "qsub": lambda e: e.sat(e.n(s) - e.m(s), s),
            "max": lambda e: max(e.n(s), e.m(s)),
            "min": lambda e: min(e.n(s), e.m(s)),
            "abd": lambda e: abs(e.n(s) - e.m(s)),
            "aba": lambda e: e.d() + abs(e.n(s) - e.m(s)),
            "abdl": lambda e: abs(e.n(s) - e.m(s)),
            "abal": lambda e: e.d() + abs(e.n(s) - e.m(s)),
            "addl": lambda e: e.n(s) + e.m(s),
            "addw": lambda e: e.n(s) + e.m(s),
            "subl": lambda e: e.n(s) - e.m(s),
            "subw": lambda e: e.n(s) - e.m(s),
            "mull": lambda e: e.n(s) * e.m(s),
            "mlal": lambda e: e.d() + e.n(s) * e.m(s),
            "mlsl": lambda e: e.d() - e.n(s) * e.m(s),
            "shl": lambda e: shifted(e.n(s), amount(e)),
            "rshl": lambda e: shifted(e.n(s), amount(e), True),
            "qshl": lambda e: e.sat(shifted(e.n(s), amount(e)), s),
            "qrshl": lambda e: e.sat(shifted(e.n(s), amount(e), True), s),
            "shr": lambda e: e.n(s) >> e.m(),
            "rshr": lambda e: shifted(e.n(s), -e.m(), True),
            "sra": lambda e: e.d() + (e.n(s) >> e.m()),
            "rsra": lambda e: e.d() + shifted(e.n(s), -e.m(), True),
            "qshrn": lambda e: e.sat(e.n(s) >> e.m(), s),
            "qrshrn": lambda e: e.sat(shifted(e.n(s), -e.m(), True), s),
            "shll": lambda e: e.n(s) << e.m(),
        }.items()
    }


MODELS |= _signed_and_unsigned("s", True) | _signed_and_unsigned("u", False)


@dataclass
class Vector:
    """An operand: its elements as unsigned numbers, lowest first; of an immediate one, of size 0."""

    size: int
    values: list[int]

    @staticmethod
    def of(bits: int, size: int, count: int) -> Vector:
        return Vector(size, [bits >> i * size & (1 << size) - 1 for i in range(count)])

    @property
    def bits(self) -> int:
        return sum((v & (1 << self.size) - 1) << i * self.size for i, v in enumerate(self.values))

    def read(self, is_signed: bool) -> list[int]:
        return [signed(v, self.size) if is_signed else v for v in self.values]


_OPERAND = re.compile(r"v(\d+)\.(\d*)([bhsdq])(?:\[(\d+)\])?|([bhsdq])(\d+)|#(\d+)")


def operands(text: str, file: list[int]) -> list[tuple[int, Vector]]:
    """Each operand's register number, and what it holds."""
    found = []
    for number, count, lanes, index, kind, scalar, immediate in _OPERAND.findall(text):
        if immediate:
            found.append((-1, Vector(0, [int(immediate)])))
        elif kind:
            found.append((int(scalar), Vector.of(file[int(scalar)], SIZES[kind], 1)))
        elif index:
            # v0.4b[1] is 32 bits.
            size = SIZES[lanes] * int(count or 1)
            found.append((int(number), Vector(size, [file[int(number)] >> int(index) * size & (1 << size) - 1])))
        else:
            found.append((int(number), Vector.of(file[int(number)], SIZES[lanes], int(count))))
    return found


def pairs(vector: Vector, is_signed: bool) -> list[tuple[int, int]]:
    values = vector.read(is_signed)
    return list(zip(values[::2], values[1::2], strict=True))


def whole(mnemonic: str, d: Vector, n: Vector, m: Vector | None) -> Vector | None:
    """The result of an instruction that isn't element by element, or None."""
    s = not mnemonic.startswith("u")
    base = mnemonic[1:] if mnemonic[0] in "su" else mnemonic
    combine: dict[str, Callable[[int, int], int]] = {"maxp": max, "minp": min, "addp": lambda x, y: x + y}
    if mnemonic == "addp" and m is None:
        return Vector(d.size, [sum(n.values)])
    if base in combine and m is not None:
        return Vector(d.size, [combine[base](x, y) for x, y in pairs(n, s) + pairs(m, s)])
    if base in ("addlp", "adalp"):
        old = d.values if base == "adalp" else [0] * len(d.values)
        return Vector(d.size, [o + x + y for o, (x, y) in zip(old, pairs(n, s), strict=True)])
    if base in ("addv", "addlv"):
        return Vector(d.size, [sum(n.read(s))])
    if base in ("maxv", "minv"):
        return Vector(d.size, [(max if base == "maxv" else min)(n.read(s))])
    if mnemonic.startswith("rev"):
        per = int(mnemonic[3:]) // n.size
        groups = [n.values[i : i + per] for i in range(0, len(n.values), per)]
        return Vector(d.size, [value for group in groups for value in reversed(group)])
    if base == "dot":
        assert m is not None
        bytes_of_m = m if m.size == 8 else Vector.of(m.bits, 8, 4)
        x, y = n.read(s), bytes_of_m.read(s) * (len(n.values) // len(bytes_of_m.values))
        products = [a * b for a, b in zip(x, y, strict=True)]
        return Vector(d.size, [o + sum(products[4 * i : 4 * i + 4]) for i, o in enumerate(d.values)])
    return None


def expected(text: str, file: list[int]) -> tuple[int, int, bool]:
    """The destination's number and new 128 bits, and whether something saturated."""
    mnemonic, _, rest = text.partition(" ")
    (number, d), (_, n), *more = operands(rest, file)
    m = more[0][1] if more else None
    result = whole(mnemonic, d, n, m)
    if result is not None:
        return number, result.bits, False
    second = mnemonic.endswith("2") and mnemonic not in MODELS
    model = MODELS[mnemonic.removesuffix("2") if second else mnemonic]
    narrowing = d.size < n.size
    kept = file[number] & (1 << 64) - 1 if second and narrowing else None
    if narrowing and d.size * len(d.values) > 64:
        d = Vector(d.size, d.values[len(n.values) :])
    lanes = len(d.values) if not narrowing else len(n.values)

    def lane(vector: Vector, i: int) -> tuple[int, int]:
        if len(vector.values) == 1:
            return vector.values[0], vector.size
        upper = len(vector.values) // 2 if second and len(vector.values) > lanes else 0
        return vector.values[upper + i], vector.size

    made = [Lane(lane(n, i), lane(m, i) if m else (0, 8), lane(d, i)) for i in range(lanes)]
    bits = Vector(d.size, [model(one) for one in made]).bits
    return number, bits if kept is None else kept | bits << 64, any(one.saturated for one in made)


def random_register(rng: random.Random) -> int:
    """Elements at random, at their extremes, or small."""
    choice = rng.randrange(8)
    if choice == 0:
        return rng.getrandbits(128)
    size = rng.choice((8, 16, 32, 64))
    top, sign = (1 << size) - 1, 1 << size - 1
    if choice == 1:
        return Vector(size, [sign] * (128 // size)).bits
    limits = (0, 1, top, sign, sign - 1, top - 1, sign + 1, 1 << size // 2, (1 << size // 2 - 1) - 1)
    choices = (
        lambda: rng.getrandbits(size),
        lambda: rng.choice(limits),
        lambda: rng.choice(limits),
        lambda: rng.choice((-1, 1)) * rng.randrange(2 * size + 2) & top,
    )
    return Vector(size, [rng.choice(choices)() for _ in range(128 // size)]).bits


def random_word(form: Form, rng: random.Random) -> int:
    for _ in range(2000):
        word = rng.getrandbits(32) & ~form.mask | form.value
        if rng.randrange(6) == 0:
            # The same register twice.
            word = word & ~31 | word >> 5 & 31
        decoded = decode(word)
        if decoded is not None and decoded.form is form:
            return word
    raise AssertionError(f"no word for {form}")


def check(form: Form, count: int, seed: int) -> None:
    rng = random.Random(f"{form.name} {form.syntax} {seed}")
    for _ in range(count):
        word = random_word(form, rng)
        decoded = decode(word)
        assert decoded is not None
        text = decoded.text(CONTEXT)
        machine = ReferenceMachine(Memory())
        # Few values, so that operands are often equal.
        values = [0, *(random_register(rng) for _ in range(rng.choice((1, 3, 32))))]
        before = [rng.choice(values) for _ in range(32)]
        machine.vectors[:] = before
        decoded.instruction.semantics(machine, *decoded.fields.values())
        number, bits, saturated = expected(text, before)
        found = (f"{text}: {machine.vectors[number]:032x}", bool(machine.system_registers[system.FPSR] & system.QC))
        assert found == (f"{text}: {bits:032x}", saturated), [
            f"v{i}=0x{before[i]:032x}" for i in sorted({number, *(o for o, _ in operands(text, before) if o >= 0)})
        ]
        assert machine.vectors[:number] == before[:number]
        assert machine.vectors[number + 1 :] == before[number + 1 :]


def test_every_integer_form_is_here() -> None:
    assert len(FORMS) == 279


@pytest.mark.parametrize("part", range(8))
def test_meaning(part: int) -> None:
    for form in FORMS[part::8]:
        check(form, 24, 1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 10))
def test_meaning_long(seed: int) -> None:
    for form in FORMS:
        check(form, 300, seed)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("cmle v0.8b, v1.8b, v2.8b", "cmge v0.8b, v2.8b, v1.8b"),
        ("cmlt v0.4s, v1.4s, v2.4s", "cmgt v0.4s, v2.4s, v1.4s"),
        ("cmls v0.2d, v1.2d, v2.2d", "cmhs v0.2d, v2.2d, v1.2d"),
        ("cmlo v0.8h, v1.8h, v2.8h", "cmhi v0.8h, v2.8h, v1.8h"),
        ("mov v0.4s, v1.4s", "mov v0.16b, v1.16b"),
        ("mov v0.1d, v1.1d", "mov v0.8b, v1.8b"),
        ("and v0.4h, v1.4h, v2.4h", "and v0.8b, v1.8b, v2.8b"),
        ("eor v0.2d, v1.2d, v2.2d", "eor v0.16b, v1.16b, v2.16b"),
        ("not v0.8b, v1.8b", "mvn v0.8b, v1.8b"),
        ("sxtl v0.8h, v1.8b", "sshll v0.8h, v1.8b, #0"),
        ("uxtl2 v0.2d, v1.4s", "ushll2 v0.2d, v1.4s, #0"),
    ],
)
def test_other_ways_to_write_it(written: str, text: str) -> None:
    assert assemble(written).words == assemble(text).words
    decoded = decode(assemble(written).words[0])
    assert decoded is not None
    assert decoded.text(CONTEXT) == text
