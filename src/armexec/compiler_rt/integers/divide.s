// Division of 128-bit integers, in pairs of registers with the low half first.
//
// unsigned: __udivti3(n, d), __umodti3(n, d), __udivmodti4(n, d, *remainder)
// signed:   __divti3(n, d), __modti3(n, d), __divmodti4(n, d, *remainder)
//
// Warren, Hacker's Delight, 2nd edition, 9-4 and 9-5. As UDIV has it, n / 0 is 0, and the remainder n.

        .globl  __udivti3
        .globl  __umodti3
        .globl  __udivmodti4
        .globl  __divti3
        .globl  __modti3
        .globl  __divmodti4

// The quotient in x0:x1, and the remainder in x4:x5 for the others.
__udivti3:
        cbnz    x3, 3f
        cbz     x2, 4f
        mov     x7, #0
        cmp     x1, x2
        b.lo    1f
        udiv    x7, x1, x2              // the quotient's high half
        msub    x1, x7, x2, x1
1:      cbnz    x1, 2f
        udiv    x6, x0, x2
        msub    x4, x6, x2, x0
        mov     x5, #0
        mov     x0, x6
        mov     x1, x7
        ret

2:      stp     x29, x30, [sp, #-16]!
        mov     x29, sp
        clz     x6, x2
        lsl     x8, x2, x6
        lsr     x9, x0, #1
        eor     x10, x6, #63
        lsr     x9, x9, x10
        lsl     x1, x1, x6
        orr     x1, x1, x9
        lsl     x0, x0, x6
        bl      halves
        lsr     x4, x1, x6
        mov     x5, #0
        mov     x1, x7
        ldp     x29, x30, [sp], #16
        ret

3:      cmp     x0, x2
        sbcs    xzr, x1, x3
        b.hs    5f
4:      mov     x4, x0
        mov     x5, x1
        mov     x0, #0
        mov     x1, #0
        ret

        // n / 2 by the divisor's highest 64 bits is the quotient shifted left, or that of the next number.
5:      stp     x29, x30, [sp, #-16]!
        mov     x29, sp
        mov     x4, x0
        mov     x5, x1
        clz     x6, x3
        eor     x7, x6, #63
        lsl     x8, x3, x6
        lsr     x9, x2, #1
        lsr     x9, x9, x7
        orr     x8, x8, x9
        extr    x0, x1, x0, #1
        lsr     x1, x1, #1
        bl      halves
        lsr     x0, x0, x7
        cmp     x0, #0
        cset    x8, ne
        sub     x0, x0, x8
        mul     x8, x0, x2
        umulh   x9, x0, x2
        madd    x9, x0, x3, x9
        subs    x4, x4, x8
        sbc     x5, x5, x9
        subs    x8, x4, x2
        sbcs    x9, x5, x3
        cinc    x0, x0, hs
        csel    x4, x8, x4, hs
        csel    x5, x9, x5, hs
        mov     x1, #0
        ldp     x29, x30, [sp], #16
        ret

// x1:x0 by x8, whose highest bit is set and which is greater than x1: the quotient in x0, the remainder in x1, by two
// steps of long division with digits of 32 bits. Changes x9 to x17.
halves:
        lsr     x9, x8, #32
        mov     w10, w8
        lsr     x11, x0, #32
        mov     w12, w0
        udiv    x13, x1, x9
        msub    x14, x13, x9, x1
1:      lsr     x15, x13, #32
        cbnz    x15, 2f
        mul     x15, x13, x10
        orr     x16, x11, x14, lsl #32
        cmp     x15, x16
        b.ls    3f
2:      sub     x13, x13, #1
        add     x14, x14, x9
        lsr     x15, x14, #32
        cbz     x15, 1b
3:      orr     x1, x11, x1, lsl #32
        msub    x1, x13, x8, x1
        udiv    x17, x1, x9
        msub    x14, x17, x9, x1
4:      lsr     x15, x17, #32
        cbnz    x15, 5f
        mul     x15, x17, x10
        orr     x16, x12, x14, lsl #32
        cmp     x15, x16
        b.ls    6f
5:      sub     x17, x17, #1
        add     x14, x14, x9
        lsr     x15, x14, #32
        cbz     x15, 4b
6:      orr     x1, x12, x1, lsl #32
        msub    x1, x17, x8, x1
        add     x0, x17, x13, lsl #32
        ret

__umodti3:
        stp     x29, x30, [sp, #-16]!
        mov     x29, sp
        bl      __udivti3
        mov     x0, x4
        mov     x1, x5
        ldp     x29, x30, [sp], #16
        ret

__udivmodti4:
        stp     x29, x30, [sp, #-32]!
        mov     x29, sp
        str     x4, [sp, #16]
        bl      __udivti3
        ldr     x6, [sp, #16]
        stp     x4, x5, [x6]
        ldp     x29, x30, [sp], #32
        ret

// The quotient in x0:x1, and the remainder, which has the sign of n, in x4:x5 for the others.
__divti3:
        stp     x29, x30, [sp, #-32]!
        mov     x29, sp
        asr     x6, x1, #63
        asr     x7, x3, #63
        stp     x6, x7, [sp, #16]
        eor     x0, x0, x6
        eor     x1, x1, x6
        subs    x0, x0, x6
        sbc     x1, x1, x6
        eor     x2, x2, x7
        eor     x3, x3, x7
        subs    x2, x2, x7
        sbc     x3, x3, x7
        bl      __udivti3
        ldp     x6, x7, [sp, #16]
        eor     x4, x4, x6
        eor     x5, x5, x6
        subs    x4, x4, x6
        sbc     x5, x5, x6
        eor     x7, x7, x6
        eor     x0, x0, x7
        eor     x1, x1, x7
        subs    x0, x0, x7
        sbc     x1, x1, x7
        ldp     x29, x30, [sp], #32
        ret

__modti3:
        stp     x29, x30, [sp, #-16]!
        mov     x29, sp
        bl      __divti3
        mov     x0, x4
        mov     x1, x5
        ldp     x29, x30, [sp], #16
        ret

__divmodti4:
        stp     x29, x30, [sp, #-32]!
        mov     x29, sp
        str     x4, [sp, #16]
        bl      __divti3
        ldr     x6, [sp, #16]
        stp     x4, x5, [x6]
        ldp     x29, x30, [sp], #32
        ret
