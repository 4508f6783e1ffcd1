"""Secure hashes: SHA-1, SHA-256, SHA-512, and parts of SHA-3 (the classes "Cryptographic ..." of the index)."""

from __future__ import annotations

from collections.abc import Callable

from ..description import instruction
from ..machine import Machine
from ..operands import Immediate
from ..values import Value, Vector

_Mixer = Callable[[Value, Value, Value], Value]


def _rol(a: Value, amount: int) -> Value:
    return a.ror(a.width - amount)


def _lanes_ror(a: Vector, amount: int) -> Vector:
    """Each lane rotated right by 0 to esize - 1 bits."""
    return a >> amount | a << a.esize - amount if amount else a


def _lanes(vector: Vector) -> list[Value]:
    return [vector.lane(i) for i in range(vector.lanes)]


def _replaced(vector: Vector, lanes: list[Value]) -> Vector:
    """A vector of these lanes, in the shape of `vector`."""
    for i, lane in enumerate(lanes):
        vector = vector.insert(i, lane)
    return vector


def _choose(x: Value, y: Value, z: Value) -> Value:
    """SHAchoose(): bits of y where x has ones, else of z."""
    return (y ^ z) & x ^ z


def _majority(x: Value, y: Value, z: Value) -> Value:
    """SHAmajority()."""
    return x & y | (x | y) & z


def _parity(x: Value, y: Value, z: Value) -> Value:
    """SHAparity()."""
    return x ^ y ^ z


# -- SHA-1 -----------------------------------------------------------------------------------------------------------


def _sha1_rounds(m: Machine, Rm: int, Rn: int, Rd: int, mixer: _Mixer) -> None:
    """Four rounds: Rd holds a, b, c, d; Rn e; Rm the schedule with the constants added."""
    state = m.Vec[128, 32, Rd]
    a, b, c, d = _lanes(state)
    e = m.V[32, Rn]
    for word in _lanes(m.Vec[128, 32, Rm]):
        a, b, c, d, e = e + _rol(a, 5) + mixer(b, c, d) + word, a, _rol(b, 30), c, d
    m.Vec[128, 32, Rd] = _replaced(state, [a, b, c, d])


