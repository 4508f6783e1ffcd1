"""Operations of the integer instructions on elements of vectors.

Each operation stands here once for the vector forms, the scalar forms (a vector of one element) and those by element.

A rounded or halved result has all the bits of the infinitely precise one, without wider lanes where that is possible.
"""

from __future__ import annotations

from collections.abc import Callable

from ..machine import Machine
from ..values import Vector

Unary = Callable[[Vector], Vector]
Binary = Callable[[Vector, Vector], Vector]

# -- operands ------------------------------------------------------------------------------------------------------


def same(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int, operation: Binary) -> None:
    """Rd = operation(Rn, Rm), whole vectors of elements of 8 << size bits."""
    width, esize = 64 << Q, 8 << size
    m.Vec[width, esize, Rd] = operation(m.Vec[width, esize, Rn], m.Vec[width, esize, Rm])


def each(m: Machine, Q: int, size: int, Rn: int, Rd: int, operation: Unary) -> None:
    """Rd = operation(Rn)."""
    width, esize = 64 << Q, 8 << size
    m.Vec[width, esize, Rd] = operation(m.Vec[width, esize, Rn])


def scalar(m: Machine, esize: int, number: int) -> Vector:
    """A scalar register as a vector of one element."""
    return m.V[esize, number].vector(esize)


def set_scalar(m: Machine, esize: int, number: int, vector: Vector) -> None:
    m.V[esize, number] = vector.value()


def same_scalar(m: Machine, size: int, Rm: int, Rn: int, Rd: int, operation: Binary) -> None:
    """Rd = operation(Rn, Rm), scalars of 8 << size bits."""
    esize = 8 << size
    set_scalar(m, esize, Rd, operation(scalar(m, esize, Rn), scalar(m, esize, Rm)))


def each_scalar(m: Machine, size: int, Rn: int, Rd: int, operation: Unary) -> None:
    """Rd = operation(Rn), scalars of 8 << size bits."""
    esize = 8 << size
    set_scalar(m, esize, Rd, operation(scalar(m, esize, Rn)))


def half(m: Machine, Q: int, esize: int, number: int) -> Vector:
    """Vpart[]: the lower half of a register (Q=0), or the upper (Q=1)."""
    return m.Vec[128, esize, number].upper() if Q else m.Vec[64, esize, number]


def set_half(m: Machine, Q: int, esize: int, number: int, vector: Vector) -> None:
    """Vpart[] =: the lower half, clearing the upper (Q=0); or the upper half, keeping the lower (Q=1)."""
    if Q:
        m.Vec[128, esize, number] = m.Vec[64, esize, number].concat(vector)
    else:
        m.Vec[64, esize, number] = vector


def extend(vector: Vector, *, signed: bool) -> Vector:
    """Each element in twice as many bits."""
    return vector.sign_extend(2 * vector.esize) if signed else vector.zero_extend(2 * vector.esize)


# -- sums and differences --------------------------------------------------------------------------------------------


def shift_right_one(a: Vector, *, signed: bool) -> Vector:
    return a.asr(1) if signed else a >> 1


def halving_add(a: Vector, b: Vector, *, signed: bool) -> Vector:
    """(a + b) >> 1, with the carry: a + b is 2 * (a & b) + (a ^ b)."""
    return (a & b) + shift_right_one(a ^ b, signed=signed)


def rounding_halving_add(a: Vector, b: Vector, *, signed: bool) -> Vector:
    """(a + b + 1) >> 1, with the carry: a + b is 2 * (a | b) - (a ^ b)."""
    return (a | b) - shift_right_one(a ^ b, signed=signed)


def halving_subtract(a: Vector, b: Vector, *, signed: bool) -> Vector:
    """(a - b) >> 1, with the borrow: a - b is (a ^ b) - 2 * (~a & b)."""
    return shift_right_one(a ^ b, signed=signed) - (~a & b)


