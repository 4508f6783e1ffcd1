"""The cryptographic instructions in whole algorithms, against hashlib and the examples of FIPS 197."""

from __future__ import annotations

import hashlib
import random
import struct

import pytest

from ..machine import execute

BLOCK = bytes(range(64, 64 + 55))
MASK64 = (1 << 64) - 1
# The new words of the schedule are in V16, the three vectors before them in V17-V19: each moves down.
NEXT_WORDS = "\n".join(f"mov v{to}.16b, v{of}.16b" for to, of in ((5, 16), (16, 17), (17, 18), (18, 19), (19, 5)))


def words(data: bytes, size: int) -> list[int]:
    """Big-endian words, as the hashes read their blocks."""
    return [int.from_bytes(data[i : i + size], "big") for i in range(0, len(data), size)]


def vector(values: list[int], esize: int) -> int:
    return sum(value << i * esize for i, value in enumerate(values))


def lanes(value: int, esize: int) -> list[int]:
    return [value >> low & (1 << esize) - 1 for low in range(0, 128, esize)]


def padded(message: bytes, block: int) -> bytes:
    """A message that fits into one block, with its length."""
    return message + b"\x80" + bytes(block - 9 - len(message)) + struct.pack(">Q", 8 * len(message))


def fraction(number: int, root: int, size: int) -> int:
    """The first bits of the fraction of a square (2) or cube (3) root."""
    scaled = number << root * size
    low, high = 0, 1 << size + 16
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**root <= scaled else (low, middle)
    return low & (1 << size) - 1


PRIMES = [n for n in range(2, 410) if all(n % d for d in range(2, n))]


