// Counting bits of 32 (si), 64 (di) and 128 bits (ti) without vector registers. A count of zeros of 0 is the width.

        .globl  __popcountsi2
        .globl  __popcountdi2
        .globl  __popcountti2
        .globl  __paritysi2
        .globl  __paritydi2
        .globl  __parityti2
        .globl  __clzti2
        .globl  __ctzti2
        .globl  __ffssi2
        .globl  __ffsdi2
        .globl  __ffsti2

__popcountsi2:
        mov     w0, w0
__popcountdi2:
        mov     x1, #0
__popcountti2:
        // The count of each two bits, each four, each byte; the bytes are added up by a multiplication.
        lsr     x2, x0, #1
        lsr     x3, x1, #1
        and     x2, x2, #0x5555555555555555
        and     x3, x3, #0x5555555555555555
        sub     x0, x0, x2
        sub     x1, x1, x3
        lsr     x2, x0, #2
        lsr     x3, x1, #2
        and     x0, x0, #0x3333333333333333
        and     x1, x1, #0x3333333333333333
        and     x2, x2, #0x3333333333333333
        and     x3, x3, #0x3333333333333333
        add     x0, x0, x2
        add     x1, x1, x3
        add     x0, x0, x0, lsr #4
        add     x1, x1, x1, lsr #4
        and     x0, x0, #0x0f0f0f0f0f0f0f0f
        and     x1, x1, #0x0f0f0f0f0f0f0f0f
        add     x0, x0, x1
        mov     x2, #0x0101010101010101
        mul     x0, x0, x2
        lsr     x0, x0, #56
        ret

__parityti2:
        eor     x0, x0, x1
__paritydi2:
        eor     x0, x0, x0, lsr #32
__paritysi2:
        eor     w0, w0, w0, lsr #16
        eor     w0, w0, w0, lsr #8
        eor     w0, w0, w0, lsr #4
        eor     w0, w0, w0, lsr #2
        eor     w0, w0, w0, lsr #1
        and     w0, w0, #1
        ret

__clzti2:
        clz     x2, x1
        clz     x0, x0
        add     x0, x0, #64
        cmp     x1, #0
        csel    x0, x0, x2, eq
        ret

__ctzti2:
        rbit    x2, x0
        clz     x2, x2
        rbit    x1, x1
        clz     x1, x1
        add     x1, x1, #64
        cmp     x0, #0
        csel    x0, x1, x2, eq
        ret

// One more than the index of the lowest bit set; 0 for 0.
__ffssi2:
        mov     w0, w0
__ffsdi2:
        mov     x1, #0
__ffsti2:
        rbit    x2, x0
        clz     x2, x2
        rbit    x3, x1
        clz     x3, x3
        add     x3, x3, #64
        cmp     x0, #0
        csel    x2, x3, x2, eq
        orr     x0, x0, x1
        cmp     x0, #0
        csinc   x0, xzr, x2, eq
        ret