def maximum(a: Vector, b: Vector, *, signed: bool) -> Vector:
    return a.smax(b) if signed else a.umax(b)


def minimum(a: Vector, b: Vector, *, signed: bool) -> Vector:
    return a.smin(b) if signed else a.umin(b)


def absolute_difference(a: Vector, b: Vector, *, signed: bool) -> Vector:
    """|a - b| as an unsigned number, which always fits."""
    return maximum(a, b, signed=signed) - minimum(a, b, signed=signed)


def pairwise(a: Vector, b: Vector, operation: Binary) -> Vector:
    """operation() of neighbours: first those of `a`, then those of `b`."""
    evens = range(0, 2 * a.lanes, 2)
    return operation(a.shuffle(b, evens), a.shuffle(b, [i + 1 for i in evens]))


def add_pairs_long(a: Vector, *, signed: bool) -> Vector:
    """The sums of neighbours, twice as wide."""
    esize = a.esize
    pairs = a.view(2 * esize)
    if signed:
        return (pairs << esize).asr(esize) + pairs.asr(esize)
    return (pairs & (1 << esize) - 1) + (pairs >> esize)


def add_signed_to_unsigned(m: Machine, accumulator: Vector, a: Vector) -> Vector:
    """USQADD: an unsigned accumulator plus a signed number, saturated unsigned.

    With the accumulator's top bit flipped both are signed, and so are the bounds.
    """
    top = 1 << a.esize - 1
    return m.saturating_add(accumulator ^ top, a, signed=True) ^ top


def add_unsigned_to_signed(m: Machine, accumulator: Vector, a: Vector) -> Vector:
    """SUQADD: a signed accumulator plus an unsigned number, saturated signed."""
    top = 1 << a.esize - 1
    return m.saturating_add(accumulator ^ top, a, signed=False) ^ top


# -- products ------------------------------------------------------------------------------------------------------


def multiply_long(a: Vector, b: Vector, *, signed: bool) -> Vector:
    """The whole products, twice as wide."""
    return extend(a, signed=signed) * extend(b, signed=signed)


def doubling_multiply_high(m: Machine, a: Vector, b: Vector, *, rounding: bool) -> Vector:
    """SQDMULH, SQRDMULH: the high half of 2 * a * b, saturated."""
    esize = a.esize
    product = multiply_long(a, b, signed=True)
    if rounding:
        product = product + (1 << esize - 2)
    return m.saturate(product.asr(esize - 1), esize, source_signed=True, signed=True)


def doubling_multiply_high_add(m: Machine, accumulator: Vector, a: Vector, b: Vector, *, subtract: bool) -> Vector:
    """SQRDMLAH, SQRDMLSH: the high half of (accumulator << esize) +- 2 * a * b, rounded and saturated once."""
    esize = a.esize
    # All terms are halved, so the sum fits into twice the width.
    whole = accumulator.sign_extend(2 * esize) << esize - 1
    product = multiply_long(a, b, signed=True)
    whole = (whole - product if subtract else whole + product) + (1 << esize - 2)
    return m.saturate(whole.asr(esize - 1), esize, source_signed=True, signed=True)


def doubling_multiply_long(m: Machine, a: Vector, b: Vector) -> Vector:
    """SQDMULL: 2 * a * b, twice as wide, saturated."""
    product = multiply_long(a, b, signed=True)
    return m.saturating_add(product, product, signed=True)


def dot_product(a: Vector, b: Vector, *, signed: bool) -> Vector:
    """The sums of four neighbouring products of bytes, in 32 bits."""
    sums = add_pairs_long(multiply_long(a, b, signed=signed), signed=signed)
    return pairwise(sums.lower(), sums.upper(), lambda x, y: x + y)


# -- shifts --------------------------------------------------------------------------------------------------------


