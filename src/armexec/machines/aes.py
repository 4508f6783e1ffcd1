"""The substitution box of AES (FIPS 197, 5.1.1), computed: the inverse in GF(2**8), then an affine map of its bits."""

from __future__ import annotations

from functools import cache

__all__ = ["substitution_box"]


@cache
def substitution_box(*, inverse: bool) -> bytes:
    """What each of the 256 bytes becomes: by SubBytes, or by InvSubBytes if `inverse`."""
    # The powers of 3, which generates the field's multiplicative group: power[i] times power[255 - i] is 1.
    power = [1]
    for _ in range(254):
        doubled = power[-1] << 1
        power.append((doubled ^ (0x11B if doubled > 0xFF else 0)) ^ power[-1])
    box = bytearray(256)
    box[0] = 0x63
    for exponent, element in enumerate(power):
        other = power[-exponent % 255]
        repeated = other << 8 | other
        box[element] = (other ^ repeated >> 7 ^ repeated >> 6 ^ repeated >> 5 ^ repeated >> 4) & 0xFF ^ 0x63
    return bytes(box.index(byte) for byte in range(256)) if inverse else bytes(box)