def test_sha1() -> None:
    initial = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0]
    constants = [0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6]
    block = words(padded(BLOCK, 64), 4)
    vectors = {0: vector(initial[:4], 32), 1: initial[4]}
    vectors |= {16 + i: vector(block[4 * i : 4 * i + 4], 32) for i in range(4)}
    for step in range(20):
        m = execute(
            f"add v3.4s, v16.4s, v4.4s\nsha1h s2, s0\nsha1{'cpmp'[step // 5]} q0, s1, v3.4s\nmov v1.16b, v2.16b\n"
            "sha1su0 v16.4s, v17.4s, v18.4s\nsha1su1 v16.4s, v19.4s\n" + NEXT_WORDS,
            vectors={**vectors, 4: vector([constants[step // 5]] * 4, 32)},
        )
        vectors = dict(enumerate(m.vectors))
    state = [*lanes(vectors[0], 32), vectors[1]]
    digest = b"".join((a + b & 0xFFFF_FFFF).to_bytes(4, "big") for a, b in zip(state, initial, strict=True))
    assert digest == hashlib.sha1(BLOCK).digest()


def test_sha256() -> None:
    initial = [fraction(p, 2, 32) for p in PRIMES[:8]]
    constants = [fraction(p, 3, 32) for p in PRIMES[:64]]
    block = words(padded(BLOCK, 64), 4)
    vectors = {0: vector(initial[:4], 32), 1: vector(initial[4:], 32)}
    vectors |= {16 + i: vector(block[4 * i : 4 * i + 4], 32) for i in range(4)}
    for step in range(16):
        m = execute(
            "add v3.4s, v16.4s, v4.4s\nmov v2.16b, v0.16b\nsha256h q0, q1, v3.4s\nsha256h2 q1, q2, v3.4s\n"
            "sha256su0 v16.4s, v17.4s\nsha256su1 v16.4s, v18.4s, v19.4s\n" + NEXT_WORDS,
            vectors={**vectors, 4: vector(constants[4 * step : 4 * step + 4], 32)},
        )
        vectors = dict(enumerate(m.vectors))
    state = lanes(vectors[0], 32) + lanes(vectors[1], 32)
    digest = b"".join((a + b & 0xFFFF_FFFF).to_bytes(4, "big") for a, b in zip(state, initial, strict=True))
    assert digest == hashlib.sha256(BLOCK).digest()


def test_sha512() -> None:
    initial = [fraction(p, 2, 64) for p in PRIMES[:8]]
    constants = [fraction(p, 3, 64) for p in PRIMES[:80]]
    block = words(padded(BLOCK, 128), 8)
    # ab, cd, ef, gh in V0-V3; the schedule in V16-V23.
    vectors = {i: vector(initial[2 * i : 2 * i + 2], 64) for i in range(4)}
    vectors |= {16 + i: vector(block[2 * i : 2 * i + 2], 64) for i in range(8)}
    shift = "\n".join(f"mov v{n}.16b, v{n + 1}.16b" for n in range(16, 23))
    for step in range(40):
        m = execute(
            "add v4.2d, v16.2d, v5.2d\next v4.16b, v4.16b, v4.16b, #8\n"
            "ext v6.16b, v2.16b, v3.16b, #8\next v7.16b, v1.16b, v2.16b, #8\n"
            "add v3.2d, v3.2d, v4.2d\nsha512h q3, q6, v7.2d\nadd v4.2d, v1.2d, v3.2d\nsha512h2 q3, q1, v0.2d\n"
            "mov v6.16b, v2.16b\nmov v2.16b, v4.16b\nmov v1.16b, v0.16b\nmov v0.16b, v3.16b\nmov v3.16b, v6.16b\n"
            "mov v24.16b, v16.16b\nsha512su0 v24.2d, v17.2d\next v25.16b, v20.16b, v21.16b, #8\n"
            f"sha512su1 v24.2d, v23.2d, v25.2d\n{shift}\nmov v23.16b, v24.16b",
            vectors={**vectors, 5: vector(constants[2 * step : 2 * step + 2], 64)},
        )
        vectors = dict(enumerate(m.vectors))
    state = [lane for i in range(4) for lane in lanes(vectors[i], 64)]
    digest = b"".join((a + b & MASK64).to_bytes(8, "big") for a, b in zip(state, initial, strict=True))
    assert digest == hashlib.sha512(BLOCK).digest()


def expanded_key(key: bytes) -> list[int]:
    """The round keys of AES-128, with AESE on a zero state for the substitution."""
    keys = [list(key[i : i + 4]) for i in range(0, 16, 4)]
    constant = 1
    for i in range(4, 44):
        word = keys[-1]
        if i % 4 == 0:
            rotated = bytes(word[1:] + word[:1]) * 4
            substituted = execute("aese v0.16b, v1.16b", vectors={1: int.from_bytes(rotated, "little")}).vectors[0]
            word = list(substituted.to_bytes(16, "little")[:4])
            word[0] ^= constant
            constant = constant << 1 ^ (0x11B if constant & 0x80 else 0)
        keys.append([a ^ b for a, b in zip(keys[-4], word, strict=True)])
    flat = bytes(byte for word in keys for byte in word)
    return [int.from_bytes(flat[i : i + 16], "little") for i in range(0, 176, 16)]


KEY = bytes(range(16))
PLAIN = int.from_bytes(bytes.fromhex("00112233445566778899aabbccddeeff"), "little")
CIPHER = int.from_bytes(bytes.fromhex("69c4e0d86a7b0430d8cdb78070b4c55a"), "little")


def test_aes_encrypts_as_in_appendix_c_of_fips_197() -> None:
    keys = expanded_key(KEY)
    code = "".join(f"aese v0.16b, v{i}.16b\naesmc v0.16b, v0.16b\n" for i in range(1, 10))
    code += "aese v0.16b, v10.16b\neor v0.16b, v0.16b, v11.16b"
    assert execute(code, vectors={0: PLAIN, **{i + 1: key for i, key in enumerate(keys)}}).vectors[0] == CIPHER


def test_aes_decrypts_as_in_appendix_c_of_fips_197() -> None:
    # The equivalent inverse cipher: the keys of the inner rounds with their columns mixed back.
    keys = expanded_key(KEY)[::-1]
    code = "".join(f"aesimc v{i}.16b, v{i}.16b\n" for i in range(2, 11))
    code += "".join(f"aesd v0.16b, v{i}.16b\naesimc v0.16b, v0.16b\n" for i in range(1, 10))
    code += "aesd v0.16b, v10.16b\neor v0.16b, v0.16b, v11.16b"
    assert execute(code, vectors={0: CIPHER, **{i + 1: key for i, key in enumerate(keys)}}).vectors[0] == PLAIN


@pytest.mark.parametrize("amount", [0, 1, 31, 63])
def test_sha3(amount: int) -> None:
    rng = random.Random(amount)
    n, m, a = (rng.getrandbits(128) for _ in range(3))

    def rotated(value: int, right: int) -> int:
        return vector([(lane | lane << 64) >> right & MASK64 for lane in lanes(value, 64)], 64)

    code = (
        "eor3 v0.16b, v1.16b, v2.16b, v3.16b\nbcax v4.16b, v1.16b, v2.16b, v3.16b\n"
        f"rax1 v5.2d, v1.2d, v2.2d\nxar v6.2d, v1.2d, v2.2d, #{amount}"
    )
    result = execute(code, vectors={1: n, 2: m, 3: a}).vectors
    assert result[0] == n ^ m ^ a
    assert result[4] == n ^ (m & ~a)
    assert result[5] == n ^ rotated(m, 63)
    assert result[6] == rotated(n ^ m, amount)