@instruction(
    "01011110 size=00 0 Rm:5 0 opcode=000 00 Rn:5 Rd:5",
    ("SHA1C_QSV_cryptosha3", "", "sha1c <Qd>, <Sn>, <Vm>.4S"),
    feature="FEAT_SHA1",
)
def SHA1C_cryptosha3(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """Four of SHA-1's rounds 0-19, which choose."""
    _sha1_rounds(m, Rm, Rn, Rd, _choose)


@instruction(
    "01011110 size=00 0 Rm:5 0 opcode=001 00 Rn:5 Rd:5",
    ("SHA1P_QSV_cryptosha3", "", "sha1p <Qd>, <Sn>, <Vm>.4S"),
    feature="FEAT_SHA1",
)
def SHA1P_cryptosha3(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """Four of SHA-1's rounds 20-39 or 60-79, which take the parity."""
    _sha1_rounds(m, Rm, Rn, Rd, _parity)


@instruction(
    "01011110 size=00 0 Rm:5 0 opcode=010 00 Rn:5 Rd:5",
    ("SHA1M_QSV_cryptosha3", "", "sha1m <Qd>, <Sn>, <Vm>.4S"),
    feature="FEAT_SHA1",
)
def SHA1M_cryptosha3(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """Four of SHA-1's rounds 40-59, which take the majority."""
    _sha1_rounds(m, Rm, Rn, Rd, _majority)


@instruction(
    "01011110 size=00 10100 opcode=00000 10 Rn:5 Rd:5",
    ("SHA1H_SS_cryptosha2", "", "sha1h <Sd>, <Sn>"),
    feature="FEAT_SHA1",
)
def SHA1H_cryptosha2(m: Machine, Rn: int, Rd: int) -> None:
    """SHA-1's fixed rotation, left by 30."""
    m.V[32, Rd] = _rol(m.V[32, Rn], 30)


@instruction(
    "01011110 size=00 0 Rm:5 0 opcode=011 00 Rn:5 Rd:5",
    ("SHA1SU0_VVV_cryptosha3", "", "sha1su0 <Vd>.4S, <Vn>.4S, <Vm>.4S"),
    feature="FEAT_SHA1",
)
def SHA1SU0_cryptosha3(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """The first part of SHA-1's message schedule."""
    old = m.Vec[128, 32, Rd]
    m.Vec[128, 32, Rd] = old ^ old.shuffle(m.Vec[128, 32, Rn], range(2, 6)) ^ m.Vec[128, 32, Rm]


@instruction(
    "01011110 size=00 10100 opcode=00001 10 Rn:5 Rd:5",
    ("SHA1SU1_VV_cryptosha2", "", "sha1su1 <Vd>.4S, <Vn>.4S"),
    feature="FEAT_SHA1",
)
def SHA1SU1_cryptosha2(m: Machine, Rn: int, Rd: int) -> None:
    """The second part of SHA-1's message schedule."""
    previous = m.Vec[128, 32, Rn].shuffle(m.vector(32, [0] * 4), range(1, 5))
    words = _lanes_ror(m.Vec[128, 32, Rd] ^ previous, 31)
    # The last word depends on the first one of the result.
    m.Vec[128, 32, Rd] = words.insert(3, words.lane(3) ^ _rol(words.lane(0), 1))


# -- SHA-256 ---------------------------------------------------------------------------------------------------------


def _sha256_rounds(abcd: Vector, efgh: Vector, schedule: Vector) -> tuple[Vector, Vector]:
    """SHA256hash(): four rounds."""
    a, b, c, d = _lanes(abcd)
    e, f, g, h = _lanes(efgh)
    for word in _lanes(schedule):
        first = h + (e.ror(6) ^ e.ror(11) ^ e.ror(25)) + _choose(e, f, g) + word
        second = (a.ror(2) ^ a.ror(13) ^ a.ror(22)) + _majority(a, b, c)
        a, b, c, d, e, f, g, h = first + second, a, b, c, d + first, e, f, g
    return _replaced(abcd, [a, b, c, d]), _replaced(efgh, [e, f, g, h])


@instruction(
    "01011110 size=00 0 Rm:5 0 opcode=100 00 Rn:5 Rd:5",
    ("SHA256H_QQV_cryptosha3", "", "sha256h <Qd>, <Qn>, <Vm>.4S"),
    feature="FEAT_SHA256",
)
def SHA256H_cryptosha3(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """Four rounds of SHA-256: a, b, c, d of the state, which Rd and Rn hold."""
    m.Vec[128, 32, Rd] = _sha256_rounds(m.Vec[128, 32, Rd], m.Vec[128, 32, Rn], m.Vec[128, 32, Rm])[0]


@instruction(
    "01011110 size=00 0 Rm:5 0 opcode=101 00 Rn:5 Rd:5",
    ("SHA256H2_QQV_cryptosha3", "", "sha256h2 <Qd>, <Qn>, <Vm>.4S"),
    feature="FEAT_SHA256",
)
def SHA256H2_cryptosha3(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """Four rounds of SHA-256: e, f, g, h of the state, which Rn and Rd hold."""
    m.Vec[128, 32, Rd] = _sha256_rounds(m.Vec[128, 32, Rn], m.Vec[128, 32, Rd], m.Vec[128, 32, Rm])[1]


@instruction(
    "01011110 size=00 10100 opcode=00010 10 Rn:5 Rd:5",
    ("SHA256SU0_VV_cryptosha2", "", "sha256su0 <Vd>.4S, <Vn>.4S"),
    feature="FEAT_SHA256",
)
def SHA256SU0_cryptosha2(m: Machine, Rn: int, Rd: int) -> None:
    """The first part of SHA-256's message schedule."""
    old = m.Vec[128, 32, Rd]
    words = old.shuffle(m.Vec[128, 32, Rn], range(1, 5))
    m.Vec[128, 32, Rd] = old + (_lanes_ror(words, 7) ^ _lanes_ror(words, 18) ^ words >> 3)


@instruction(
    "01011110 size=00 0 Rm:5 0 opcode=110 00 Rn:5 Rd:5",
    ("SHA256SU1_VVV_cryptosha3", "", "sha256su1 <Vd>.4S, <Vn>.4S, <Vm>.4S"),
    feature="FEAT_SHA256",
)
def SHA256SU1_cryptosha3(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """The second part of SHA-256's message schedule."""
    last = m.Vec[128, 32, Rm]
    sums = m.Vec[128, 32, Rd] + m.Vec[128, 32, Rn].shuffle(last, range(1, 5))
    # The upper two words depend on the lower two of the result.
    lower = sums.lower() + _sigma1(last.upper())
    m.Vec[128, 32, Rd] = lower.concat(sums.upper() + _sigma1(lower))


def _sigma1(words: Vector) -> Vector:
    return _lanes_ror(words, 17) ^ _lanes_ror(words, 19) ^ words >> 10


# -- SHA-512 ---------------------------------------------------------------------------------------------------------


@instruction(
    "11001110011 Rm:5 1 O=0 00 opcode=00 Rn:5 Rd:5",
    ("SHA512H_QQV_cryptosha512_3", "", "sha512h <Qd>, <Qn>, <Vm>.2D"),
    feature="FEAT_SHA512",
)
def SHA512H_cryptosha512_3(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """Two rounds of SHA-512, the part with choose: Rd holds sums, Rn and Rm words of the state."""
    sums = m.Vec[128, 64, Rd]
    g, f = _lanes(m.Vec[128, 64, Rn])
    d, e = _lanes(m.Vec[128, 64, Rm])
    upper = sums.lane(1) + _choose(e, g, f) + _sum1(e)
    following = upper + d
    lower = sums.lane(0) + _choose(following, e, g) + _sum1(following)
    m.Vec[128, 64, Rd] = _replaced(sums, [lower, upper])


def _sum1(a: Value) -> Value:
    return a.ror(14) ^ a.ror(18) ^ a.ror(41)


@instruction(
    "11001110011 Rm:5 1 O=0 00 opcode=01 Rn:5 Rd:5",
    ("SHA512H2_QQV_cryptosha512_3", "", "sha512h2 <Qd>, <Qn>, <Vm>.2D"),
    feature="FEAT_SHA512",
)
def SHA512H2_cryptosha512_3(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """Two rounds of SHA-512, the part with majority: Rd holds sums, Rn and Rm words of the state."""
    sums = m.Vec[128, 64, Rd]
    c = m.Vec[128, 64, Rn].lane(0)
    a, b = _lanes(m.Vec[128, 64, Rm])
    upper = sums.lane(1) + _majority(c, b, a) + _sum0(a)
    lower = sums.lane(0) + _majority(upper, a, b) + _sum0(upper)
    m.Vec[128, 64, Rd] = _replaced(sums, [lower, upper])


def _sum0(a: Value) -> Value:
    return a.ror(28) ^ a.ror(34) ^ a.ror(39)


@instruction(
    "11001110110000001000 opcode=00 Rn:5 Rd:5",
    ("SHA512SU0_VV2_cryptosha512_2", "", "sha512su0 <Vd>.2D, <Vn>.2D"),
    feature="FEAT_SHA512",
)
def SHA512SU0_cryptosha512_2(m: Machine, Rn: int, Rd: int) -> None:
    """The first part of SHA-512's message schedule."""
    old = m.Vec[128, 64, Rd]
    words = old.shuffle(m.Vec[128, 64, Rn], (1, 2))
    m.Vec[128, 64, Rd] = old + (_lanes_ror(words, 1) ^ _lanes_ror(words, 8) ^ words >> 7)


@instruction(
    "11001110011 Rm:5 1 O=0 00 opcode=10 Rn:5 Rd:5",
    ("SHA512SU1_VVV2_cryptosha512_3", "", "sha512su1 <Vd>.2D, <Vn>.2D, <Vm>.2D"),
    feature="FEAT_SHA512",
)
def SHA512SU1_cryptosha512_3(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """The second part of SHA-512's message schedule."""
    words = m.Vec[128, 64, Rn]
    mixed = _lanes_ror(words, 19) ^ _lanes_ror(words, 61) ^ words >> 6
    m.Vec[128, 64, Rd] = m.Vec[128, 64, Rd] + mixed + m.Vec[128, 64, Rm]


# -- SHA-3 -----------------------------------------------------------------------------------------------------------


@instruction(
    "110011100 Op0=00 Rm:5 0 Ra:5 Rn:5 Rd:5",
    ("EOR3_VVV16_crypto4", "", "eor3 <Vd>.16B, <Vn>.16B, <Vm>.16B, <Va>.16B"),
    feature="FEAT_SHA3",
)
def EOR3_crypto4(m: Machine, Rm: int, Ra: int, Rn: int, Rd: int) -> None:
    """Exclusive OR of three vectors."""
    m.Vec[128, 8, Rd] = m.Vec[128, 8, Rn] ^ m.Vec[128, 8, Rm] ^ m.Vec[128, 8, Ra]


@instruction(
    "110011100 Op0=01 Rm:5 0 Ra:5 Rn:5 Rd:5",
    ("BCAX_VVV16_crypto4", "", "bcax <Vd>.16B, <Vn>.16B, <Vm>.16B, <Va>.16B"),
    feature="FEAT_SHA3",
)
def BCAX_crypto4(m: Machine, Rm: int, Ra: int, Rn: int, Rd: int) -> None:
    """Exclusive OR of Rn with Rm where Ra has zeros."""
    m.Vec[128, 8, Rd] = m.Vec[128, 8, Rn] ^ m.Vec[128, 8, Rm] & ~m.Vec[128, 8, Ra]


@instruction(
    "11001110011 Rm:5 1 O=0 00 opcode=11 Rn:5 Rd:5",
    ("RAX1_VVV2_cryptosha512_3", "", "rax1 <Vd>.2D, <Vn>.2D, <Vm>.2D"),
    feature="FEAT_SHA3",
)
def RAX1_cryptosha512_3(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """Exclusive OR of Rn with Rm rotated left by one bit."""
    m.Vec[128, 64, Rd] = m.Vec[128, 64, Rn] ^ _lanes_ror(m.Vec[128, 64, Rm], 63)


@instruction(
    "110011101 00 Rm:5 imm6:6 Rn:5 Rd:5",
    ("XAR_VVV2_crypto3_imm6", "", "xar <Vd>.2D, <Vn>.2D, <Vm>.2D, #<imm6>"),
    operands={"imm6": Immediate("imm6")},
    feature="FEAT_SHA3",
)
def XAR_crypto3_imm6(m: Machine, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Exclusive OR, rotated right by an immediate."""
    m.Vec[128, 64, Rd] = _lanes_ror(m.Vec[128, 64, Rn] ^ m.Vec[128, 64, Rm], imm6)