def shift_right(a: Vector, amount: int, *, signed: bool, rounding: bool) -> Vector:
    """Shift right by 1 to esize bits; `rounding` adds the last bit shifted out."""
    # The shift has two steps: the amount may be esize, and the sum with a rounding constant might not fit.
    kept = a.asr(amount - 1) if signed else a >> amount - 1
    shifted = shift_right_one(kept, signed=signed)
    return shifted + (kept & 1) if rounding else shifted


def saturating_shift_left(m: Machine, a: Vector, amount: int, *, signed: bool) -> Vector:
    """Shift left by less than esize bits, and saturate."""
    return _saturated(m, a, a << amount, _fits_left(a, amount, signed=signed), signed=signed)


def saturating_shift_left_unsigned(m: Machine, a: Vector, amount: int) -> Vector:
    """SQSHLU: shift a signed number left, and saturate it unsigned."""
    esize = a.esize
    positive = a.smax(0)
    fits = a.eq(positive) & (positive << amount >> amount).eq(positive)
    m.saturated_if(fits.value() != -1)
    bound = ~a.asr(esize - 1)
    return fits.choose(a << amount, bound)


def shift_by_register(
    m: Machine, a: Vector, b: Vector, *, signed: bool, rounding: bool = False, saturating: bool = False
) -> Vector:
    """SSHL and its like: left by the signed number in the lowest byte of each of b's elements."""
    esize = a.esize
    last = esize - 1
    amount = (b << esize - 8).asr(esize - 8) if esize > 8 else b
    to_right = amount.slt(0)
    # The first step shifts by one bit less, as in shift_right: by the complement of the amount.
    less = ~amount
    bounded = less.umin(last)
    kept = a.asr(bounded) if signed else a >> bounded
    right = shift_right_one(kept, signed=signed)
    if rounding:
        last_bit = kept & 1
        # When all bits are shifted out, the rounding constant is above them: an unsigned number rounds to zero.
        right = right + (last_bit if signed else last_bit & less.ule(last))
    inside = amount.ule(last)
    bounded = amount.umin(last)
    left = (a << bounded) & inside
    if saturating:
        fits = to_right | (_fits_left(a, bounded, signed=signed) & inside) | a.eq(0)
        left = _saturated(m, a, left, fits, signed=signed)
    return to_right.choose(right, left)


def _fits_left(a: Vector, amount: Vector | int, *, signed: bool) -> Vector:
    """A mask of where a << amount loses nothing."""
    shifted = a << amount
    return (shifted.asr(amount) if signed else shifted >> amount).eq(a)


def _saturated(m: Machine, a: Vector, result: Vector, fits: Vector, *, signed: bool) -> Vector:
    """`result`, or where it doesn't fit the bound on a's side."""
    m.saturated_if(fits.value() != -1)
    if not signed:
        return result | ~fits
    esize = a.esize
    bound = a.asr(esize - 1) ^ (1 << esize - 1) - 1
    return fits.choose(result, bound)


def narrow(m: Machine, a: Vector, *, source_signed: bool, signed: bool) -> Vector:
    """Each element saturated to half as many bits."""
    return m.saturate(a, a.esize // 2, source_signed=source_signed, signed=signed)


def high_half(a: Vector, *, rounding: bool) -> Vector:
    """The most significant half of each element."""
    esize = a.esize // 2
    return ((a + (1 << esize - 1) if rounding else a) >> esize).truncate(esize)


# -- bits ----------------------------------------------------------------------------------------------------------


def reverse(a: Vector, container: int) -> Vector:
    """The elements in each `container` bits the other way round."""
    last = container // a.esize - 1
    return a.shuffle(a, [i ^ last for i in range(a.lanes)])


def count_leading_signs(a: Vector) -> Vector:
    """The bits below the highest that are equal to it, up to the first that isn't."""
    return (a ^ a.asr(a.esize - 1)).clz() - 1


def bits_in_common(a: Vector, b: Vector) -> Vector:
    """A mask of where they have a bit in common."""
    return ~(a & b).eq(0)
