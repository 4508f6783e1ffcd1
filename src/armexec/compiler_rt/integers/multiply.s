// __int128 __multi3(__int128 a, __int128 b)
// int __mulosi4(int a, int b, int *overflow), and the same of 64 (__mulodi4) and 128 bits (__muloti4)

        .globl  __multi3
        .globl  __mulosi4
        .globl  __mulodi4
        .globl  __muloti4
__multi3:
        umulh   x4, x0, x2
        madd    x4, x0, x3, x4
        madd    x1, x1, x2, x4
        mul     x0, x0, x2
        ret

__mulosi4:
        smull   x0, w0, w1
        cmp     x0, w0, sxtw
        cset    w3, ne
        str     w3, [x2]
        ret

__mulodi4:
        smulh   x3, x0, x1
        mul     x0, x0, x1
        cmp     x3, x0, asr #63
        cset    w3, ne
        str     w3, [x2]
        ret

        // The product of the magnitudes; x5 collects what doesn't fit into 128 bits.
__muloti4:
        asr     x6, x1, #63
        asr     x7, x3, #63
        eor     x0, x0, x6
        eor     x1, x1, x6
        subs    x0, x0, x6
        sbc     x1, x1, x6
        eor     x2, x2, x7
        eor     x3, x3, x7
        subs    x2, x2, x7
        sbc     x3, x3, x7
        cmp     x1, #0
        ccmp    x3, #0, #4, ne
        cset    x5, ne
        umulh   x8, x1, x2
        orr     x5, x5, x8
        umulh   x8, x0, x3
        orr     x5, x5, x8
        mul     x8, x1, x2
        madd    x8, x0, x3, x8          // one of the two is 0, unless it is too large anyway
        umulh   x1, x0, x2
        mul     x0, x0, x2
        adds    x1, x1, x8
        cinc    x5, x5, hs
        eor     x6, x6, x7
        eor     x0, x0, x6
        eor     x1, x1, x6
        subs    x0, x0, x6
        sbc     x1, x1, x6
        eor     x8, x1, x6              // a sign that isn't that of the product; 0 has none
        orr     x9, x0, x1
        cmp     x9, #0
        csel    x8, x8, xzr, ne
        orr     x5, x5, x8, lsr #63
        cmp     x5, #0
        cset    w5, ne
        str     w5, [x4]
        ret
