"""AES: the pieces of a round ("Cryptographic AES" of the index). Byte 4c + r is in row r, column c."""

from __future__ import annotations

from ..description import instruction
from ..machine import Machine
from ..values import Vector


def _row_turned(state: Vector, row_step: int) -> Vector:
    """Row r of the state rotated by row_step * r columns: 1 is AESShiftRows(), -1 its inverse."""
    return state.shuffle(state, [byte + 4 * row_step * (byte & 3) & 15 for byte in range(16)])


def _column_turned(state: Vector, rows: int) -> Vector:
    """Each column rotated by some rows."""
    return state.shuffle(state, [byte & ~3 | byte + rows & 3 for byte in range(16)])


def _double(state: Vector) -> Vector:
    """Each byte times x in GF(2**8), modulo x**8 + x**4 + x**3 + x + 1."""
    return state << 1 ^ state.asr(7) & 0x1B


def _mix_columns(state: Vector) -> Vector:
    """AESMixColumns(): each column times the circulant of 2, 3, 1, 1."""
    turned = _column_turned(state, 1)
    sums = state ^ turned
    return _double(sums) ^ turned ^ _column_turned(sums, 2)


@instruction(
    "01001110 size=00 10100 opcode=00100 10 Rn:5 Rd:5",
    ("AESE_B_cryptoaes", "", "aese <Vd>.16B, <Vn>.16B"),
    feature="FEAT_AES",
)
def AESE_cryptoaes(m: Machine, Rn: int, Rd: int) -> None:
    """Start a round of encryption: add the round key, shift the rows, substitute the bytes."""
    state = m.Vec[128, 8, Rd] ^ m.Vec[128, 8, Rn]
    m.Vec[128, 8, Rd] = m.aes_sub_bytes(_row_turned(state, 1), inverse=False)


@instruction(
    "01001110 size=00 10100 opcode=00101 10 Rn:5 Rd:5",
    ("AESD_B_cryptoaes", "", "aesd <Vd>.16B, <Vn>.16B"),
    feature="FEAT_AES",
)
def AESD_cryptoaes(m: Machine, Rn: int, Rd: int) -> None:
    """Start a round of decryption: add the round key, shift the rows back, substitute the bytes back."""
    state = m.Vec[128, 8, Rd] ^ m.Vec[128, 8, Rn]
    m.Vec[128, 8, Rd] = m.aes_sub_bytes(_row_turned(state, -1), inverse=True)


@instruction(
    "01001110 size=00 10100 opcode=00110 10 Rn:5 Rd:5",
    ("AESMC_B_cryptoaes", "", "aesmc <Vd>.16B, <Vn>.16B"),
    feature="FEAT_AES",
)
def AESMC_cryptoaes(m: Machine, Rn: int, Rd: int) -> None:
    """Mix the columns, as the end of a round of encryption."""
    m.Vec[128, 8, Rd] = _mix_columns(m.Vec[128, 8, Rn])


@instruction(
    "01001110 size=00 10100 opcode=00111 10 Rn:5 Rd:5",
    ("AESIMC_B_cryptoaes", "", "aesimc <Vd>.16B, <Vn>.16B"),
    feature="FEAT_AES",
)
def AESIMC_cryptoaes(m: Machine, Rn: int, Rd: int) -> None:
    """Mix the columns back, as the end of a round of decryption."""
    state = m.Vec[128, 8, Rn]
    # The circulant of 14, 11, 13, 9 is that of 2, 3, 1, 1 times that of 5, 0, 4, 0.
    m.Vec[128, 8, Rd] = _mix_columns(state ^ _double(_double(state ^ _column_turned(state, 2))))
